import { TtsError } from '../../base/errors.js';
import type { Examples } from '../../data/images/examples.js';
import {
  type ClassifierConfig,
  type ClassifierName,
  classifiers,
  type LayerConfig,
} from '../../model/classifiers/classifiers.js';
import { classifierShapes, type LayerShape } from '../../model/classifiers/shapes.js';
import type { ClassifierRecipe } from '../recipe/classifier_schema.js';

/**
 * The classifier of that name, its layers but the last with other outputs where `widths` gives them.
 * @throws {TtsError} ERR_RECIPE for another number of widths
 */
export function classifierConfig(model: ClassifierName, widths?: readonly number[]): ClassifierConfig {
  const config: ClassifierConfig = classifiers[model];
  if (!widths) return config;
  const own = ownWidths(model);
  if (widths.length !== own.length)
    throw new TtsError(
      'ERR_RECIPE',
      `widths are ${widths.join(', ')}, expected ${own.length} of them for ${model}, as its own: ${own.join(', ')}`,
    );
  let next = 0;
  const layers = config.layers.map((layer): LayerConfig =>
    'outputs' in layer && next < widths.length ? { ...layer, outputs: widths[next++] } : layer,
  );
  return { ...config, layers };
}

/** Outputs of the layers of a classifier but the last. */
export function ownWidths(model: ClassifierName): number[] {
  const { layers }: ClassifierConfig = classifiers[model];
  return layers.flatMap((layer) => ('outputs' in layer ? [layer.outputs] : [])).slice(0, -1);
}

/**
 * The net that a recipe describes, and its layers with their sizes and densities. Throws ERR_RECIPE for sizes that do
 * not fit.
 */
export function classifierOf({ sizes, size }: ClassifierRecipe): { config: ClassifierConfig; shapes: LayerShape[] } {
  const { model, widths, density, block, layers } = sizes[size];
  const config = classifierConfig(model, widths);
  return {
    config,
    shapes: classifierShapes(config, { density, block: { rows: block[0], columns: block[1] }, layers }),
  };
}

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
