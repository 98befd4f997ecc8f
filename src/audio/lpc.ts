import { expander } from './compression.js';
import { filterBank, gravity } from './filter_bank.js';
import type { MelSettings } from './mel_settings.js';

/** Coefficients of a predictor; 16 reach over the vocal tract's resonances below 11 kHz. */
export const predictorOrder = 16;

/**
 * Frequencies, from 0 to half the sample rate, at which the spectral envelope is taken; odd, so that there is one in
 * the middle.
 */
const points = 129;
const middle = (points - 1) / 2;

/**
 * White noise 40 dB below the signal and a lag window of 40 Hz keep the predictors well-conditioned (Tohkura et al.
 * 1978, as in speech coders since).
 */
const noiseFloor = 1e-4;
const lagWindowHertz = 40;

/** Poles are moved inwards a little, so that an error rings for a few milliseconds only. */
const bandwidthExpansion = 0.994;

/** Four steps of a 16-bit sample: a frame of digital silence still has a scale. */
const leastGain = 4 / 32768;

/**
 * Linear prediction of one frame: s[t] ≈ Σ coefficients[k-1]·s[t-k], and the standard deviation of what is left, full
 * scale = 1.
 */
export interface Predictor {
  readonly coefficients: Float64Array;
  readonly gain: number;
}

/**
 * Linear predictors from mel spectra, as LPCNet computes them from its features (Valin and Skoglund 2019, arXiv
 * 1810.11846, section 2.2): a sender and a receiver that hold the same features hold the same predictors. The mel bands
 * give the spectral envelope, its inverse Fourier transform the autocorrelation, Levinson and Durbin's recursion the
 * coefficients.
 * @returns a function from one frame of features [bins], not normalised by the voice's statistics, to its predictor
 */
export function predictorFromMel(settings: MelSettings): (features: Float32Array) => Predictor {
  const { sampleRate, fftSize, windowLength, power } = settings;
  const expand = expander(settings);
  // A filter narrower than one FFT bin may be empty; its neighbours stand for it.
  const used = filterBank(settings).flatMap((filter, band) => {
    const known = gravity(filter);
    return known ? [{ band, sum: known.sum, position: (known.centre / (fftSize / 2)) * (points - 1) }] : [];
  });
  const lags = predictorOrder + 1;
  /** [lags, middle+1]: those of the other points are the same, for odd lags with the other sign. */
  const cosines = Float64Array.from({ length: lags * (middle + 1) }, (_, i) => {
    const k = i % (middle + 1);
    return (
      ((k === 0 || k === middle ? 0.5 : 1) * Math.cos((Math.PI * Math.floor(i / (middle + 1)) * k) / (points - 1))) /
      (points - 1)
    );
  });
  const folded = [new Float64Array(middle + 1), new Float64Array(middle + 1)];
  const lagWindow = Float64Array.from({ length: lags }, (_, lag) =>
    Math.exp(-0.5 * ((2 * Math.PI * lagWindowHertz * lag) / sampleRate) ** 2),
  );
  lagWindow[0] = 1 + noiseFloor;
  // Σ w² of a Hann window: the mean power of the windowed spectrum is that times the variance of the signal.
  const windowPower = 0.375 * windowLength;

  const envelope = interpolator(used.map(({ position }) => position));
  const logPowers = new Float64Array(used.length);

  return (features) => {
    for (let i = 0; i < used.length; i++)
      logPowers[i] = (2 / power) * Math.log(Math.max(1e-9, expand(features[used[i].band]) / used[i].sum));
    const spectrum = envelope(logPowers);
    for (let k = 0; k <= middle; k++) {
      folded[0][k] = spectrum[k] + spectrum[points - 1 - k];
      folded[1][k] = spectrum[k] - spectrum[points - 1 - k];
    }
    const autocorrelation = new Float64Array(lags);
    for (let lag = 0; lag < lags; lag++) {
      const from = folded[lag % 2];
      const row = lag * (middle + 1);
      let sum = 0;
      for (let k = 0; k <= middle; k++) sum += cosines[row + k] * from[k];
      autocorrelation[lag] = (sum * lagWindow[lag]) / windowPower;
    }
    return levinson(autocorrelation);
  };
}

/**
 * A function from logarithms of powers at some positions, ascending, to the powers at the points 0, 1, …: the
 * logarithms are interpolated between the positions, and constant outside of them. What it returns is overwritten by
 * its next call.
 */
function interpolator(positions: readonly number[]): (logPowers: Float64Array) => Float64Array {
  const before = new Int32Array(points);
  const share = new Float64Array(points);
  for (let k = 0, band = 0; k < points; k++) {
    while (band < positions.length - 1 && positions[band + 1] < k) band++;
    const last = band === positions.length - 1;
    before[k] = last ? Math.max(0, band - 1) : band;
    share[k] = last ? 1 : Math.max(0, Math.min(1, (k - positions[band]) / (positions[band + 1] - positions[band])));
  }
  const spectrum = new Float64Array(points);
  return (logPowers) => {
    for (let k = 0; k < points; k++) {
      const below = logPowers[before[k]];
      spectrum[k] = Math.exp(below + share[k] * (logPowers[Math.min(before[k] + 1, logPowers.length - 1)] - below));
    }
    return spectrum;
  };
}

/** Levinson and Durbin's recursion (Makhoul 1975, Proc. IEEE 63(4), eq. 38). */
function levinson(r: Float64Array): Predictor {
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
  for (let k = 0, factor = bandwidthExpansion; k < predictorOrder; k++, factor *= bandwidthExpansion)
    coefficients[k] *= factor;
  return { coefficients, gain: Math.max(leastGain, Math.sqrt(error)) };
}
