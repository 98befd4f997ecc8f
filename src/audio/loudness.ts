// Own code: the libraries on npm that measure loudness were one-person packages without tests against the standard, or
// no longer maintained.

import { type Biquad, filter } from './biquad.js';

const blockSeconds = 0.4;
const stepSeconds = 0.1;
const absoluteGate = -70;
const relativeGate = -10;

/**
 * Integrated loudness in LUFS (ITU-R BS.1770-5, annex 1): K-weighted, the mean over blocks of 0.4 s that overlap by 75%
 * and pass both gates, at -70 LUFS and 10 LU below the mean of those. All channels count alike, as left, right and
 * centre do; a single one is measured as it is, so that the same signal on both of two channels is 3.01 LU louder.
 * -Infinity for silence. Audio shorter than a block is one block.
 *
 * @param channels samples in [-1, 1) for each channel, all of the same length
 * @param sampleRate in Hz
 */
export function integratedLoudness(channels: readonly Float32Array[], sampleRate: number): number {
  return gatedLoudness(blockEnergies(channels, sampleRate));
}

/**
 * Integrated loudness in LUFS of blocks that `blockEnergies` gave, of one recording or of several that are taken as one
 * programme: both gates are those of all blocks together.
 */
export function gatedLoudness(energies: ArrayLike<number>): number {
  const audible = Array.from(energies).filter((energy) => loudnessOf(energy) > absoluteGate);
  const threshold = loudnessOf(mean(audible)) + relativeGate;
  return loudnessOf(mean(audible.filter((energy) => loudnessOf(energy) > threshold)));
}

/**
 * Mean squares, K-weighted, of the blocks of 0.4 s that begin every 0.1 s, summed over the channels; arguments as those
 * of `integratedLoudness`.
 */
export function blockEnergies(channels: readonly Float32Array[], sampleRate: number): Float64Array {
  const length = channels[0].length;
  const step = Math.round(stepSeconds * sampleRate);
  const block = Math.min(Math.round(blockSeconds * sampleRate), length);
  const energies = new Float64Array(Math.floor((length - block) / step) + 1);
  for (const channel of channels) {
    const weighted = kWeighting(sampleRate).reduce(filter, Float64Array.from(channel));
    energies.forEach((_, i) => {
      let sum = 0;
      for (let n = i * step; n < i * step + block; n++) sum += weighted[n] ** 2;
      energies[i] += sum / block;
    });
  }
  return energies;
}

/** Loudness of a mean square of K-weighted samples: -0.691 makes a sine of 997 Hz at full scale -3.01 LUFS. */
const loudnessOf = (energy: number): number => -0.691 + 10 * Math.log10(energy);

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The two filters of the K weighting at any rate: the standard gives coefficients for 48 kHz only; these are the
 * analogue filters that they come from, by the bilinear transform (as in libebur128).
 */
function kWeighting(sampleRate: number): [Biquad, Biquad] {
  return [
    highShelf(1681.974450955533, 0.7071752369554196, 3.999843853973347, sampleRate),
    highPass(38.13547087602444, 0.5003270373238773, sampleRate),
  ];
}

function highShelf(frequency: number, q: number, gain: number, sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * frequency) / sampleRate);
  const high = 10 ** (gain / 20);
  const band = high ** 0.4996667741545416;
  const a0 = 1 + k / q + k * k;
  return {
    b: [(high + (band * k) / q + k * k) / a0, (2 * (k * k - high)) / a0, (high - (band * k) / q + k * k) / a0],
    a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0],
  };
}

function highPass(frequency: number, q: number, sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * frequency) / sampleRate);
  const a0 = 1 + k / q + k * k;
  return { b: [1, -2, 1], a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0] };
}
