import { rm } from 'node:fs/promises';
import { type MelSettings, melSettingsSchema } from '../../audio/mel_settings.js';
import { parseBoundedJson } from '../../base/bounded_json.js';
import { TtsError } from '../../base/errors.js';
import { type FileKind, targetOf } from '../../base/output.js';
import { standardStream } from '../../base/standard_streams.js';
import { readWholeFile, writeError, writeWholeFile } from '../../base/whole_file.js';
import type { RawFeatures } from './layout.js';
import { decodeNpy, encodeNpy, type NpyArray } from './npy.js';

/** Features, row-major [frames, bins], with the settings that made them where they are known. */
export interface FeatureFile {
  readonly data: Float32Array;
  readonly frames: number;
  readonly bins: number;
  readonly settings?: MelSettings;
}

/**
 * Reads a `.npy` file; see `decodeNpy` for what it may hold.
 *
 * @throws TtsError ERR_NPY_FORMAT if it is not such a file, is truncated, or has something after the array;
 * ERR_FILE_NOT_FOUND, ERR_FILE_READ.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readWholeFile(path), path);
}

/** What may be replaced by features without asking. */
export const npyKind: FileKind = {
  name: 'a .npy file',
  is: (head) => head.toString('latin1', 0, 6) === '\x93NUMPY',
};

const settingsKind: FileKind = {
  name: 'a file of feature settings',
  is: (head) => settingsIn(head.toString('utf8')) !== undefined,
};

/**
 * Writes float32 numbers as a `.npy` file, whole or not at all; see `encodeNpy`. The path `-` is standard output.
 *
 * @param options.force replaces a file that is there even if it is no `.npy`
 * @throws TtsError ERR_FILE_WRITE if it cannot be written; ERR_FILE_EXISTS for a file that is there and no `.npy`.
 */
export async function writeNpy(
  path: string,
  data: Float32Array,
  shape: readonly number[],
  options: { force?: boolean } = {},
): Promise<void> {
  await writeWholeFile(path, encodeNpy(data, shape), { kind: npyKind, force: options.force });
}

/**
 * Reads features that `writeFeatures` wrote: float32 [frames, bins] in C order, with or without the `.json` beside
 * them.
 *
 * @throws TtsError ERR_FEATURE_SHAPE for another kind of array (for those see `readRawFeatures`), and what
 * `readRawFeatures` throws.
 */
export async function readFeatures(path: string): Promise<FeatureFile> {
  const { array, settings } = await readRawFeatures(path);
  if (array.shape.length !== 2 || array.fortranOrder || !(array.data instanceof Float32Array)) {
    throw new TtsError(
      'ERR_FEATURE_SHAPE',
      `${path} has shape [${array.shape.join(', ')}] of ` +
        `${array.dtype}${array.fortranOrder ? ' in Fortran order' : ''}: expected float32 [frames, bins]`,
    );
  }
  const [frames, bins] = array.shape;
  return { data: array.data, frames, bins, settings };
}

/**
 * Reads any `.npy` as it is, and the settings from the `.json` of the same name if there is one.
 *
 * @throws TtsError ERR_FEATURE_SETTINGS if the `.json` does not hold settings; ERR_NPY_FORMAT, ERR_FILE_NOT_FOUND,
 * ERR_FILE_READ.
 */
export async function readRawFeatures(path: string): Promise<RawFeatures> {
  const array = await readNpy(path);
  const beside = settingsPath(path);
  const settings = beside === undefined ? undefined : await readSettings(beside);
  return settings === undefined ? { path, array } : { path, array, settings };
}

/**
 * Writes features as `.npy` (float32 [frames, bins]) and their settings as `.json` beside it. The settings go first:
 * there is never a new `.npy` with settings that are not its own. Where the path is standard output or no regular file
 * there is no place beside it, and the settings are left out.
 *
 * @param options.force replaces files that are there even if they are of another kind
 * @throws TtsError ERR_FILE_WRITE if they cannot be written; ERR_FILE_EXISTS for a `.npy` or a `.json` that is there
 * and something else. Nothing is written then.
 */
export async function writeFeatures(
  path: string,
  { data, frames, bins, settings }: FeatureFile,
  options: { force?: boolean } = {},
): Promise<void> {
  const { force } = options;
  const beside = checkFeatureOutput(path, { force });
  if (beside !== undefined) {
    if (settings !== undefined)
      await writeWholeFile(beside, Buffer.from(`${JSON.stringify(settings, null, 2)}\n`), {
        kind: settingsKind,
        force,
      });
    else
      await rm(beside, { force: true }).catch((error: unknown) => {
        throw writeError(beside, error);
      });
  }
  await writeNpy(path, data, [frames, bins], { force });
}

/**
 * Refuses a place for features that `writeFeatures` would refuse.
 * @returns where the settings go, if anywhere
 * @throws TtsError what `writeFeatures` throws
 */
export function checkFeatureOutput(path: string, { force }: { force?: boolean } = {}): string | undefined {
  if (targetOf(path, { kind: npyKind, force }).type !== 'file') return undefined;
  const beside = settingsPath(path);
  if (beside !== undefined) targetOf(beside, { kind: settingsKind, force });
  return beside;
}

/** Where the settings of a feature file lie: the same name with `.json` for `.npy`; nowhere for standard input. */
export function settingsPath(path: string): string | undefined {
  return path === standardStream ? undefined : `${path.replace(/\.npy$/i, '')}.json`;
}

/** Undefined for what is not the JSON of settings. */
function settingsIn(text: string): MelSettings | undefined {
  try {
    return melSettingsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function readSettings(path: string): Promise<MelSettings | undefined> {
  let text: string;
  try {
    text = (await readWholeFile(path)).toString('utf8');
  } catch (error) {
    if (error instanceof TtsError && error.code === 'ERR_FILE_NOT_FOUND') return undefined;
    throw error;
  }
  let json: unknown;
  try {
    json = parseBoundedJson(text);
  } catch (error) {
    throw new TtsError('ERR_FEATURE_SETTINGS', `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const result = melSettingsSchema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new TtsError('ERR_FEATURE_SETTINGS', `${path}: ${issue.path.join('.') || 'settings'}: ${issue.message}`);
}
