import { framesOf, melSpectrogram, samplesOf } from '../../audio/mel.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { readRecording } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import { type FileSource, nameOf } from '../../base/whole_file.js';

/** The features of a recording. */
export interface RecordingFeatures {
  /** Row-major [frames, bins]. */
  readonly data: Float32Array;
  readonly frames: number;
  readonly bins: number;
  /** Of the recording. */
  readonly seconds: number;
  /** What is wrong with its level, for people to read. */
  readonly notes: readonly string[];
}

/**
 * Computes the mel spectrogram of a recording, which is mixed to mono and resampled if need be.
 * @throws {TtsError} what `readRecording` throws; ERR_AUDIO_EMPTY for less than one frame
 */
export async function featuresOfRecording(source: FileSource, settings: MelSettings): Promise<RecordingFeatures> {
  const { samples, sampleRate, notes } = await readRecording(source, { sampleRate: settings.sampleRate });
  if (framesOf(samples.length, settings) === 0)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `${nameOf(source)} has ${samples.length} samples at ${settings.sampleRate} Hz: expected at least ` +
        `${samplesOf(1, settings)}, one frame`,
    );
  const { data, frames, bins } = melSpectrogram(samples, settings);
  return { data, frames, bins, seconds: samples.length / sampleRate, notes };
}
