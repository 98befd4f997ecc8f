import { readWholeFile, writeWholeFile } from '../../base/whole_file.js';
import { decodeNpy, type NpyArray } from './npy_decoding.js';

export type { NpyArray, NpyDtype } from './npy_decoding.js';

/**
 * Reads a `.npy` file; see `decodeNpy` for what it may hold.
 *
 * @throws TtsError ERR_NPY_FORMAT if it is no such file, truncated, or followed by something; ERR_FILE_NOT_FOUND,
 * ERR_FILE_READ.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readWholeFile(path), path);
}

/**
 * Writes float32 numbers as a `.npy` file (version 1.0, C order), whole or not at all.
 *
 * @param data as many numbers as the product of `shape`, the last axis fastest
 * @throws TtsError ERR_FILE_WRITE if it cannot be written.
 */
export async function writeNpy(path: string, data: Float32Array, shape: readonly number[]): Promise<void> {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count !== data.length)
    throw new RangeError(`shape [${shape.join(', ')}] has ${count} elements, the data has ${data.length}`);
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  // numpy pads the header so that the numbers begin at a multiple of 64 bytes.
  const padded = dictionary.padEnd(Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 11) + '\n';
  const prefix = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  prefix.writeUInt16LE(padded.length, 8);
  await writeWholeFile(
    path,
    prefix,
    Buffer.from(padded, 'latin1'),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
}
