import { expander } from './compression.js';
import type { MelSettings } from './mel_settings.js';
import { forEachFrame, framesOf } from './stft.js';

/** About how wide a band is, in Hz: levels up there change slowly with frequency. */
const bandHertz = 1500;

/** Least mean power and least feature: what is below has no level. */
const leastPower = 1e-9;
const leastFeature = 1e-9;

/** Frames of average spread by which the fit is drawn to the means: few against minutes, many against a second. */
const ridgeFrames = 10;

/** Bins of the spectrum, from `first` up to `end`, which does not belong to it. */
export interface UpperBand {
  readonly first: number;
  readonly end: number;
}

/**
 * The spectrum above the last mel filter, in bands; none where the filters reach as far as there is sound. Features say
 * nothing of it, but as far as it depends on them what they let expect.
 */
export function upperBands({ sampleRate, fftSize, fMax }: MelSettings): UpperBand[] {
  const count = Math.round((sampleRate / 2 - fMax) / bandHertz);
  const first = Math.floor((fMax * fftSize) / sampleRate) + 1;
  const bins = fftSize / 2 + 1 - first;
  if (bins < count) return [];
  const edge = (band: number) => first + Math.round((bins * band) / count);
  return Array.from({ length: Math.max(0, count) }, (_, band) => ({ first: edge(band), end: edge(band + 1) }));
}

/** The level of a band, in nats of amplitude, from the power of each bin. */
export function levelOf({ first, end }: UpperBand, power: (bin: number) => number): number {
  let sum = 0;
  for (let bin = first; bin < end; bin++) sum += power(bin);
  return Math.log(sum / (end - first) + leastPower) / 2;
}

/** Features of a frame as nats of amplitude, whatever unit they have. */
function nepers(settings: MelSettings): (features: Float32Array, bin: number) => number {
  const expand = expander(settings);
  return (features, bin) => Math.log(Math.max(leastFeature, expand(features[bin]))) / settings.power;
}

/**
 * What levels the features of a frame let expect in the upper bands: linear functions of the features, in nats.
 * @param weights [bands, bins+1], the last of each row the constant; see `UpperBandFit`
 * @returns a function to the levels [bands], which its next call overwrites
 */
export function expectedLevels(settings: MelSettings, weights: Float32Array): (features: Float32Array) => Float64Array {
  const { bins } = settings;
  const level = nepers(settings);
  const levels = new Float64Array(weights.length / (bins + 1));
  return (features) => {
    for (let band = 0; band < levels.length; band++) levels[band] = weights[band * (bins + 1) + bins];
    for (let bin = 0; bin < bins; bin++) {
      const value = level(features, bin);
      for (let band = 0; band < levels.length; band++) levels[band] += weights[band * (bins + 1) + bin] * value;
    }
    return levels;
  };
}

/** Learns `expectedLevels` from speech and its features, by least squares with a little ridge. */
export class UpperBandFit {
  private readonly bands: UpperBand[];
  private readonly level: ReturnType<typeof nepers>;
  private frames = 0;
  /** Sums over the frames of features and levels [bins+bands], and of their products, but for the lower half. */
  private readonly sums: Float64Array;
  private readonly products: Float64Array;

  constructor(private readonly settings: MelSettings) {
    this.bands = upperBands(settings);
    this.level = nepers(settings);
    const size = settings.bins + this.bands.length;
    this.sums = new Float64Array(size);
    this.products = new Float64Array(size * size);
  }

  /**
   * Takes a recording.
   * @param samples full scale is 1
   * @param features [frames, bins]
   */
  add(samples: Float32Array | Float64Array, features: Float32Array): void {
    const { bands, settings, sums, products, level } = this;
    const { bins } = settings;
    if (bands.length === 0 || framesOf(samples.length, settings) === 0) return;
    const size = sums.length;
    const values = new Float64Array(size);
    forEachFrame(samples, settings, (power, frame) => {
      if ((frame + 1) * bins > features.length) return;
      const own = features.subarray(frame * bins, (frame + 1) * bins);
      for (let bin = 0; bin < bins; bin++) values[bin] = level(own, bin);
      bands.forEach((band, i) => (values[bins + i] = levelOf(band, (bin) => power[bin])));
      for (let i = 0; i < size; i++) {
        sums[i] += values[i];
        if (i < bins) for (let j = i; j < size; j++) products[i * size + j] += values[i] * values[j];
      }
      this.frames++;
    });
  }

  /** The weights [bands, bins+1]; undefined where there are no upper bands, or was no speech. */
  solve(): Float32Array | undefined {
    const { bands, frames, sums, products } = this;
    const { bins } = this.settings;
    if (bands.length === 0 || frames === 0) return undefined;
    const size = sums.length;
    const mean = sums.map((sum) => sum / frames);
    const covariance = (i: number, j: number) => products[i * size + j] / frames - mean[i] * mean[j];
    let spread = 0;
    for (let i = 0; i < bins; i++) spread += covariance(i, i) / bins;
    const ridge = (spread * ridgeFrames) / frames + 1e-9;
    const factor = cholesky(bins, (i, j) => covariance(i, j) + (i === j ? ridge : 0));
    const weights = new Float32Array(bands.length * (bins + 1));
    bands.forEach((_, band) => {
      const row = solved(
        factor,
        Float64Array.from({ length: bins }, (_, bin) => covariance(bin, bins + band)),
      );
      weights.set(row, band * (bins + 1));
      weights[band * (bins + 1) + bins] = row.reduce(
        (rest, weight, bin) => rest - weight * mean[bin],
        mean[bins + band],
      );
    });
    return weights;
  }
}

/** The lower triangle L [n, n] with L·Lᵀ = a, for a positive definite matrix; `a` is asked for i ≤ j. */
function cholesky(n: number, a: (i: number, j: number) => number): Float64Array[] {
  const rows: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(i + 1);
    for (let j = 0; j <= i; j++) {
      let sum = a(j, i);
      const other = j === i ? row : rows[j];
      for (let k = 0; k < j; k++) sum -= row[k] * other[k];
      row[j] = j === i ? Math.sqrt(Math.max(Number.MIN_VALUE, sum)) : sum / other[j];
    }
    rows.push(row);
  }
  return rows;
}

/** x with L·Lᵀ x = b. */
function solved(rows: readonly Float64Array[], b: Float64Array): Float64Array {
  const x = b.slice();
  for (let i = 0; i < x.length; i++) {
    for (let k = 0; k < i; k++) x[i] -= rows[i][k] * x[k];
    x[i] /= rows[i][i];
  }
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i] -= rows[k][i] * x[k];
    x[i] /= rows[i][i];
  }
  return x;
}
