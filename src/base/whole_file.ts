import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TtsError } from './errors.js';
import { type Replacing, type Target, targetOf } from './output.js';
import { readStandardInput, standardStream, StreamWriter } from './standard_streams.js';
import { explainSystemError } from './system_error.js';
import { claimTemporary, release, syncFile, syncFolder } from './temporary.js';

/**
 * Reads a file whole; `-` is standard input.
 *
 * @throws TtsError ERR_FILE_NOT_FOUND; ERR_FILE_READ if it is there but cannot be read (a folder, no permission);
 * ERR_RESOURCES for too few file handles.
 */
export async function readWholeFile(path: string): Promise<Buffer> {
  try {
    return await (path === standardStream ? readStandardInput() : readFile(path));
  } catch (error) {
    throw readError(path, error);
  }
}

/** A file by its path, or what was in one, under the name that messages have for it. */
export type FileSource = string | { readonly name: string; readonly bytes: Uint8Array };

/** What messages call a file. */
export const nameOf = (source: FileSource): string => (typeof source === 'string' ? source : source.name);

/** The bytes of a file. @throws {TtsError} what `readWholeFile` throws */
export async function readSource(source: FileSource): Promise<Buffer> {
  if (typeof source === 'string') return readWholeFile(source);
  const { buffer, byteOffset, byteLength } = source.bytes;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A file whole, at once, without standard input. @throws {TtsError} what `readWholeFile` throws */
export function readWholeFileSync(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw readError(path, error);
  }
}

function readError(path: string, error: unknown): unknown {
  // Node.js itself refuses files of more than 2 GiB.
  if ((error as NodeJS.ErrnoException).code === 'ERR_FS_FILE_TOO_LARGE')
    return new TtsError('ERR_FILE_READ', `${path} cannot be read: it is larger than 2 GiB`, { cause: error });
  return explainSystemError(path, error, 'read');
}

/**
 * Writes a file so that it is there whole or not at all; see `WholeFile`.
 *
 * @throws TtsError ERR_FILE_WRITE if it cannot be written (no such folder, no permission, disk full); ERR_FILE_EXISTS.
 */
export async function writeWholeFile(
  path: string,
  content: Uint8Array | readonly Uint8Array[],
  replacing: Replacing = {},
): Promise<void> {
  const file = await WholeFile.create(path, replacing);
  try {
    for (const part of content instanceof Uint8Array ? [content] : content) await file.append(part);
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.commit();
}

/**
 * A file that is written piece by piece and gets its name at the end, when all of it is on the disk. Until then, and
 * after `abandon`, a failure or a signal, there is nothing under that name, or still the older file. Where the path is
 * a link, what it points to is replaced. What is no regular file (a device, a FIFO), and `-`, standard output, are
 * written as the pieces come. All methods throw TtsError ERR_FILE_WRITE if they cannot do it; call `abandon` then.
 */
export class WholeFile {
  private constructor(
    private readonly path: string,
    private readonly place: Place,
  ) {}

  /**
   * @throws TtsError ERR_FILE_WRITE; ERR_FILE_EXISTS for an older file of another kind than `replacing` says.
   */
  static async create(path: string, replacing: Replacing = {}): Promise<WholeFile> {
    const target = targetOf(path, replacing);
    try {
      return new WholeFile(path, await placeOf(target));
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Whether `overwrite` works: what goes into a pipe has gone. */
  get canOverwrite(): boolean {
    return this.place.overwrite !== undefined;
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.place.append(bytes);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Replaces some bytes that have been written, such as a header whose sizes are known at the end. */
  async overwrite(bytes: Uint8Array, position: number): Promise<void> {
    if (!this.place.overwrite) throw new Error(`${this.path} is written as the bytes come`);
    try {
      await this.place.overwrite(bytes, position);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Gives the file its name. If that fails, nothing is left. */
  async commit(): Promise<void> {
    try {
      await this.place.commit();
    } catch (error) {
      await this.abandon();
      throw writeError(this.path, error);
    }
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.place.abandon();
  }
}

/** Where bytes go. */
interface Place {
  append(bytes: Uint8Array): Promise<void>;
  overwrite?(bytes: Uint8Array, position: number): Promise<void>;
  commit(): Promise<void>;
  abandon(): Promise<void>;
}

function placeOf(target: Target): Promise<Place> {
  if (target.type === 'standard output') return Promise.resolve(standardOutput());
  return target.type === 'in place' ? inPlace(target.path) : renamedAtTheEnd(target.path, target.older);
}

async function renamedAtTheEnd(path: string, older: Stats | undefined): Promise<Place> {
  const temporary = claimTemporary(path);
  let file: FileHandle;
  try {
    file = await open(temporary, 'wx');
  } catch (error) {
    release(temporary);
    throw error;
  }
  return {
    // FileHandle.write may write less than it was given; writeFile does not, and goes on where the last one ended.
    append: (bytes) => file.writeFile(bytes),
    async overwrite(bytes, position) {
      await file.write(bytes, 0, bytes.length, position);
    },
    async commit() {
      if (older) await takeRights(file, older);
      await file.sync();
      await file.close();
      await rename(temporary, path);
      release(temporary);
      syncFolder(dirname(path));
    },
    async abandon() {
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
      release(temporary);
    },
  };
}

/** Who may read a file stays as it was; whose it is, where that is allowed. */
async function takeRights(file: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const now = await file.stat();
  if (now.uid !== uid || now.gid !== gid) await file.chown(uid, gid).catch(() => undefined);
  if (now.mode !== mode) await file.chmod(mode & 0o7777).catch(() => undefined);
}

/** Opening a FIFO waits for its reader. */
async function inPlace(path: string): Promise<Place> {
  const file = await open(path, constants.O_WRONLY);
  const close = () => file.close();
  return { append: (bytes) => file.writeFile(bytes), commit: close, abandon: () => close().catch(() => undefined) };
}

function standardOutput(): Place {
  const writer = new StreamWriter(process.stdout);
  return {
    append: (bytes) => writer.write(bytes),
    commit() {
      writer.release();
      return Promise.resolve();
    },
    abandon: () => Promise.resolve(),
  };
}

/** Writes a file of our own folders, whole or not at all, at once. @throws TtsError ERR_FILE_WRITE */
export function writeWholeFileSync(path: string, content: Uint8Array | string): void {
  const temporary = claimTemporary(path);
  try {
    writeSynced(temporary, content, 'wx');
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  } finally {
    release(temporary);
  }
}

/**
 * Adds a line to a file, on the disk when this returns. A process that dies meanwhile may leave a part of it: who reads
 * such a file passes over a last line without its end.
 * @throws TtsError ERR_FILE_WRITE
 */
export function appendLine(path: string, line: string): void {
  try {
    writeSynced(path, `${line}\n`, 'a');
  } catch (error) {
    throw writeError(path, error);
  }
}

function writeSynced(path: string, content: Uint8Array | string, flags: string): void {
  const file = openSync(path, flags);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
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
export const writeError = (path: string, error: unknown): unknown => explainSystemError(path, error, 'written');
