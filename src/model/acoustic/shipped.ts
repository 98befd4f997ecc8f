import { findModel, type ModelFile, shippedModels } from '../find_model.js';

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
