import type { AcousticModel } from '../../src/model/acoustic/model.js';
import type { Voice } from '../../src/model/voice/voice.js';
import { randomModel, tinyConfig } from './acoustic.js';

/** A voice of toy size. */
export const tinyVoice = 'test/fixtures/voice/version-1.safetensors';

/** An acoustic model of toy size for a voice. */
export function tinyAcoustic({ features, treatment, statistics: { mean, std } }: Voice): AcousticModel {
  const model = randomModel(5, { ...tinyConfig, tokenWidth: 8, width: 8 }, features);
  return { ...model, features, treatment, statistics: { ...model.statistics, mean, std }, lexicon: new Map() };
}
