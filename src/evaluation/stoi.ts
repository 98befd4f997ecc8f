import Fft from 'fft.js';
import { resample } from '../audio/resample.js';
import { TtsError } from '../base/errors.js';

/** The constants of both papers. Lengths in samples at 10 kHz. */
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

/** The Hann window without its zeros at the ends, as in the authors' program. */
const window = Float64Array.from(
  { length: frameLength },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (frameLength + 1)),
);
const bands = thirdOctaveBands();
const tiny = Number.EPSILON;

/** Both measures of intelligibility, without unit: 1 for a perfect copy. */
export interface Intelligibility {
  readonly stoi: number;
  readonly estoi: number;
}

/**
 * Short-time objective intelligibility (Taal, Hendriks, Heusdens and Jensen 2011, IEEE TASL 19(7), 2125-2136): 1 for a
 * perfect copy; unrelated noise scores up to about 0.4 on a short clip. See `intelligibility`.
 */
export const stoi = (clean: Float32Array, processed: Float32Array, sampleRate: number): number =>
  intelligibility(clean, processed, sampleRate).stoi;

/**
 * Extended short-time objective intelligibility (Jensen and Taal 2016, IEEE/ACM TASLP 24(11), 2009-2022): as STOI, but
 * it compares whole spectra too, and so also follows distortions that come and go; 1 for a perfect copy, about 0 for
 * unrelated noise. See `intelligibility`.
 */
export const estoi = (clean: Float32Array, processed: Float32Array, sampleRate: number): number =>
  intelligibility(clean, processed, sampleRate).estoi;

/**
 * STOI and ESTOI at once: they share all but the last step. Both signals must start at the same moment, as in copy
 * synthesis; the longer one is cut.
 * @param clean Samples of the original.
 * @param processed Samples of what is judged; their loudness does not matter.
 * @param sampleRate Of both, in Hz.
 * @throws {TtsError} ERR_AUDIO_EMPTY when the original has less than 30 frames (0.4 s) that are not silent.
 */
export function intelligibility(clean: Float32Array, processed: Float32Array, sampleRate: number): Intelligibility {
  const length = Math.min(clean.length, processed.length);
  const [x, y] = [clean, processed].map((samples) => resample(samples.subarray(0, length), sampleRate, rate));
  const [spoken, heard] = withoutSilence(x, y);
  const frames = frameCount(spoken.length);
  if (frames < segmentFrames)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `STOI needs at least ${segmentFrames} frames of 12.8 ms that are not silent, the original has ${frames}`,
    );
  const [X, Y] = [bandEnvelopes(spoken), bandEnvelopes(heard)];
  // Segments, row-major [band, frame].
  const [x30, y30] = [new Float64Array(bandCount * segmentFrames), new Float64Array(bandCount * segmentFrames)];
  let stoi = 0;
  let estoi = 0;
  for (let end = segmentFrames; end <= frames; end++) {
    for (const [segment, envelopes] of [
      [x30, X],
      [y30, Y],
    ] as const)
      envelopes.forEach((envelope, band) =>
        segment.set(envelope.subarray(end - segmentFrames, end), band * segmentFrames),
      );
    for (let band = 0; band < bandCount; band++) stoi += bandScore(x30, y30, band * segmentFrames);
    estoi += spectralScore(x30, y30);
  }
  const segments = frames - segmentFrames + 1;
  return { stoi: stoi / (bandCount * segments), estoi: estoi / segments };
}

const frameCount = (samples: number): number =>
  samples < frameLength ? 0 : Math.floor((samples - frameLength) / frameHop) + 1;

/**
 * Drops from both signals the frames in which the original is more than 40 dB below its loudest frame, and overlap-adds
 * the rest.
 */
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

/** Equation 1 of STOI: the norm of each one-third octave band of each frame, [band][frame]. */
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

/**
 * The first bin and the one after the last of each band: edges a sixth of an octave from the centre, at the nearest
 * bin.
 */
function thirdOctaveBands(): [first: number, end: number][] {
  const nearestBin = (frequency: number): number => Math.round((frequency * fftSize) / rate);
  return Array.from({ length: bandCount }, (_, band) => {
    const centre = lowestBand * 2 ** (band / 3);
    return [nearestBin(centre * 2 ** (-1 / 6)), nearestBin(centre * 2 ** (1 / 6))];
  });
}

/**
 * Equations 3 to 5 of STOI: the correlation of one band's segments, from `first` on, after the processed one is scaled
 * to the energy of the clean one and clipped.
 */
function bandScore(x: Float64Array, y: Float64Array, first: number): number {
  const end = first + segmentFrames;
  let [xx, yy] = [0, 0];
  for (let i = first; i < end; i++) {
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  const scale = Math.sqrt(xx) / (Math.sqrt(yy) + tiny);
  const limit = 1 + 10 ** (-clipping / 20);
  const clipped = (i: number): number => Math.min(scale * y[i], limit * x[i]);
  let [xMean, yMean] = [0, 0];
  for (let i = first; i < end; i++) {
    xMean += x[i] / segmentFrames;
    yMean += clipped(i) / segmentFrames;
  }
  let [xy, xVariance, yVariance] = [0, 0, 0];
  for (let i = first; i < end; i++) {
    const [a, b] = [x[i] - xMean, clipped(i) - yMean];
    xy += a * b;
    xVariance += a * a;
    yVariance += b * b;
  }
  return xy / (Math.sqrt(xVariance * yVariance) + tiny);
}

/**
 * The last steps of ESTOI: the bands of a segment are each brought to mean 0 and norm 1 over time, then each frame's
 * spectrum likewise over the bands; the score is the mean over the frames of the correlation of the spectra. The
 * segments are overwritten.
 */
function spectralScore(x: Float64Array, y: Float64Array): number {
  for (const segment of [x, y]) {
    for (let band = 0; band < bandCount; band++) normalise(segment, band * segmentFrames, segmentFrames, 1);
    for (let frame = 0; frame < segmentFrames; frame++) normalise(segment, frame, bandCount, segmentFrames);
  }
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum / segmentFrames;
}

/** Brings `count` values, `step` apart from `first` on, to mean 0 and norm 1. */
function normalise(values: Float64Array, first: number, count: number, step: number): void {
  const end = first + count * step;
  let mean = 0;
  for (let i = first; i < end; i += step) mean += values[i] / count;
  let squares = 0;
  for (let i = first; i < end; i += step) squares += (values[i] - mean) ** 2;
  const scale = 1 / (Math.sqrt(squares) + tiny);
  for (let i = first; i < end; i += step) values[i] = (values[i] - mean) * scale;
}
