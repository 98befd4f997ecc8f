import { TtsError } from '../base/errors.js';

const attenuation = 60;
/** The stopband begins at this multiple of the cut-off: 4 kHz for the anchor of 3.5 kHz. */
const stopband = 8 / 7;

/**
 * Removes what lies above `cutoff` Hz, with linear phase and without delay: flat within 0.02 dB up to the cut-off, down
 * by at least 60 dB from 8/7 of it. That meets the mask of the anchors of a MUSHRA test (ITU-R BS.1534-3, 5.1: ±0.1 dB
 * up to 3.5 kHz, 25 dB at 4 kHz, 50 dB at 4.5 kHz). Silence is assumed before and after; the length stays.
 *
 * @throws TtsError ERR_ARGUMENT if the stopband would begin above half the sample rate.
 */
export function lowPass(samples: Float32Array, sampleRate: number, cutoff: number): Float32Array {
  if (!(cutoff > 0 && cutoff * stopband <= sampleRate / 2)) {
    throw new TtsError(
      'ERR_ARGUMENT',
      `a low-pass filter of ${cutoff} Hz at a sample rate of ${sampleRate} Hz: expected at most ` +
        `${Math.floor(sampleRate / 2 / stopband)} Hz`,
    );
  }
  const half = Math.ceil(kaiserTaps(attenuation, (cutoff * (stopband - 1)) / sampleRate) / 2);
  const taps = filterTaps((cutoff * (1 + stopband)) / sampleRate, half);
  const output = new Float32Array(samples.length);
  for (let n = 0; n < output.length; n++) {
    const first = n - half;
    const end = Math.min(taps.length, samples.length - first);
    let sum = 0;
    for (let k = Math.max(0, -first); k < end; k++) sum += taps[k] * samples[first + k];
    output[n] = sum;
  }
  return output;
}

/** A windowed sinc of 2·half + 1 taps whose gain is one half at `middle`, in half-cycles per sample, and 1 at DC. */
function filterTaps(middle: number, half: number): Float64Array {
  const beta = kaiserBeta(attenuation);
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
    const x = Math.PI * middle * (k - half);
    return (x === 0 ? 1 : Math.sin(x) / x) * kaiser((k - half) / (half + 1), beta);
  });
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / total);
}

// Kaiser's window and his estimates for it (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3).

/** The window's shape parameter for a stopband that is down by `attenuation` dB (above 50). */
export function kaiserBeta(attenuation: number): number {
  return 0.1102 * (attenuation - 8.7);
}

/**
 * Estimated length, in samples, of a filter with that attenuation (dB) and a transition band of `width` cycles per
 * sample.
 */
export function kaiserTaps(attenuation: number, width: number): number {
  return (attenuation - 7.95) / (14.36 * width);
}

/** The window, up to its scale, at `x` from -1 to 1. */
export function kaiser(x: number, beta: number): number {
  return besselI0(beta * Math.sqrt(Math.max(0, 1 - x ** 2)));
}

/** The modified Bessel function of the first kind and order zero, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
