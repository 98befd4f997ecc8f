import { z } from 'zod';
import { type MelSettings, melSettingsSchema } from '../audio/mel_settings.js';
import { TtsError } from '../base/errors.js';
import { limits, text } from '../base/limits.js';
import type { RecordingFeatures } from '../data/features/of_recording.js';
import { arrayIn, encodeFiles } from './answers.js';
import { runErrands } from './errands.js';
import type { Link } from './link.js';

/** How features are computed. */
export const featuresSpecSchema = z.strictObject({ settings: melSettingsSchema });

/** Features of a recording; they themselves are an array, `features`. */
export const featuresSchema = z.strictObject({
  frames: z.int().min(1).max(limits.sequence.most),
  seconds: z.number().min(0),
  notes: z.array(text()).max(limits.entries.most),
});

/**
 * Has the features of recordings computed by the workers of a queue, a recording a job: to the same bits.
 * @param onFeatures takes what is found of one, or why it cannot be used
 * @throws {TtsError} what `runErrands` throws
 */
export async function featuresByWorkers(
  link: Link,
  paths: readonly string[],
  settings: MelSettings,
  onFeatures: (index: number, found: RecordingFeatures | TtsError) => void | Promise<void>,
  note: (text: string) => void,
): Promise<void> {
  const { bins } = settings;
  await runErrands<z.infer<typeof featuresSchema>>(link, {
    job: 'features',
    doing: 'computing features',
    unit: 'recordings',
    spec: () => Promise.resolve({ settings } satisfies z.infer<typeof featuresSpecSchema>),
    schema: featuresSchema,
    errands: paths.map((path, index) => ({
      input: () => encodeFiles([path]),
      async onFound(found, arrays) {
        const data = arrayIn(arrays, 'features', Float32Array);
        if (data.length !== found.frames * bins)
          throw new TtsError(
            'ERR_CLUSTER',
            `the features of ${path} have ${data.length} numbers, expected ${found.frames} frames of ${bins}`,
          );
        await onFeatures(index, { ...found, data, bins });
      },
      onRefused: (error) => onFeatures(index, error),
    })),
    note,
  });
}
