// Own code, because no library did well enough in every measurement. libsamplerate in WebAssembly
// (@alexanderolsen/libsamplerate-js 2.1) is as good (115 to 150 dB) but 5 to 12 times slower, starts asynchronously,
// drops samples at the end, keeps state from one long file to the next and cannot cut rates that 10 does not divide;
// the resamplers of wavefile and node-web-audio-api drift.
import { TtsError } from '../base/errors.js';
import { kaiser, kaiserBeta, kaiserTaps } from './low_pass.js';

/** Everything from the lower Nyquist frequency up is down by this much, in dB. */
const attenuation = 110;
/** Width of the transition band, as a share of the lower Nyquist frequency: the passband ends at 90% of it. */
const transition = 0.1;

const beta = kaiserBeta(attenuation);
/** Half the filter's length in samples of the lower rate. */
const halfLength = kaiserTaps(attenuation, transition / 2) / 2;

/**
 * Resamples mono audio from one rate (Hz) to another with a Kaiser-windowed sinc in polyphase form (Oppenheim and
 * Schafer, Discrete-Time Signal Processing, 7.5): flat up to 90% of the lower Nyquist frequency, aliases and images
 * below -100 dB. The output has round(n · to / from) samples; sample 0 stays sample 0 and nothing drifts. Silence is
 * assumed before and after.
 *
 * @throws TtsError ERR_ARGUMENT if a rate is not an integer from 1 to 768000.
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  for (const rate of [from, to]) {
    if (!Number.isInteger(rate) || rate < 1 || rate > 768000)
      throw new TtsError('ERR_ARGUMENT', `sample rate ${rate} Hz: expected an integer from 1 to 768000`);
  }
  if (from === to) return samples.slice();
  const divisor = greatestCommonDivisor(from, to);
  const phases = to / divisor;
  const step = from / divisor;
  const shrink = Math.min(1, to / from);
  const half = Math.ceil(halfLength / shrink);
  const filters = new Array<Float64Array | undefined>(phases);
  const output = new Float32Array(Math.round((samples.length * to) / from));
  for (let n = 0; n < output.length; n++) {
    // Output n lies at input position n · from / to, kept as an exact fraction: whole + phase / phases.
    const phase = (n * step) % phases;
    const whole = (n * step - phase) / phases;
    const filter = (filters[phase] ??= phaseFilter(phase / phases, half, shrink));
    const first = whole - half + 1;
    const start = Math.max(0, -first);
    const end = Math.min(2 * half, samples.length - first);
    let sum = 0;
    for (let k = start; k < end; k++) sum += filter[k] * samples[first + k];
    output[n] = sum;
  }
  return output;
}

/**
 * The 2·half weights of the input samples around a point that lies `fraction` after one of them. They sum to 1: DC
 * passes unchanged.
 */
function phaseFilter(fraction: number, half: number, shrink: number): Float64Array {
  const cutoff = (1 - transition / 2) * shrink;
  const filter = new Float64Array(2 * half);
  let total = 0;
  for (let k = 0; k < filter.length; k++) {
    const distance = k - half + 1 - fraction;
    const x = Math.PI * cutoff * distance;
    filter[k] = (x === 0 ? 1 : Math.sin(x) / x) * kaiser(distance / half, beta);
    total += filter[k];
  }
  return filter.map((weight) => weight / total);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
