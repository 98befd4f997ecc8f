import { TtsError } from '../../base/errors.js';
import type { ExpectedFeatures } from './fit.js';
import { type LaidOut, layOut, type RawFeatures } from './layout.js';
import { level } from './levels.js';

/** Share of the voice's range that a value may lie beyond it, and share of values that may lie farther. */
const margin = 0.25;
const strays = 0.01;

/** Features as a voice expects them, [frames, bins], and what was done to make them so, for people to read. */
export interface ConformingFeatures {
  readonly data: Float32Array;
  readonly frames: number;
  readonly notes: readonly string[];
}

/**
 * Makes features fit for a voice, or refuses them. A mel spectrogram of another kind than the voice's gives noise, so
 * nothing is let through on trust. Converted, with a note each: a leading axis of 1, [bins, frames], Fortran order,
 * float64 and float16; ln, log10, dB, plain magnitudes and normalised levels, if the settings beside the file say so;
 * without settings, another logarithm if the values fit the voice's statistics as that and as nothing else. Everything
 * else is refused by file, voice and number.
 *
 * @throws TtsError ERR_FEATURE_SHAPE, ERR_FEATURE_NOT_FINITE, ERR_FEATURE_SETTINGS (a setting that cannot be
 * converted), ERR_FEATURE_RANGE.
 */
export function conformFeatures(raw: RawFeatures, expected: ExpectedFeatures): ConformingFeatures {
  const laidOut = layOut(raw, expected);
  const levelled = level(laidOut, expected);
  refuseStrays(levelled, expected);
  const { data, frames, notes } = levelled;
  return { data, frames, notes };
}

function refuseStrays({ path, data }: LaidOut, { name, settings, statistics: { min, max } }: ExpectedFeatures): void {
  const slack = margin * (max - min);
  const low = min - slack;
  const high = max + slack;
  let count = 0;
  let worst = -1;
  data.forEach((value, i) => {
    if (value >= low && value <= high) return;
    count += 1;
    const distance = (x: number) => Math.max(low - x, x - high);
    if (worst < 0 || distance(value) > distance(data[worst])) worst = i;
  });
  if (count <= strays * data.length) return;
  throw new TtsError(
    'ERR_FEATURE_RANGE',
    `${path}: ${count} of ${data.length} values lie far outside what the voice ${name} knows ` +
      `(${min.toFixed(2)} to ${max.toFixed(2)}), such as ` +
      `${data[worst].toFixed(2)} in frame ${Math.floor(worst / settings.bins)}, bin ${worst % settings.bins}`,
  );
}
