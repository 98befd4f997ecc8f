import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { TtsError } from './errors.js';

/**
 * Reads a file whole.
 *
 * @throws TtsError ERR_FILE_NOT_FOUND, or ERR_FILE_READ if it is there but cannot be read (a folder, no permission).
 */
export async function readWholeFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new TtsError('ERR_FILE_NOT_FOUND', `${path}: no such file`, { cause: error });
    throw new TtsError(
      'ERR_FILE_READ',
      `${path} cannot be read: ${code === 'EISDIR' ? 'it is a folder' : String(code)}`,
      { cause: error },
    );
  }
}

/**
 * Writes a file so that it is there whole or not at all: under a temporary name in the same folder, then renamed.
 *
 * @throws TtsError ERR_FILE_WRITE if it cannot be written (no such folder, no permission, disk full).
 */
export async function writeWholeFile(path: string, ...parts: readonly Uint8Array[]): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, parts);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** The name under which `path` is written until it is whole; a folder may hold several at once. */
export function temporaryName(path: string): string {
  serial += 1;
  return `${path}.${process.pid}.${serial}.tmp`;
}
let serial = 0;

/** What to tell the user when writing `path` failed with a system error; other errors come back as they are. */
export function writeError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof TtsError) return error;
  const reason =
    {
      ENOENT: 'its folder does not exist',
      EISDIR: 'it is a folder',
      EACCES: 'permission denied',
      ENOSPC: 'the disk is full',
    }[code] ?? code;
  return new TtsError('ERR_FILE_WRITE', `${path} cannot be written: ${reason}`, { cause: error });
}
