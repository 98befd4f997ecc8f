import { framesOf, melSpectrogram, samplesOf } from '../audio/mel.js';
import { readRecording } from '../audio/read.js';
import { treat } from '../audio/treatment.js';
import { TtsError } from '../base/errors.js';
import { standardStream } from '../base/standard_streams.js';
import { readWholeFile } from '../base/whole_file.js';
import { conformFeatures, type ConformingFeatures } from '../data/features/conform.js';
import { npyKind, readRawFeatures } from '../data/features/files.js';
import type { Voice } from '../model/voice/voice.js';

/**
 * Reads what a voice is to say: features (`.npy`), checked against the voice and converted where that is unambiguous,
 * or a recording, which is treated as those that the voice was trained on, by its own loudness, and whose features are
 * computed with the voice's settings (copy synthesis). Features are taken as they are.
 * @param path `-` is standard input, features or a recording by its content; features have no settings then
 * @param voiceName what messages call the voice
 * @throws {TtsError} what `conformFeatures`, `readRawFeatures` and `readRecording` throw; ERR_AUDIO_EMPTY for less than
 * one frame
 */
export async function readSynthesisInput(path: string, voice: Voice, voiceName: string): Promise<ConformingFeatures> {
  const { features: settings, treatment, statistics } = voice;
  const isFeatures = path === standardStream ? npyKind.is(await readWholeFile(path)) : /\.npy$/i.test(path);
  if (isFeatures) return conformFeatures(await readRawFeatures(path), { name: voiceName, settings, statistics });
  const recording = await readRecording(path, { sampleRate: settings.sampleRate });
  const samples = treat(recording.samples, settings.sampleRate, treatment);
  if (framesOf(samples.length, settings) === 0)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `${path} has ${samples.length} samples at ${settings.sampleRate} Hz, expected at least ${samplesOf(1, settings)}`,
    );
  const { data, frames } = melSpectrogram(samples, settings);
  return { data, frames, notes: recording.notes };
}
