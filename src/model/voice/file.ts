import { readWholeFile, readWholeFileSync, writeWholeFile } from '../../base/whole_file.js';
import { naming } from '../model_file.js';
import { safetensorsKind } from '../safetensors.js';
import { decodeVoice, encodeVoice, voiceFormat } from './encoding.js';
import type { Voice } from './voice.js';

/** What may be replaced by a voice without asking. */
export const voiceKind = safetensorsKind('a voice', voiceFormat.format);

/**
 * Writes a voice as one safetensors file, whole or not at all. The path `-` is standard output.
 * @param options.force replaces a file that is there even if it is no voice
 * @returns bytes of the file
 * @throws {TtsError} ERR_VOICE_CORRUPT when the voice is one that `loadVoice` would refuse, nothing is written then;
 * ERR_FILE_WRITE; ERR_FILE_EXISTS for a file that is there and no voice.
 */
export async function saveVoice(path: string, voice: Voice, options: { force?: boolean } = {}): Promise<number> {
  const bytes = encodeVoice(voice);
  naming('the voice to be saved', () => decodeVoice(bytes));
  await writeWholeFile(path, bytes, { kind: voiceKind, force: options.force });
  return bytes.length;
}

/**
 * Reads a voice and checks all of it: checksum, metadata, every shape, every block index, every value.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ; ERR_VOICE_CORRUPT for a damaged file or one that is not a
 * voice; ERR_VOICE_VERSION for one made by a newer version.
 */
export async function loadVoice(path: string): Promise<Voice> {
  const bytes = await readWholeFile(path);
  return naming(path, () => decodeVoice(bytes));
}

/** The same at once, where nothing else is to be done meanwhile. */
export function loadVoiceSync(path: string): Voice {
  const bytes = readWholeFileSync(path);
  return naming(path, () => decodeVoice(bytes));
}
