import { TtsError } from '../../base/errors.js';
import type { ExpectedFeatures, FeatureInput } from './expected.js';
import { layOut } from './layout.js';
import { levelBySettings, levelByStatistics } from './levels.js';

/** Share of the voice's range that a value may lie beyond it, and share of values that may lie farther. */
const margin = 0.25;
const strays = 0.01;

/**
 * Makes features fit for a voice, or refuses them. A mel spectrogram of another kind than the voice's gives noise, so
 * nothing is let through on trust. Converted, with a note each: a leading axis of 1, [bins, frames], Fortran order,
 * float64 and float16; ln, log10, dB, plain magnitudes and normalised levels, if the settings beside the file say so;
 * without settings, another logarithm if the values fit the voice's statistics as that and as nothing else. Everything
 * else is refused by file, voice and number.
 *
 * @returns features as float32, row-major [frames, bins], and what was done to them, for people to read
 * @throws TtsError ERR_FEATURE_SHAPE, ERR_FEATURE_NOT_FINITE, ERR_FEATURE_SETTINGS (a setting that cannot be
 * converted), ERR_FEATURE_RANGE.
 */
export function conformFeatures(
  input: FeatureInput,
  expected: ExpectedFeatures,
): { features: Float32Array; frames: number; notes: string[] } {
  const { path, settings } = input;
  const laidOut = layOut(input, expected);
  const levelled =
    settings === undefined
      ? levelByStatistics(path, laidOut.features, expected)
      : levelBySettings(path, laidOut.features, settings, expected);
  refuseStrays(path, levelled.features, expected);
  return { features: levelled.features, frames: laidOut.frames, notes: [...laidOut.notes, ...levelled.notes] };
}

function refuseStrays(
  path: string,
  features: Float32Array,
  { name, settings, statistics: { min, max } }: ExpectedFeatures,
): void {
  const slack = margin * (max - min);
  const low = min - slack;
  const high = max + slack;
  let count = 0;
  let worst = -1;
  features.forEach((value, i) => {
    if (value >= low && value <= high) return;
    count += 1;
    const distance = (x: number) => Math.max(low - x, x - high);
    if (worst < 0 || distance(value) > distance(features[worst])) worst = i;
  });
  if (count <= strays * features.length) return;
  throw new TtsError(
    'ERR_FEATURE_RANGE',
    `${path}: ${count} of ${features.length} values lie far outside what the voice ${name} knows ` +
      `(${min.toFixed(2)} to ${max.toFixed(2)}), such as ` +
      `${features[worst].toFixed(2)} in frame ${Math.floor(worst / settings.bins)}, bin ${worst % settings.bins}`,
  );
}
