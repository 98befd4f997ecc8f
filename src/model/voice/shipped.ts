import { statSync } from 'node:fs';
import { findModel, type ModelFile, shippedModels } from '../find_model.js';
import { loadVoiceSync } from './file.js';
import type { Voice } from './voice.js';

/** The voice that speaks where none is named. */
export const defaultVoice = 'ljspeech';

const kind = { what: 'voice', folderEnding: '', stem: 'voice' } as const;

/** The voices that ship, in order of their names: every `recipes/NAME/voice.safetensors` of the package. */
export const shippedVoices = (): ModelFile[] => shippedModels(kind);

/**
 * The file of a voice that is given as the name of one that ships, or as a file; `-` is standard input.
 * @throws {TtsError} what `findModel` throws
 */
export const findVoice = (nameOrFile: string): ModelFile => findModel(nameOrFile, kind);

/** What `--voice list` says of a voice. */
export interface VoiceDescription extends ModelFile {
  readonly corpus: string;
  /** Of the recordings; null where the voice does not say. */
  readonly licence: string | null;
  /** In Hz. */
  readonly sampleRate: number;
  /** Units of the GRU. */
  readonly hidden: number;
  /** Weights of the block-sparse matrices that are kept. */
  readonly nonZeros: number;
  readonly bytes: number;
}

/** Describes the voices that ship. @throws {TtsError} what `loadVoice` throws */
export function describeVoices(): VoiceDescription[] {
  return shippedVoices().map(({ name, path }) => {
    const { config, features, provenance, sparse } = loadVoiceSync(path);
    return {
      name,
      path,
      corpus: provenance.corpus,
      licence: provenance.licence ?? null,
      sampleRate: features.sampleRate,
      hidden: config.hidden,
      nonZeros: nonZeros(sparse),
      bytes: statSync(path).size,
    };
  });
}

const nonZeros = (sparse: Voice['sparse']): number =>
  Object.values(sparse).reduce((sum, { values }) => sum + values.length, 0);
