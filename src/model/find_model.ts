import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TtsError } from '../base/errors.js';
import { standardStream } from '../base/standard_streams.js';

/** A model and where it lies. */
export interface ModelFile {
  /** Of one that ships its name; of another file its own, or where that only says what it is, that of its folder. */
  readonly name: string;
  readonly path: string;
}

/** A kind of models that ship. */
export interface ShippedKind {
  /** What messages call it, such as `voice`. */
  readonly what: string;
  /** They lie in `recipes/NAME` of the package, with this behind the name. */
  readonly folderEnding: string;
  /** Its file is called this, with `.safetensors`. */
  readonly stem: string;
}

const recipes = fileURLToPath(new URL('../../../recipes/', import.meta.url));

/** The models of a kind that ship, in order of their names. */
export function shippedModels({ folderEnding, stem }: ShippedKind): ModelFile[] {
  return readdirSync(recipes)
    .filter((folder) => folder.endsWith(folderEnding))
    .sort()
    .map((folder) => ({
      name: folder.slice(0, folder.length - folderEnding.length),
      path: join(recipes, folder, `${stem}.safetensors`),
    }))
    .filter(({ path }) => existsSync(path));
}

/**
 * The file of a model that is given as the name of one that ships, or as a file; `-` is standard input.
 * @throws {TtsError} ERR_VOICE_UNKNOWN for a name that no model has; ERR_FILE_NOT_FOUND for what looks like a file (it
 * has a slash or ends with .safetensors or .onnx) and is not there
 */
export function findModel(nameOrFile: string, kind: ShippedKind): ModelFile {
  const { what, stem } = kind;
  const models = shippedModels(kind);
  const shipped = models.find(({ name }) => name === nameOrFile);
  if (shipped) return shipped;
  if (nameOrFile === standardStream) return { name: 'standard input', path: nameOrFile };
  if (!existsSync(nameOrFile)) {
    if (/[\\/]|\.(safetensors|onnx)$/.test(nameOrFile))
      throw new TtsError('ERR_FILE_NOT_FOUND', `no ${what} at ${nameOrFile}`);
    throw new TtsError(
      'ERR_VOICE_UNKNOWN',
      `no ${what} is called ${nameOrFile}; expected ${[...models.map(({ name }) => name), 'a file'].join(' or ')}`,
    );
  }
  const path = resolve(nameOrFile);
  const own = basename(path).replace(/\.(safetensors|onnx)$/, '');
  return { name: (own === stem && basename(dirname(path))) || own, path: nameOrFile };
}
