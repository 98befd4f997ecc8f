import Fft from 'fft.js';
import { resample } from '../audio/resample.js';
import { TtsError } from '../errors.js';

/** The constants of the paper, section II. Lengths in samples at 10 kHz. */
const rate = 10_000;
const frameLength = 256;
const frameHop = 128;
const fftSize = 512;
const silenceRange = 40;
const bandCount = 15;
const lowestBand = 150;
const segmentFrames = 30;
/** Lower bound of the signal-to-distortion ratio, in dB. */
const clipping = -15;

/** The Hann window without its zeros at the ends, as in the authors' programme. */
const window = Float64Array.from({ length: frameLength }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (frameLength + 1)));
const bands = thirdOctaveBands();
const tiny = Number.EPSILON;

/**
 * Short-time objective intelligibility (Taal, Hendriks, Heusdens and Jensen 2011, IEEE TASL 19(7), 2125-2136): 1 for a perfect copy;
 * unrelated noise scores up to about 0.4 on a short clip.
 * Both signals must start at the same moment, as in copy synthesis; the longer one is cut.
 * @param clean Samples of the original.
 * @param processed Samples of what is judged; their loudness does not matter.
 * @param sampleRate Of both, in Hz.
 * @throws {TtsError} ERR_AUDIO_EMPTY when the original has less than 30 frames (0.4 s) that are not silent.
 */
export function stoi(clean: Float32Array, processed: Float32Array, sampleRate: number): number {
  const length = Math.min(clean.length, processed.length);
  const [x, y] = [clean, processed].map((samples) => resample(samples.subarray(0, length), sampleRate, rate));
  const [spoken, heard] = withoutSilence(x, y);
  const frames = frameCount(spoken.length);
  if (frames < segmentFrames) throw new TtsError('ERR_AUDIO_EMPTY', `STOI needs at least ${segmentFrames} frames of 12.8 ms that are not silent, the original has ${frames}`);
  const [X, Y] = [bandEnvelopes(spoken), bandEnvelopes(heard)];
  let sum = 0;
  for (let band = 0; band < bandCount; band++) {
    for (let end = segmentFrames; end <= frames; end++) sum += segmentScore(X[band].subarray(end - segmentFrames, end), Y[band].subarray(end - segmentFrames, end));
  }
  return sum / (bandCount * (frames - segmentFrames + 1));
}

const frameCount = (samples: number): number => (samples < frameLength ? 0 : Math.floor((samples - frameLength) / frameHop) + 1);

/** Drops from both signals the frames in which the original is more than 40 dB below its loudest frame, and overlap-adds the rest. */
function withoutSilence(x: Float32Array, y: Float32Array): [Float64Array, Float64Array] {
  const levels = Array.from({ length: frameCount(x.length) }, (_, frame) => {
    let energy = 0;
    for (let i = 0; i < frameLength; i++) energy += (window[i] * x[frame * frameHop + i]) ** 2;
    return 10 * Math.log10(energy);
  });
  const threshold = levels.reduce((loudest, level) => Math.max(loudest, level), -Infinity) - silenceRange;
  const kept = levels.flatMap((level, frame) => (level > threshold ? [frame] : []));
  const join = (samples: Float32Array): Float64Array => {
    const joined = new Float64Array(kept.length === 0 ? 0 : (kept.length - 1) * frameHop + frameLength);
    kept.forEach((frame, place) => {
      for (let i = 0; i < frameLength; i++) joined[place * frameHop + i] += window[i] * samples[frame * frameHop + i];
    });
    return joined;
  };
  return [join(x), join(y)];
}

/** Equation 1: the norm of each one-third octave band of each frame, [band][frame]. */
function bandEnvelopes(samples: Float64Array): Float64Array[] {
  const frames = frameCount(samples.length);
  const envelopes = Array.from({ length: bandCount }, () => new Float64Array(frames));
  const fft = new Fft(fftSize);
  const [input, spectrum] = [new Float64Array(fftSize), new Float64Array(2 * fftSize)];
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < frameLength; i++) input[i] = window[i] * samples[frame * frameHop + i];
    fft.realTransform(spectrum, input);
    bands.forEach(([first, end], band) => {
      let energy = 0;
      for (let bin = first; bin < end; bin++) energy += spectrum[2 * bin] ** 2 + spectrum[2 * bin + 1] ** 2;
      envelopes[band][frame] = Math.sqrt(energy);
    });
  }
  return envelopes;
}

/** The first bin and the one after the last of each band: edges a sixth of an octave from the centre, at the nearest bin. */
function thirdOctaveBands(): [first: number, end: number][] {
  const nearestBin = (frequency: number): number => Math.round((frequency * fftSize) / rate);
  return Array.from({ length: bandCount }, (_, band) => {
    const centre = lowestBand * 2 ** (band / 3);
    return [nearestBin(centre * 2 ** (-1 / 6)), nearestBin(centre * 2 ** (1 / 6))];
  });
}

/** Equations 3 to 5: the correlation of one band's segments after the processed one is scaled to the energy of the clean one and clipped. */
function segmentScore(x: Float64Array, y: Float64Array): number {
  const scale = norm(x) / (norm(y) + tiny);
  const limit = 1 + 10 ** (-clipping / 20);
  const clipped = y.map((value, frame) => Math.min(scale * value, limit * x[frame]));
  const [a, b] = [centred(x), centred(clipped)];
  return a.reduce((sum, value, frame) => sum + value * b[frame], 0) / (norm(a) * norm(b) + tiny);
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
