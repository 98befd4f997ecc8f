import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { claimTemporary, release, syncFolder } from '../../base/temporary.js';

/** A key of one's own is taken from this many characters on: with 64 different ones that is 96 bits. */
const shortest = 16;
const longest = 256;
const differing = 6;

/**
 * The password of the results. It is made once and kept in the folder, where only its owner can read it.
 * @param onNote told if others can read it
 * @throws {TtsError} ERR_LISTENING_TEST if the file holds no key that keeps anybody out
 */
export function resultsKey(folder: string, onNote?: (note: string) => void): string {
  const path = join(folder, 'results.key');
  const text = read(path) ?? make(path);
  const key = text.trim();
  const fault =
    key === ''
      ? 'is empty'
      : key.length < shortest
        ? `has ${key.length} characters`
        : key.length > longest
          ? `has ${key.length} characters`
          : !/^[\x21-\x7e]+$/.test(key)
            ? 'has spaces, line ends or characters outside ASCII'
            : new Set(key).size < differing
              ? `has ${new Set(key).size} different characters`
              : undefined;
  if (fault !== undefined)
    throw new TtsError(
      'ERR_LISTENING_TEST',
      `${path} ${fault}; expected one word of ${shortest} to ${longest} letters, digits and signs, at least ${differing} ` +
        'of them different; remove the file to get a new key',
    );
  // Windows has other rights.
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    onNote?.(
      `${path} can be read by others (mode ${mode.toString(8)}); say chmod 600 if they should not see the results`,
    );
  return key;
}

function read(path: string): string | undefined {
  try {
    if (statSync(path).isFile()) return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new TtsError('ERR_LISTENING_TEST', `${path} cannot be read: ${code}`, { cause: error });
  }
  throw new TtsError('ERR_LISTENING_TEST', `${path} is no file; expected the key of the results`);
}

/**
 * Whole, on the disk and with its owner's rights only before it has its name. Of two that make it at once, one wins.
 */
function make(path: string): string {
  const temporary = claimTemporary(path);
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, `${randomBytes(18).toString('base64url')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(temporary, path);
    } catch (error) {
      // Some file systems have no hard links.
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      renameSync(temporary, path);
    }
    syncFolder(join(path, '..'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new TtsError('ERR_FILE_WRITE', `${path} cannot be written: ${code}`, { cause: error });
  } finally {
    rmSync(temporary, { force: true });
    release(temporary);
  }
  return readFileSync(path, 'utf8');
}
