import { TtsError } from '../../base/errors.js';
import type { Examples } from '../../data/images/examples.js';
import type { ClassifierConfig } from '../../model/classifiers/classifiers.js';

/** Throws ERR_RECIPE unless the images are of the size that the classifier takes. */
export function checkInput({ name, input }: ClassifierConfig, { height, width, channels }: Examples): void {
  if (input.join() !== [height, width, channels].join()) {
    throw new TtsError(
      'ERR_RECIPE',
      `${name} takes images of ${input.join(' × ')}, those of the data are ${height} × ${width} × ` +
        `${channels}; choose another size with --size`,
    );
  }
}
