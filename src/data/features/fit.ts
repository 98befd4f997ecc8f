import type { MelSettings } from '../../audio/mel_settings.js';

/** Statistics of the features that a voice was trained on, for normalisation and to check other features against. */
export interface FeatureStatistics {
  /** Per bin, over all frames; std is at least 1e-5, so that a bin that never changes can be divided by it. */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** Over all frames and bins. */
  readonly min: number;
  readonly max: number;
}

/** What a voice expects of features: its name, and the settings and statistics of those it was trained on. */
export interface ExpectedFeatures {
  readonly name: string;
  readonly settings: MelSettings;
  readonly statistics: FeatureStatistics;
}

/** How features compare to a voice's statistics. */
export interface FeatureFit {
  /** Mean over the bins of (mean - voice's mean) / voice's std. */
  readonly offset: number;
  /** Mean over the bins of std / voice's std. */
  readonly spread: number;
}

/** A clip needs this many frames to be judged; a shorter one may hold a single sound. */
export const judgedFrames = 50;

/**
 * Bounds of offset and spread for features of the voice's own kind. Measured on 20 LJSpeech clips against the
 * statistics of 20 others, ln mel: offset -0.4 to 0.4, at -20 dB down to -1.8, at +12 dB up to 0.8; spread 0.7 to 1.2.
 * Read as ln, log10 has spread 0.4 to 0.5, dB 8 to 10, plain magnitudes 0 to 0.2; levels in [0, 1] have offset 3.3,
 * in [-4, 4] 2.1 to 3.9, standardised ones 2.9 to 3.1, log10 of powers 0.9 to 1.3.
 */
const bounds = { offset: [-2.2, 0.9], spread: [0.6, 1.6] } as const;
/**
 * Features to be converted must not be more than 6 dB louder than the voice: dB of powers, read as dB of magnitudes,
 * have offset 0.5 to 1.
 */
const convertibleOffset = 0.5;

/**
 * Compares features, row-major [frames, bins], with a voice's statistics.
 *
 * @param convert applied to each value first
 */
export function fitOf(
  features: Float32Array,
  { mean, std }: FeatureStatistics,
  convert: (value: number) => number = (value) => value,
): FeatureFit {
  const bins = mean.length;
  const frames = features.length / bins;
  let offset = 0;
  let spread = 0;
  for (let bin = 0; bin < bins; bin++) {
    let sum = 0;
    let squares = 0;
    for (let i = bin; i < features.length; i += bins) {
      const value = convert(features[i]);
      sum += value;
      squares += value * value;
    }
    const average = sum / frames;
    const unit = Math.max(std[bin], 1e-3);
    offset += (average - mean[bin]) / unit / bins;
    spread += Math.sqrt(Math.max(0, squares / frames - average * average)) / unit / bins;
  }
  return { offset, spread };
}

/** Whether features compare like ones of the voice's own kind. */
export function isAlike({ offset, spread }: FeatureFit): boolean {
  return (
    offset >= bounds.offset[0] && offset <= bounds.offset[1] && spread >= bounds.spread[0] && spread <= bounds.spread[1]
  );
}

/** Whether features, once converted, compare so well that they can hardly be anything else. */
export function isConvertible(fit: FeatureFit): boolean {
  return isAlike(fit) && fit.offset <= convertibleOffset;
}

/**
 * The correlation, over the bins, of the features' mean spectrum with the voice's: near 1 if bins are bins and not
 * frames.
 */
export function spectralCorrelation(features: Float32Array, { mean }: FeatureStatistics): number {
  const bins = mean.length;
  const averages = new Float64Array(bins);
  features.forEach((value, i) => (averages[i % bins] += value));
  const centred = (values: Float64Array) => {
    const middle = values.reduce((sum, value) => sum + value, 0) / bins;
    return values.map((value) => value - middle);
  };
  const a = centred(averages);
  const b = centred(Float64Array.from(mean));
  const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  return norms === 0 ? 0 : dot(a, b) / norms;
}
