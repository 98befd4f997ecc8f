import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TtsError } from './errors.js';
import { isStandardOutput, standardStream } from './standard_streams.js';
import { explainSystemError } from './system_error.js';
import { syncFolder } from './temporary.js';

/** A kind of file that the toolkit writes, as its beginning shows it. */
export interface FileKind {
  /** For messages: `a WAV file`. */
  readonly name: string;
  /** @param head the first 64 KiB of a file, or all of it if it is shorter; never empty */
  is(head: Buffer): boolean;
}

/** What may be replaced. */
export interface Replacing {
  /** A file that is there and of another kind is not replaced; any file is where none is given. */
  readonly kind?: FileKind;
  /** Replaces a file of any kind. */
  readonly force?: boolean;
}

/**
 * What an output path stands for. A link stands for what it points to: that is replaced, the link stays. Devices, FIFOs
 * and the like are written in place.
 */
export type Target =
  | { readonly type: 'standard output' }
  | { readonly type: 'in place'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly older: Stats | undefined };

const headBytes = 65_536;

/**
 * Finds out what an output path stands for.
 * @throws {TtsError} ERR_FILE_WRITE for a folder, a socket, a file that is write-protected, and a path that leads
 * nowhere; ERR_FILE_EXISTS for a file of another kind than `kind`
 */
export function targetOf(path: string, { kind, force = false }: Replacing = {}): Target {
  if (isStandardOutput(path)) return { type: 'standard output' };
  if (/[\\/]$/.test(path) && (path.endsWith('/') || process.platform === 'win32'))
    throw new TtsError('ERR_FILE_WRITE', `${path} cannot be written: it names a folder, expected a file`);
  try {
    const older = statSync(path, { throwIfNoEntry: false });
    if (older === undefined) return { type: 'file', path: endOfLinks(path), older };
    if (older.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    if (older.isSocket()) throw Object.assign(new Error('it is a socket'), { code: 'ENXIO' });
    if (!older.isFile()) return { type: 'in place', path };
    // A rename would replace it all the same.
    accessSync(path, constants.W_OK);
    const real = realPath(path);
    if (real === undefined) return { type: 'in place', path };
    if (kind !== undefined && !force && older.size > 0 && !kind.is(headOf(path)))
      throw new TtsError(
        'ERR_FILE_EXISTS',
        `${path} is there and is not ${kind.name}, so it is not replaced; expected another name, or --force`,
      );
    return { type: 'file', path: real, older };
  } catch (error) {
    throw explainSystemError(path, error, 'written');
  }
}

/** Undefined for a file that has no name any more, such as `/dev/fd/3` of one that was removed. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where a link points that points to nothing yet; any other path is its own end. */
function endOfLinks(path: string): string {
  let end = path;
  // As many as Linux follows.
  for (let links = 0; lstatSync(end, { throwIfNoEntry: false })?.isSymbolicLink(); links++) {
    if (links === 40) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
    end = resolve(realpathSync(dirname(end)), readlinkSync(end));
  }
  return end;
}

function headOf(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(headBytes);
    let length = 0;
    for (let count = -1; count !== 0 && length < headBytes; length += count)
      count = readSync(file, head, length, headBytes - length, length);
    return head.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/**
 * Refuses an output that cannot be written, now and not after minutes of work.
 * @param inputs files that are read: the output must be none of them, under whatever name
 * @throws {TtsError} ERR_FILE_IS_INPUT, and what `targetOf` throws
 */
export function checkOutput(
  path: string,
  { inputs = [], ...replacing }: Replacing & { inputs?: Iterable<string> },
): void {
  keepInputs([path], inputs);
  const target = targetOf(path, replacing);
  if (target.type !== 'file') return;
  try {
    accessSync(dirname(target.path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw explainSystemError(path, error, 'written');
  }
}

/**
 * Refuses outputs that are files or folders which are read, under whatever name: by a link, a hard link, or in other
 * letters where the file system takes them for the same.
 * @throws {TtsError} ERR_FILE_IS_INPUT
 */
export function keepInputs(outputs: Iterable<string>, inputs: Iterable<string>): void {
  const read = new Map<string, string>();
  for (const input of inputs) {
    const identity = identityOf(input);
    if (identity !== undefined) read.set(identity, input);
  }
  if (read.size === 0) return;
  for (const output of outputs) {
    const input = read.get(identityOf(output) ?? '');
    if (input !== undefined)
      throw new TtsError(
        'ERR_FILE_IS_INPUT',
        `${output} would be replaced by the output, and it is read as an input${output === input ? '' : ` (${input})`}; ` +
          'expected another place for the output',
      );
  }
}

/**
 * Refuses two outputs that are the same file, which would replace each other.
 * @param outputs what each is, for messages, and its path
 * @throws {TtsError} ERR_ARGUMENT, and what `targetOf` throws
 */
export function keepApart(outputs: Iterable<readonly [what: string, path: string]>): void {
  const taken = new Map<string, string>();
  for (const [what, path] of outputs) {
    const target = targetOf(path, { force: true });
    // Devices and pipes take what comes.
    if (target.type !== 'file') continue;
    const place = resolve(target.path);
    const other = taken.get(place);
    if (other !== undefined)
      throw new TtsError('ERR_ARGUMENT', `${other} and ${what} would both be written to ${path}, expected two files`);
    taken.set(place, what);
  }
}

/** The same for two paths of one file or folder; undefined for what is neither. */
function identityOf(path: string): string | undefined {
  if (path === standardStream) return undefined;
  try {
    const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
    return stats?.isFile() || stats?.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes a folder, and those that it lies in, unless it is there, so that a power cut does not undo it.
 * @throws {TtsError} ERR_FILE_WRITE
 */
export function makeFolder(path: string): void {
  if (path === standardStream)
    throw new TtsError(
      'ERR_FILE_WRITE',
      `${path} is standard output, expected a folder; a folder of that name is ./${path}`,
    );
  try {
    const first = mkdirSync(path, { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); ; made = dirname(made)) {
      syncFolder(dirname(made));
      if (made === resolve(first) || made === dirname(made)) return;
    }
  } catch (error) {
    if (!isFile(path)) {
      const explained = explainSystemError(path, error, 'written');
      if (!(explained instanceof TtsError) || explained.code !== 'ERR_FILE_WRITE') throw explained;
      const reason = explained.message.replace(`${path} cannot be written: `, '');
      throw new TtsError('ERR_FILE_WRITE', `cannot make the folder ${path}: ${reason}`, { cause: error });
    }
    throw new TtsError('ERR_FILE_WRITE', `${path} is a file, expected a folder`, { cause: error });
  }
}
