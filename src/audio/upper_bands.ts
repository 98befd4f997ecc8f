import { expander } from './compression.js';
import type { MelSettings } from './mel_settings.js';

/** About how wide a band is, in Hz: levels up there change slowly with frequency. */
const bandHertz = 1500;

/** Least mean power and least feature: what is below has no level. */
const leastPower = 1e-9;
const leastFeature = 1e-9;

/** Bins of the spectrum, from `first` up to `end`, which does not belong to it. */
export interface UpperBand {
  readonly first: number;
  readonly end: number;
}

/**
 * The spectrum above the last mel filter, in bands; none where the filters reach as far as there is sound. Features do
 * not measure it, but let expect its levels.
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
export function nepers(settings: MelSettings): (features: Float32Array, bin: number) => number {
  const expand = expander(settings);
  return (features, bin) => Math.log(Math.max(leastFeature, expand(features[bin]))) / settings.power;
}

/**
 * What levels the features of a frame let expect in the upper bands: linear functions of the features, in nats.
 * @param weights [bands, bins+1], the last of each row the constant; `UpperBandFit` of src/training/vocoder learns them
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
