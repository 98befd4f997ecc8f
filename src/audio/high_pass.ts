import { TtsError } from '../base/errors.js';
import { type Biquad, filter } from './biquad.js';

/** Qualities of the two pairs of poles of a Butterworth filter of fourth order: 1 / (2 cos(π/8)), 1 / (2 cos(3π/8)). */
const qualities = [1, 3].map((k) => 1 / (2 * Math.cos((k * Math.PI) / 8)));

/**
 * Removes DC and what lies below `cutoff` Hz: the mean is taken away, then a Butterworth high-pass of fourth order
 * filters, by the bilinear transform (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.2). It is 3.01 dB down
 * at the cut-off, 24 dB per octave below, and within 0.02 dB from twice the cut-off. The length stays.
 *
 * @param cutoff in Hz, below half the sample rate
 * @throws TtsError ERR_ARGUMENT for another cut-off
 */
export function highPass(samples: Float32Array, sampleRate: number, cutoff: number): Float32Array {
  if (!(cutoff > 0 && cutoff < sampleRate / 2))
    throw new TtsError(
      'ERR_ARGUMENT',
      `a high-pass filter of ${cutoff} Hz at a sample rate of ${sampleRate} Hz: expected more than 0 and less than ` +
        `${sampleRate / 2} Hz`,
    );
  // Without the mean, an offset would begin with a step, and the filter would ring.
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / Math.max(1, samples.length);
  const centred = new Float64Array(samples).map((sample) => sample - mean);
  return new Float32Array(qualities.map((q) => section(cutoff, q, sampleRate)).reduce(filter, centred));
}

/** A high-pass of second order that lets high frequencies through as they are. */
function section(cutoff: number, q: number, sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * cutoff) / sampleRate);
  const a0 = 1 + k / q + k * k;
  return { b: [1 / a0, -2 / a0, 1 / a0], a: [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0] };
}
