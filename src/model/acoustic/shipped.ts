import { statSync } from 'node:fs';
import { findModel, type ModelFile, shippedModels } from '../find_model.js';
import { loadAcousticSync } from './file.js';

/** The reader that speaks texts where none is named: there is an acoustic model and a voice of that name. */
export const defaultReader = 'kathleen';

const kind = { what: 'acoustic model', folderEnding: '-acoustic', stem: 'acoustic' } as const;

/** The acoustic models that ship, in order of their names: every `recipes/NAME-acoustic/acoustic.safetensors`. */
export const shippedAcoustics = (): ModelFile[] => shippedModels(kind);

/**
 * The file of an acoustic model that is given as the name of one that ships, or as a file; `-` is standard input.
 * @throws {TtsError} what `findModel` throws
 */
export const findAcoustic = (nameOrFile: string): ModelFile => findModel(nameOrFile, kind);

/** What `--acoustic list` says of an acoustic model. */
export interface AcousticDescription extends ModelFile {
  readonly corpus: string;
  /** Of the recordings; null where the model does not say. */
  readonly licence: string | null;
  /** In Hz: voices of this rate can speak what it says. */
  readonly sampleRate: number;
  /** Channels of its layers. */
  readonly width: number;
  readonly bytes: number;
}

/** Describes the acoustic models that ship. @throws {TtsError} what `loadAcoustic` throws */
export function describeAcoustics(): AcousticDescription[] {
  return shippedAcoustics().map(({ name, path }) => {
    const { config, features, provenance } = loadAcousticSync(path);
    return {
      name,
      path,
      corpus: provenance.corpus,
      licence: provenance.licence ?? null,
      sampleRate: features.sampleRate,
      width: config.width,
      bytes: statSync(path).size,
    };
  });
}
