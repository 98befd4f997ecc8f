import { TtsError } from '../base/errors.js';
import { type Alignment, measureHop, warp } from './alignment.js';
import { findBursts } from './bursts.js';
import { framePeriodicity, harmonicityShare } from './harmonicity.js';
import { pitchErrors, trackPitch } from './pitch.js';
import { cepstralDistance, logSpectralDistance, melCepstra, melCepstralDistortion } from './spectral_distances.js';
import { intelligibility } from './stoi.js';

/**
 * Objective measures of a copy against its original. What could not be measured is null, and counts in no mean.
 */
export interface CopyReport {
  /** In dB; 0 for a copy. See `melCepstralDistortion`. */
  readonly melCepstralDistortion: number;
  /** In dB; 0 for a copy. See `logSpectralDistance`. */
  readonly logSpectralDistance: number | null;
  /** In cents; null where the two are nowhere both voiced. See `pitchErrors`. */
  readonly f0Rmse: number | null;
  /** In percent of the frames. See `pitchErrors`. */
  readonly voicingError: number;
  /** Share of the original's, 1 for a copy; null where the original is nowhere voiced. See `harmonicityShare`. */
  readonly harmonicity: number | null;
  /** At most 1; null for less than 0.4 s of speech. See `stoi`. */
  readonly stoi: number | null;
  /** At most 1; null for less than 0.4 s of speech. See `estoi`. */
  readonly estoi: number | null;
  /** Number of clicks and bursts. See `findBursts`. */
  readonly bursts: number | null;
}

/** The most pairs of frames that `evaluateWarped` takes, at a byte each: both signals may last 160 s. */
const mostPairs = 2 ** 30;

/**
 * Compares a copy with its original, sample by sample; both in [-1, 1), starting at the same moment, at the same rate
 * in Hz. The longer one is cut.
 * @throws {TtsError} ERR_AUDIO_EMPTY when there is less than one frame
 */
export function evaluateCopy(target: Float32Array, output: Float32Array, sampleRate: number): CopyReport {
  const length = Math.min(target.length, output.length);
  const [original, copy] = [target.subarray(0, length), output.subarray(0, length)];
  return {
    melCepstralDistortion: melCepstralDistortion(melCepstra(original, sampleRate), melCepstra(copy, sampleRate)),
    logSpectralDistance: logSpectralDistance(original, copy, sampleRate),
    ...voiceErrors(original, copy, sampleRate),
    ...intelligibilityOrNull(original, copy, sampleRate),
    bursts: findBursts(original, copy, sampleRate).length,
  };
}

/**
 * Compares a recording with another of the same words that has a rhythm of its own: frames are aligned by dynamic time
 * warping on the mel cepstra, as is usual for speech made from text. What only makes sense sample by sample is null.
 * @throws {TtsError} ERR_AUDIO_EMPTY when one has no samples; ERR_CORPUS when they are too long to be warped
 */
export function evaluateWarped(target: Float32Array, output: Float32Array, sampleRate: number): CopyReport {
  if ((target.length / measureHop(sampleRate)) * (output.length / measureHop(sampleRate)) > mostPairs)
    throw new TtsError(
      'ERR_CORPUS',
      `recordings of ${(target.length / sampleRate).toFixed(0)} and ` +
        `${(output.length / sampleRate).toFixed(0)} s are too long to be warped, expected at most about 160 s`,
    );
  const [a, b] = [target, output].map((samples) => melCepstra(samples, sampleRate));
  const path = warp(a.frames, b.frames, (i, j) => cepstralDistance(a, i, b, j));
  return {
    melCepstralDistortion: melCepstralDistortion(a, b, path),
    logSpectralDistance: null,
    ...voiceErrors(target, output, sampleRate, path),
    stoi: null,
    estoi: null,
    bursts: null,
  };
}

/** What is measured where there is a voice. */
function voiceErrors(
  original: Float32Array,
  copy: Float32Array,
  sampleRate: number,
  alignment?: Alignment,
): Pick<CopyReport, 'f0Rmse' | 'voicingError' | 'harmonicity'> {
  const [pitch, copyPitch] = [original, copy].map((samples) => trackPitch(samples, sampleRate));
  const [periodic, copyPeriodic] = [original, copy].map((samples) => framePeriodicity(samples, sampleRate));
  return {
    ...pitchErrors(pitch, copyPitch, alignment),
    harmonicity: harmonicityShare(pitch, periodic, copyPeriodic, alignment),
  };
}

function intelligibilityOrNull(
  original: Float32Array,
  copy: Float32Array,
  sampleRate: number,
): Pick<CopyReport, 'stoi' | 'estoi'> {
  try {
    return intelligibility(original, copy, sampleRate);
  } catch (error) {
    if (error instanceof TtsError && error.code === 'ERR_AUDIO_EMPTY') return { stoi: null, estoi: null };
    throw error;
  }
}
