import { constants as bufferLimits } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { mostExpanded } from '../../audio/expansion.js';
import { TtsError } from '../../base/errors.js';
import { readWholeFile } from '../../base/whole_file.js';

/** An array of bytes as MNIST's files hold it, the last axis fastest. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;

/** In bytes; MNIST's largest file has 47 million. */
const leastUnzipped = 2 ** 26;

/**
 * The content of a file, unzipped if it is a gzip file. Throws ERR_CORPUS if it is one that is damaged, cut short or
 * grows to more than images do (see `mostExpanded`), ERR_FILE_NOT_FOUND, ERR_FILE_READ.
 */
export async function readUnzipped(path: string): Promise<Buffer> {
  const bytes = await readWholeFile(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const most = mostExpanded(bytes.length, leastUnzipped);
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: Math.min(most, bufferLimits.MAX_LENGTH) });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new TtsError(
        'ERR_CORPUS',
        `${path} has ${bytes.length} bytes and more than ${most} unzipped, expected images; fetch it again`,
        { cause },
      );
    throw new TtsError(
      'ERR_CORPUS',
      `${path} cannot be unzipped (${(cause as Error).message}), expected a whole gzip file; fetch it again`,
      { cause },
    );
  }
}

/**
 * Takes an idx file apart (http://yann.lecun.com/exdb/mnist, "the IDX file format"): two zeros, the type (8: bytes),
 * the number of axes, their lengths as big-endian 32-bit integers, the bytes. `data` is a view of `bytes`. Throws
 * ERR_CORPUS, with `path` in the message, for another magic number, type or number of axes, and for too few or too many
 * bytes.
 */
export function parseIdx(bytes: Buffer, axes: number, path: string): IdxArray {
  const fail = (message: string) => new TtsError('ERR_CORPUS', `${path} ${message}`);
  const header = 4 + 4 * axes;
  const magic = 256 * unsignedByte + axes;
  if (bytes.length < 4) throw fail(`is cut short: it has ${bytes.length} bytes, expected an idx file`);
  const found = bytes.readUInt32BE(0);
  if (found !== magic)
    throw fail(
      `begins with ${hexadecimal(found)}, expected ${hexadecimal(magic)}: an idx file of bytes with ${axes} axes`,
    );
  if (bytes.length < header) throw fail(`is cut short: it has ${bytes.length} bytes, expected a header of ${header}`);
  const shape = Array.from({ length: axes }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  // No Buffer: its slice() would be a view, not a copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + header, bytes.length - header);
  if (data.length !== size) {
    throw fail(
      `${data.length < size ? 'is cut short' : 'has something after the array'}: shape ` +
        `[${shape.join(', ')}] takes ${size} bytes, there are ${data.length}`,
    );
  }
  return { shape, data };
}

const hexadecimal = (word: number) => `0x${word.toString(16).padStart(8, '0')}`;
