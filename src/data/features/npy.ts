import { TtsError } from '../../base/errors.js';

/** The types of numbers that are read, as numpy names them. */
export type NpyDtype = 'float16' | 'float32' | 'float64' | 'int16';

/** An array as it lies in a file: `data` in the file's order, the last axis fastest, or the first if `fortranOrder`. */
export interface NpyArray {
  readonly shape: number[];
  readonly dtype: NpyDtype;
  readonly fortranOrder: boolean;
  /** float16 is widened to float32. */
  readonly data: Float32Array | Float64Array | Int16Array;
}

const dtypes: Record<string, { dtype: NpyDtype; size: number }> = {
  '<f2': { dtype: 'float16', size: 2 },
  '<f4': { dtype: 'float32', size: 4 },
  '<f8': { dtype: 'float64', size: 8 },
  '<i2': { dtype: 'int16', size: 2 },
};

/**
 * The array in the bytes of a `.npy` file, format versions 1 to 3 (numpy.lib.format): float16, float32, float64 or
 * int16, little-endian, C or Fortran order.
 *
 * @param path names the file in messages
 * @throws TtsError ERR_NPY_FORMAT if it is not such a file, is truncated, or has something after the array.
 */
export function decodeNpy(bytes: Uint8Array, path: string): NpyArray {
  const fail = (message: string) => new TtsError('ERR_NPY_FORMAT', `${path} ${message}`);
  if (bytes.length === 0) throw fail('is empty: expected a .npy file');
  if (latin1(bytes.subarray(0, 2)) === 'PK')
    throw fail('is a zip archive (.npz or a PyTorch file): expected a single array, saved with numpy.save');
  if (bytes.length < 10 || latin1(bytes.subarray(0, 6)) !== '\x93NUMPY')
    throw fail('is not a .npy file: it does not begin with \\x93NUMPY');
  const version = bytes[6];
  if (version < 1 || version > 3) throw fail(`has .npy format version ${version}: expected 1, 2 or 3`);
  const start = version === 1 ? 10 : 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end =
    start + (version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? Infinity : view.getUint32(8, true));
  if (end > bytes.length)
    throw fail(`is truncated: its header should end at byte ${end}, the file has ${bytes.length}`);

  // The header is a Python dictionary literal with exactly these three keys.
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const tuple = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (order === undefined || tuple === undefined)
    throw fail(`has a header that cannot be read: ${header.trim().slice(0, 100)}`);
  if (descr === undefined || !Object.hasOwn(dtypes, descr)) {
    throw fail(
      `holds numbers of type ${descr ?? 'record'}: expected ${Object.values(dtypes)
        .map(({ dtype }) => dtype)
        .join(', ')}, little-endian`,
    );
  }
  const { dtype, size } = dtypes[descr];
  const shape = tuple
    .split(',')
    .filter((word) => word.trim() !== '')
    .map(Number);
  const count = shape.reduce((product, length) => product * length, 1);
  const actual = bytes.length - end;
  if (actual !== count * size) {
    throw fail(
      `${actual < count * size ? 'is truncated' : 'has something after the array'}: shape ` +
        `[${shape.join(', ')}] of ${dtype} takes ${count * size} bytes, there are ${actual}`,
    );
  }
  return { shape, dtype, fortranOrder: order === 'True', data: numbers(bytes.subarray(end), dtype) };
}

/**
 * Float32 numbers as the bytes of a `.npy` file (version 1.0, C order): its header and its numbers, which are not
 * copied.
 *
 * @param data as many numbers as the product of `shape`, the last axis fastest
 */
export function encodeNpy(data: Float32Array, shape: readonly number[]): Uint8Array[] {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count !== data.length)
    throw new RangeError(`shape [${shape.join(', ')}] has ${count} elements, the data has ${data.length}`);
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  // numpy pads the header so that the numbers begin at a multiple of 64 bytes.
  const padded = dictionary.padEnd(Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 11) + '\n';
  const header = Uint8Array.from(`\x93NUMPY\x01\x00\x00\x00${padded}`, (character) => character.charCodeAt(0));
  new DataView(header.buffer).setUint16(8, padded.length, true);
  return [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Copies, since the numbers in the file need not be aligned. */
function numbers(bytes: Uint8Array, dtype: NpyDtype): NpyArray['data'] {
  const buffer = new Uint8Array(bytes).buffer;
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), widen);
  }
}

/** The value of an IEEE 754 binary16 number. */
function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
