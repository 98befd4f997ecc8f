import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { MelSettings } from '../../audio/mel_settings.js';

/** Goes into every key: raise it when the same audio and settings would give other files. */
const formatVersion = 1;

/** The two files of a clip, in the byte order of the machine that the cache belongs to. */
export interface ClipFiles {
  /** int16 [frames·hop]. */
  readonly pcm: string;
  /** float32 [frames, bins]. */
  readonly features: string;
}

/** JSON with sorted keys: equal values, equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** SHA-256 of a value's canonical JSON, in hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalJson([formatVersion, value]))
    .digest('hex');
}

/** The folder of all that was computed with these settings. */
export function folderOf(cacheDir: string, settings: MelSettings): string {
  return join(cacheDir, hashOf(settings).slice(0, 16));
}

/** Where a recording with this content (SHA-256 of the file) is kept. */
export function filesOf(folder: string, content: string): ClipFiles {
  return { pcm: join(folder, `${content}.pcm`), features: join(folder, `${content}.f32`) };
}

/** Number of frames of a clip's files, or undefined if they are not there, whole and of one length. */
export function framesStored(files: ClipFiles, { hop, bins }: MelSettings): number | undefined {
  const frames = (statSync(files.features, { throwIfNoEntry: false })?.size ?? 0) / (4 * bins);
  const samples = (statSync(files.pcm, { throwIfNoEntry: false })?.size ?? 0) / 2;
  return frames >= 1 && Number.isInteger(frames) && samples === frames * hop ? frames : undefined;
}

/** Writes a file under a temporary name and renames it: whoever finds the name finds all of it. */
export function writeWhole(path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}-${threadId}.tmp`;
  writeFileSync(temporary, data);
  renameSync(temporary, path);
}

/**
 * Removes temporary files that a killed process left ten minutes ago or earlier; younger ones may be another process's.
 */
export function removeLeftovers(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (modified < Date.now() - 600_000) rmSync(path, { force: true });
  }
}
