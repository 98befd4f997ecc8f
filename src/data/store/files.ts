import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Augmentation } from '../../audio/augmentation.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { readerVersion } from '../../audio/read.js';
import { isUntreated, type Treatment } from '../../audio/treatment.js';
import { canonicalJson } from '../../base/canonical_json.js';
import { isSealed, sealBytes } from './sealed.js';

/** Goes into every key: raise it when the same audio and settings would give other files. */
const formatVersion = 1;

/** What the files of a clip are made with. */
export interface Making {
  readonly settings: MelSettings;
  readonly treatment: Treatment;
  /** In dB, for all clips alike; without it a level is reached by each clip's own loudness. */
  readonly gain?: number;
  /** Of an altered copy: how it is altered, and its number, from 0. */
  readonly altered?: Omit<Augmentation, 'copies'> & { readonly copy: number };
}

/**
 * The two files of a clip, in the byte order of the machine that the cache belongs to, each with its seal at its end.
 */
export interface ClipFiles {
  /** int16 [frames·hop]. */
  readonly pcm: string;
  /** float32 [frames, bins]. */
  readonly features: string;
}

/** SHA-256 of a value's canonical JSON, in hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson([formatVersion, value]))
    .digest('hex');
}

/** The folder of all that is made in one way, by one version of what reads recordings. */
export function folderOf(cacheDir: string, { settings, treatment, gain, altered }: Making): string {
  const asRecorded = isUntreated(treatment) ? settings : { settings, treatment, gain: gain ?? null };
  const key = altered === undefined ? asRecorded : { settings, treatment, gain: gain ?? null, altered };
  return join(cacheDir, hashOf([readerVersion, key]).slice(0, 16));
}

/** Where a recording with this content (SHA-256 of the file) is kept. */
export function filesOf(folder: string, content: string): ClipFiles {
  return { pcm: join(folder, `${content}.pcm`), features: join(folder, `${content}.f32`) };
}

/** Number of frames of a clip's files, or undefined if they are not there, whole, of one length and undamaged. */
export async function framesStored(files: ClipFiles, { hop, bins }: MelSettings): Promise<number | undefined> {
  const frames = contentBytes(files.features) / (4 * bins);
  const samples = contentBytes(files.pcm) / 2;
  if (!(frames >= 1 && Number.isInteger(frames) && samples === frames * hop)) return undefined;
  return (await isSealed(files.features)) && (await isSealed(files.pcm)) ? frames : undefined;
}

const contentBytes = (path: string): number => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) - sealBytes;
