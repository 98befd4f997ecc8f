import { melSpectrogram } from '../audio/mel.js';
import { type MelSettings } from '../audio/mel_settings.js';
import { melPresets } from '../audio/presets.js';
import { type Alignment, measureHop, sameFrames } from './alignment.js';

const windowSeconds = 0.025;
const bands = 40;
const highestFrequency = 8000;
/** c_1 … c_13; c_0 is the level. */
const order = 13;
/** A band that is more than this below the loudest counts as this level: it is silence. In dB. */
const range = 60;

/** Mel cepstra, row-major [frames, 13]: c_1 … c_13 in nepers. */
export interface MelCepstra {
  readonly data: Float64Array;
  readonly frames: number;
}

/**
 * Mel cepstra of frames of 25 ms (Hann window) every 5 ms: the logarithms of the amplitudes in 40 triangular mel bands
 * up to 8 kHz (or half the sample rate), no lower than 60 dB below the signal's loudest, as a sum of cosines, ln A_b =
 * Σ c_m cos(π m (b + ½) / 40); m = 1 … 13 are kept.
 * @param samples mono; `sampleRate` in Hz
 * @throws {TtsError} ERR_AUDIO_EMPTY when there are no samples
 */
export function melCepstra(samples: Float32Array, sampleRate: number): MelCepstra {
  const windowLength = Math.round(windowSeconds * sampleRate);
  const settings: MelSettings = {
    sampleRate,
    fftSize: 2 ** Math.ceil(Math.log2(windowLength)),
    windowLength,
    hop: measureHop(sampleRate),
    padding: 'center-constant',
    bins: bands,
    fMin: 0,
    fMax: Math.min(highestFrequency, sampleRate / 2),
    power: 2,
    powerOffset: 0,
    scale: 'slaney',
    norm: 'none',
    log: 'none',
    floor: 0,
    preEmphasis: 0,
    normalisation: null,
  };
  const { data: powers, frames } = melSpectrogram(samples, settings);
  const floor = Math.max(1e-20, powers.reduce((a, b) => Math.max(a, b), 0) * 10 ** (-range / 10));
  const logs = new Float64Array(powers).map((power) => Math.log(Math.max(power, floor)) / 2);
  const data = new Float64Array(frames * order);
  for (let frame = 0; frame < frames; frame++)
    data.set(cosineSeries(logs.subarray(frame * bands, (frame + 1) * bands), order), frame * order);
  return { data, frames };
}

/** The coefficients c_1 … c_order of values v_b = c_0 + Σ c_m cos(π m (b + ½) / B), B the number of values. */
export function cosineSeries(values: Float64Array, order: number): Float64Array {
  return Float64Array.from({ length: order }, (_, i) => {
    const step = (Math.PI * (i + 1)) / values.length;
    return (2 / values.length) * values.reduce((sum, value, b) => sum + value * Math.cos(step * (b + 0.5)), 0);
  });
}

/**
 * 10 √2 / ln 10: with it the distance is the root mean square difference of the two smoothed spectra, their levels
 * apart, in dB.
 */
const decibels = (10 * Math.SQRT2) / Math.LN10;

/** The distance in dB of two frames of cepstra. */
export function cepstralDistance(target: MelCepstra, i: number, output: MelCepstra, j: number): number {
  let squares = 0;
  for (let m = 0; m < order; m++) squares += (target.data[i * order + m] - output.data[j * order + m]) ** 2;
  return decibels * Math.sqrt(squares);
}

/**
 * Mel-cepstral distortion in dB (Kubichek 1993, "Mel-cepstral distance measure for objective speech quality
 * assessment", IEEE PACRIM, 125-128), with 13 coefficients as is usual for speech synthesis: (10 √2 / ln 10) ·
 * √Σ_{m=1…13} (c_m - c'_m)², averaged over the frames, pauses included. 0 for a copy, at any loudness. How cepstra are
 * computed differs from paper to paper (see `melCepstra` for ours): compare only figures of one program.
 * @param target of the original
 * @param output of the copy
 * @param alignment which frames are compared; frame by frame unless given
 */
export function melCepstralDistortion(
  target: MelCepstra,
  output: MelCepstra,
  alignment: Alignment = sameFrames(target.frames, output.frames),
): number {
  let sum = 0;
  alignment.target.forEach((frame, i) => (sum += cepstralDistance(target, frame, output, alignment.output[i])));
  return sum / alignment.target.length;
}

/**
 * The log-spectral distance of two signals in dB (Gray and Markel 1976, "Distance measures for speech processing", IEEE
 * TASSP 24(5), 380-391, here on the mel scale): the root mean square of the differences of 20 log10 of the magnitudes
 * over 80 mel bins (up to 8 kHz, windows of 1,024 samples every 256), averaged over the frames. 0 for a copy. Whatever
 * is 60 dB below the original's loudest bin counts as silence.
 * @param target Samples of the original.
 * @param output Samples of the copy, starting at the same moment; the longer one is cut.
 * @param sampleRate Of both, in Hz.
 * @throws {TtsError} ERR_AUDIO_EMPTY when there is less than one frame.
 */
export function logSpectralDistance(target: Float32Array, output: Float32Array, sampleRate: number): number {
  const settings: MelSettings = {
    ...melPresets.hifigan,
    sampleRate,
    fMax: Math.min(melPresets.hifigan.fMax, sampleRate / 2),
    log: 'db',
  };
  const length = Math.min(target.length, output.length);
  const [original, copy] = [target, output].map((samples) => melSpectrogram(samples.subarray(0, length), settings));
  const floor = original.data.reduce((a, b) => Math.max(a, b), -Infinity) - range;
  const { frames, bins } = original;
  let sum = 0;
  for (let frame = 0; frame < frames; frame++) {
    let squares = 0;
    for (let i = frame * bins; i < (frame + 1) * bins; i++)
      squares += (Math.max(original.data[i], floor) - Math.max(copy.data[i], floor)) ** 2;
    sum += Math.sqrt(squares / bins);
  }
  return sum / frames;
}
