import { expander } from './compression.js';
import { filterBank } from './filter_bank.js';
import type { MelSettings } from './mel.js';

/** Coefficients of a predictor; 16 reach over the vocal tract's resonances below 11 kHz. */
export const predictorOrder = 16;

/** Frequencies, from 0 to half the sample rate, at which the spectral envelope is taken. */
const points = 129;

/** White noise 40 dB below the signal and a lag window of 40 Hz keep the predictors well-conditioned (Tohkura et al. 1978, as in speech coders since). */
const noiseFloor = 1e-4;
const lagWindowHertz = 40;

/** Poles are drawn in a little, so that an error rings for a few milliseconds only. */
const bandwidthExpansion = 0.994;

/** Four steps of a 16-bit sample: a frame of digital silence still has a scale. */
const leastGain = 4 / 32768;

/** Linear prediction of one frame: s[t] ≈ Σ coefficients[k-1]·s[t-k], and the standard deviation of what is left, full scale = 1. */
export interface Predictor {
  readonly coefficients: Float64Array;
  readonly gain: number;
}

/**
 * Linear predictors from mel spectra, as LPCNet computes them from its features (Valin and Skoglund 2019, arXiv 1810.11846, section 2.2): a sender and a
 * receiver that hold the same features hold the same predictors. The mel bands give the spectral envelope, its inverse
 * Fourier transform the autocorrelation, Levinson and Durbin's recursion the coefficients.
 * @returns a function from one frame of features [bins], not normalised by the voice's statistics, to its predictor
 */
export function predictorFromMel(settings: MelSettings): (features: Float32Array) => Predictor {
  const { sampleRate, fftSize, windowLength, power } = settings;
  const expand = expander(settings);
  const bands = filterBank(settings).map(({ first, weights }) => {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const centre = weights.reduce((total, weight, k) => total + weight * (first + k), 0) / sum;
    return { sum, centre };
  });
  // A filter narrower than one FFT bin may be empty; its neighbours stand for it.
  const used = bands.flatMap(({ sum, centre }, band) => (sum > 0 ? [{ band, sum, position: (centre / (fftSize / 2)) * (points - 1) }] : []));
  const cosines = Array.from({ length: predictorOrder + 1 }, (_, lag) =>
    Float64Array.from({ length: points }, (_, k) => ((k === 0 || k === points - 1 ? 0.5 : 1) * Math.cos((Math.PI * lag * k) / (points - 1))) / (points - 1)),
  );
  const lagWindow = Float64Array.from({ length: predictorOrder + 1 }, (_, lag) => Math.exp(-0.5 * ((2 * Math.PI * lagWindowHertz * lag) / sampleRate) ** 2));
  lagWindow[0] = 1 + noiseFloor;
  // Σ w² of a Hann window: the mean power of the windowed spectrum is that times the variance of the signal.
  const windowPower = 0.375 * windowLength;

  return (features) => {
    const logPowers = used.map(({ band, sum }) => (2 / power) * Math.log(Math.max(1e-9, expand(features[band]) / sum)));
    const spectrum = envelope(used.map(({ position }) => position), logPowers);
    const autocorrelation = cosines.map((row, lag) => {
      let total = 0;
      for (let k = 0; k < points; k++) total += row[k] * spectrum[k];
      return (total * lagWindow[lag]) / windowPower;
    });
    return levinson(autocorrelation);
  };
}

/** Powers at the points, their logarithms interpolated between the bands' positions; constant outside of them. */
function envelope(positions: readonly number[], logPowers: readonly number[]): Float64Array {
  const spectrum = new Float64Array(points);
  let band = 0;
  for (let k = 0; k < points; k++) {
    while (band < positions.length - 1 && positions[band + 1] < k) band++;
    const next = Math.min(band + 1, positions.length - 1);
    const share = next === band ? 0 : Math.max(0, Math.min(1, (k - positions[band]) / (positions[next] - positions[band])));
    spectrum[k] = Math.exp(logPowers[band] + share * (logPowers[next] - logPowers[band]));
  }
  return spectrum;
}

/** Levinson and Durbin's recursion (Makhoul 1975, Proc. IEEE 63(4), eq. 38). */
function levinson(r: readonly number[]): Predictor {
  const coefficients = new Float64Array(predictorOrder);
  const previous = new Float64Array(predictorOrder);
  let error = r[0];
  for (let i = 0; i < predictorOrder; i++) {
    let sum = r[i + 1];
    for (let j = 0; j < i; j++) sum -= coefficients[j] * r[i - j];
    const reflection = sum / error;
    previous.set(coefficients);
    coefficients[i] = reflection;
    for (let j = 0; j < i; j++) coefficients[j] = previous[j] - reflection * previous[i - 1 - j];
    error *= 1 - reflection * reflection;
  }
  for (let k = 0, factor = bandwidthExpansion; k < predictorOrder; k++, factor *= bandwidthExpansion) coefficients[k] *= factor;
  return { coefficients, gain: Math.max(leastGain, Math.sqrt(error)) };
}
