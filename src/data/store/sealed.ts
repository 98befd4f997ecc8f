import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { canonicalJson } from '../../base/canonical_json.js';
import { writeWholeFile } from '../../base/whole_file.js';

/** Bytes at the end of a sealed file: the SHA-256 of all before them. */
export const sealBytes = 32;

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Writes bytes with their seal. @throws {TtsError} ERR_FILE_WRITE */
export const writeSealed = (path: string, bytes: Uint8Array): Promise<void> =>
  writeWholeFile(path, [bytes, digest(bytes)]);

/** Whether a file is there and holds what was written: a size alone is right after many kinds of damage. */
export async function isSealed(path: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  if (bytes.length < sealBytes) return false;
  const end = bytes.length - sealBytes;
  return digest(bytes.subarray(0, end)).equals(bytes.subarray(end));
}

/** Writes a small value as JSON with its hash. @throws {TtsError} ERR_FILE_WRITE */
export const writeSealedJson = (path: string, value: unknown): Promise<void> =>
  writeWholeFile(path, Buffer.from(JSON.stringify({ value, sha256: hashOfJson(value) })));

/** What `writeSealedJson` wrote; undefined for what is not there, or not what was written. */
export async function readSealedJson(path: string): Promise<unknown> {
  try {
    const { value, sha256 } = JSON.parse(await readFile(path, 'utf8')) as { value?: unknown; sha256?: unknown };
    return sha256 === hashOfJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const hashOfJson = (value: unknown): string => digest(Buffer.from(canonicalJson(value))).toString('hex');
