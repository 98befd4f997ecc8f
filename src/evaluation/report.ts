import { findBursts } from './clicks.js';
import { logSpectralDistance } from './spectral_distance.js';
import { stoi } from './stoi.js';

/** Objective measures of copy synthesis. */
export interface CopyReport {
  /** Short-time objective intelligibility, at most 1. */
  readonly stoi: number;
  /** In dB; 0 for a copy. */
  readonly logSpectralDistance: number;
  /** Number of clicks and bursts. */
  readonly bursts: number;
}

/**
 * Compares a copy with its original; both in [-1, 1), starting at the same moment, at the same rate in Hz. The longer one is cut.
 * @throws {TtsError} ERR_AUDIO_EMPTY when there is less than 0.4 s of speech.
 */
export function evaluateCopy(target: Float32Array, output: Float32Array, sampleRate: number): CopyReport {
  return {
    stoi: stoi(target, output, sampleRate),
    logSpectralDistance: logSpectralDistance(target, output, sampleRate),
    bursts: findBursts(target, output, sampleRate).length,
  };
}
