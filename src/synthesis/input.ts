import { melSpectrogram } from '../audio/mel.js';
import { readAudio } from '../audio/read.js';
import { TtsError } from '../base/errors.js';
import { conformFeatures } from '../data/features/check.js';
import { readRawFeatures } from '../data/features/feature_file.js';
import type { Voice } from '../model/voice/voice.js';
import type { SynthesisFeatures } from './synthesize.js';

/** Features for a voice, and what was done to get them, for people to read. */
export interface SynthesisInput extends SynthesisFeatures {
  readonly notes: string[];
}

/**
 * Reads what is to be spoken: features (`.npy`), checked against the voice and converted where that is unambiguous, or
 * a recording, whose features are computed with the voice's settings (copy synthesis).
 * @throws {TtsError} what `conformFeatures`, `readRawFeatures` and `readAudio` throw; ERR_AUDIO_EMPTY for less than one
 * frame
 */
export async function readSynthesisInput(path: string, voice: Voice, voiceName: string): Promise<SynthesisInput> {
  if (path.toLowerCase().endsWith('.npy')) {
    const { features, frames, notes } = conformFeatures(await readRawFeatures(path), {
      name: voiceName,
      settings: voice.features,
      statistics: voice.statistics,
    });
    return { data: features, frames, notes };
  }
  const { samples } = await readAudio(path, { sampleRate: voice.features.sampleRate });
  const { data, frames } = melSpectrogram(samples, voice.features);
  if (frames === 0)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `${path} has ${samples.length} samples at ` +
        `${voice.features.sampleRate} Hz, expected at least ${voice.features.hop}`,
    );
  return { data, frames, notes: [] };
}
