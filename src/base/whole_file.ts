import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TtsError } from './errors.js';
import { claimTemporary, release, syncFile, syncFolder } from './temporary.js';

/**
 * Reads a file whole.
 *
 * @throws TtsError ERR_FILE_NOT_FOUND, or ERR_FILE_READ if it is there but cannot be read (a folder, no permission).
 */
export async function readWholeFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw readError(path, error);
  }
}

/** The same at once. */
export function readWholeFileSync(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw readError(path, error);
  }
}

function readError(path: string, error: unknown): TtsError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new TtsError('ERR_FILE_NOT_FOUND', `${path}: no such file`, { cause: error });
  return new TtsError(
    'ERR_FILE_READ',
    `${path} cannot be read: ${code === 'EISDIR' ? 'it is a folder' : String(code)}`,
    { cause: error },
  );
}

/**
 * Writes a file so that it is there whole or not at all; see `WholeFile`.
 *
 * @throws TtsError ERR_FILE_WRITE if it cannot be written (no such folder, no permission, disk full).
 */
export async function writeWholeFile(path: string, ...parts: readonly Uint8Array[]): Promise<void> {
  const file = await WholeFile.create(path);
  try {
    for (const part of parts) await file.append(part);
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.commit();
}

/**
 * A file that is written piece by piece and gets its name at the end, when all of it is on the disk. Until then, and
 * after `abandon`, a failure or a signal, there is nothing under that name, or still the older file. All methods throw
 * TtsError ERR_FILE_WRITE if they cannot do it; call `abandon` then.
 */
export class WholeFile {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<WholeFile> {
    const temporary = claimTemporary(path);
    try {
      return new WholeFile(path, temporary, await open(temporary, 'wx'));
    } catch (error) {
      release(temporary);
      throw writeError(path, error);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      // FileHandle.write may write less than it was given; writeFile does not, and goes on where the last one ended.
      await this.file.writeFile(bytes);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Replaces some bytes that have been written, such as a header whose sizes are known at the end. */
  async overwrite(bytes: Uint8Array, position: number): Promise<void> {
    try {
      await this.file.write(bytes, 0, bytes.length, position);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Gives the file its name. If that fails, nothing is left. */
  async commit(): Promise<void> {
    try {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
      release(this.temporary);
      syncFolder(dirname(this.path));
    } catch (error) {
      await this.abandon();
      throw writeError(this.path, error);
    }
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await rm(this.temporary, { force: true });
    release(this.temporary);
  }
}

/**
 * Writes a folder of files so that it is there whole or not at all. An older one of that name is replaced; for the
 * moment between the two renames it is there as `path.replaced`.
 *
 * @param fill writes the files into the folder it is given; there are no folders in it
 * @throws TtsError ERR_FILE_WRITE if it cannot be written, and what `fill` throws.
 */
export function writeWholeFolder(path: string, fill: (folder: string) => void): void {
  const temporary = claimTemporary(path);
  const replaced = `${path}.replaced`;
  try {
    mkdirSync(temporary);
    fill(temporary);
    for (const name of readdirSync(temporary)) syncFile(join(temporary, name));
    syncFolder(temporary);
    rmSync(replaced, { recursive: true, force: true });
    if (statSync(path, { throwIfNoEntry: false })) renameSync(path, replaced);
    renameSync(temporary, path);
    syncFolder(dirname(path));
    rmSync(replaced, { recursive: true, force: true });
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw writeError(path, error);
  } finally {
    release(temporary);
  }
}

/** What to tell the user when writing `path` failed with a system error; other errors come back as they are. */
export function writeError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  // Codes of the system are like ENOENT; those of Node.js, and our own, begin with ERR_.
  if (code === undefined || code.startsWith('ERR_')) return error;
  const reason =
    {
      ENOENT: 'its folder does not exist',
      EISDIR: 'it is a folder',
      EACCES: 'permission denied',
      ENOSPC: 'the disk is full',
    }[code] ?? code;
  return new TtsError('ERR_FILE_WRITE', `${path} cannot be written: ${reason}`, { cause: error });
}
