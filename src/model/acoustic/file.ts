import { readWholeFile, readWholeFileSync, writeWholeFile } from '../../base/whole_file.js';
import { naming } from '../model_file.js';
import { safetensorsKind } from '../safetensors.js';
import { acousticFormat, decodeAcoustic, encodeAcoustic } from './encoding.js';
import type { AcousticModel } from './model.js';

/** What may be replaced by an acoustic model without asking. */
export const acousticKind = safetensorsKind('an acoustic model', acousticFormat.format);

/**
 * Writes an acoustic model as one safetensors file, whole or not at all.
 * @param options.force replaces a file that is there even if it is no acoustic model
 * @returns bytes of the file
 * @throws {TtsError} ERR_VOICE_CORRUPT for a model that `loadAcoustic` would refuse, nothing is written then;
 * ERR_FILE_WRITE; ERR_FILE_EXISTS for a file that is there and no acoustic model
 */
export async function saveAcoustic(
  path: string,
  model: AcousticModel,
  options: { force?: boolean } = {},
): Promise<number> {
  const bytes = encodeAcoustic(model);
  naming('the acoustic model to be saved', () => decodeAcoustic(bytes));
  await writeWholeFile(path, bytes, { kind: acousticKind, force: options.force });
  return bytes.length;
}

/**
 * Reads an acoustic model and checks all of it.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ; what `decodeAcoustic` throws
 */
export async function loadAcoustic(path: string): Promise<AcousticModel> {
  const bytes = await readWholeFile(path);
  return naming(path, () => decodeAcoustic(bytes));
}

/** The same at once, where nothing else is to be done meanwhile. */
export function loadAcousticSync(path: string): AcousticModel {
  const bytes = readWholeFileSync(path);
  return naming(path, () => decodeAcoustic(bytes));
}
