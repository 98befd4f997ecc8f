import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TtsError } from '../../base/errors.js';
import { standardStream } from '../../base/standard_streams.js';
import { loadVoiceSync } from './file.js';
import type { Voice } from './voice.js';

/** The voice that speaks where none is named. */
export const defaultVoice = 'ljspeech';

/** A voice and where it lies. */
export interface VoiceFile {
  /** Of a voice that ships its name; of another file its own, or for a `voice.safetensors` that of its folder. */
  readonly name: string;
  readonly path: string;
}

const recipes = fileURLToPath(new URL('../../../../recipes/', import.meta.url));

/** The voices that ship, in order of their names: every `recipes/NAME/voice.safetensors` of the package. */
export function shippedVoices(): VoiceFile[] {
  return readdirSync(recipes)
    .sort()
    .map((name) => ({ name, path: join(recipes, name, 'voice.safetensors') }))
    .filter(({ path }) => existsSync(path));
}

/**
 * The file of a voice that is given as the name of one that ships, or as a file; `-` is standard input.
 * @throws {TtsError} ERR_VOICE_UNKNOWN for a name that no voice has; ERR_FILE_NOT_FOUND for what looks like a file (it
 * has a slash or ends with .safetensors) and is not there
 */
export function findVoice(nameOrFile: string): VoiceFile {
  const voices = shippedVoices();
  const shipped = voices.find(({ name }) => name === nameOrFile);
  if (shipped) return shipped;
  if (nameOrFile === standardStream) return { name: 'standard input', path: nameOrFile };
  if (!existsSync(nameOrFile)) {
    if (/[\\/]|\.safetensors$/.test(nameOrFile)) throw new TtsError('ERR_FILE_NOT_FOUND', `no voice at ${nameOrFile}`);
    throw new TtsError(
      'ERR_VOICE_UNKNOWN',
      `no voice is called ${nameOrFile}; expected ${voices.map(({ name }) => name).join(', ')} or a file`,
    );
  }
  const path = resolve(nameOrFile);
  const stem = basename(path, '.safetensors');
  return { name: (stem === 'voice' && basename(dirname(path))) || stem, path: nameOrFile };
}

/** What `--voice list` says of a voice. */
export interface VoiceDescription extends VoiceFile {
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
