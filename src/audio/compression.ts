import type { MelSettings } from './mel_settings.js';

type Levels = Pick<MelSettings, 'log' | 'power' | 'floor' | 'normalisation'>;

/**
 * How many units of a logarithm there are to one neper of the filter's output: 1, log2 e, log10 e, or dB for magnitudes
 * or powers.
 */
function unitsPerNeper(log: Exclude<MelSettings['log'], 'none'>, power: MelSettings['power']): number {
  return { e: 1, 2: Math.LOG2E, 10: Math.LOG10E, db: (20 / power) * Math.LOG10E }[log];
}

/**
 * The function from a mel filter's output (magnitude or power) to the value in the spectrogram: floor, logarithm,
 * normalisation.
 */
export function compressor({ log, power, floor, normalisation }: Levels): (output: number) => number {
  const units = log === 'none' ? 0 : unitsPerNeper(log, power);
  const level =
    log === 'none'
      ? (output: number) => Math.max(floor, output)
      : (output: number) => units * Math.log(Math.max(floor, output));
  if (normalisation === null) return level;
  const { from, to } = normalisation;
  const slope = (to[1] - to[0]) / (from[1] - from[0]);
  return (output) => Math.max(to[0], Math.min(to[1], to[0] + (level(output) - from[0]) * slope));
}

/** The inverse of `compressor`, for what neither floor nor clipping has cut off. */
export function expander({ log, power, normalisation }: Levels): (value: number) => number {
  const exponent = log === 'none' ? 0 : 1 / unitsPerNeper(log, power);
  const output = log === 'none' ? (level: number) => level : (level: number) => Math.exp(level * exponent);
  if (normalisation === null) return output;
  const { from, to } = normalisation;
  const slope = (from[1] - from[0]) / (to[1] - to[0]);
  return (value) => output(from[0] + (value - to[0]) * slope);
}
