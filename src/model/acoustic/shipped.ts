import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TtsError } from '../../base/errors.js';
import { standardStream } from '../../base/standard_streams.js';
import type { VoiceFile } from '../voice/shipped.js';

/** The reader that speaks texts where none is named: there is an acoustic model and a voice of that name. */
export const defaultReader = 'kathleen';

const recipes = fileURLToPath(new URL('../../../../recipes/', import.meta.url));
const folderEnding = '-acoustic';

/** The acoustic models that ship, in order of their names: every `recipes/NAME-acoustic/acoustic.safetensors`. */
export function shippedAcoustics(): VoiceFile[] {
  return readdirSync(recipes)
    .filter((folder) => folder.endsWith(folderEnding))
    .sort()
    .map((folder) => ({
      name: folder.slice(0, -folderEnding.length),
      path: join(recipes, folder, 'acoustic.safetensors'),
    }))
    .filter(({ path }) => existsSync(path));
}

/**
 * The file of an acoustic model that is given as the name of one that ships, or as a file; `-` is standard input.
 * @throws {TtsError} ERR_VOICE_UNKNOWN for a name that no model has; ERR_FILE_NOT_FOUND for what looks like a file (it
 * has a slash or ends with .safetensors) and is not there
 */
export function findAcoustic(nameOrFile: string): VoiceFile {
  const models = shippedAcoustics();
  const shipped = models.find(({ name }) => name === nameOrFile);
  if (shipped) return shipped;
  if (nameOrFile === standardStream) return { name: 'standard input', path: nameOrFile };
  if (!existsSync(nameOrFile)) {
    if (/[\\/]|\.safetensors$/.test(nameOrFile))
      throw new TtsError('ERR_FILE_NOT_FOUND', `no acoustic model at ${nameOrFile}`);
    throw new TtsError(
      'ERR_VOICE_UNKNOWN',
      `no acoustic model is called ${nameOrFile}; expected ${[...models.map(({ name }) => name), 'a file'].join(' or ')}`,
    );
  }
  const stem = basename(nameOrFile, '.safetensors');
  return { name: (stem === 'acoustic' && basename(dirname(resolve(nameOrFile)))) || stem, path: nameOrFile };
}
