import { foreignFormat } from '../../audio/foreign.js';
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
  f2: { dtype: 'float16', size: 2 },
  f4: { dtype: 'float32', size: 4 },
  f8: { dtype: 'float64', size: 8 },
  i2: { dtype: 'int16', size: 2 },
};

/** Other types by the letter of their kind, as numpy has them. */
const otherKinds: Readonly<Record<string, string>> = {
  b: 'truth values',
  i: 'integers',
  u: 'unsigned integers',
  f: 'floats',
  c: 'complex numbers',
  S: 'bytes',
  U: 'text',
  O: 'Python objects',
  V: 'records',
  M: 'dates',
  m: 'spans of time',
};

/**
 * The array in the bytes of a `.npy` file, format versions 1 to 3 (numpy.lib.format), also as Python 2 wrote them:
 * float16, float32, float64 or int16 in either byte order, C or Fortran order.
 *
 * @param path names the file in messages
 * @throws TtsError ERR_NPY_FORMAT if it is not such a file, is truncated, or has something after the array.
 */
export function decodeNpy(bytes: Uint8Array, path: string): NpyArray {
  const fail = (message: string) => new TtsError('ERR_NPY_FORMAT', `${path} ${message}`);
  if (bytes.length === 0) throw fail('is empty: expected a .npy file');
  if (bytes.length < 10 || latin1(bytes.subarray(0, 6)) !== '\x93NUMPY') {
    const foreign = foreignFormat(bytes, path);
    throw fail(
      foreign === undefined
        ? 'is not a .npy file: it does not begin with \\x93NUMPY'
        : `is ${foreign.what}: expected a single array, saved with numpy.save; ${foreign.advice}`,
    );
  }
  const version = bytes[6];
  if (version < 1 || version > 3) throw fail(`has .npy format version ${version}: expected 1, 2 or 3`);
  const start = version === 1 ? 10 : 12;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end =
    start + (version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? Infinity : view.getUint32(8, true));
  if (end > bytes.length)
    throw fail(`is truncated: its header should end at byte ${end}, the file has ${bytes.length}`);

  const { descr, fortranOrder, shape } = parseHeader(bytes.subarray(start, end), fail);
  const kind = dtypes[descr.slice(1)];
  if (!/^[<>=]$/.test(descr[0]) || kind === undefined)
    throw fail(
      `holds ${otherKinds[descr.replace(/^[<>|=]/, '')[0]] ?? 'numbers'} (type ${descr}): expected ` +
        `${Object.values(dtypes)
          .map(({ dtype }) => dtype)
          .join(', ')}; in Python: numpy.save(FILE, array.astype('float32'))`,
    );
  const { dtype, size } = kind;
  const count = shape.reduce((product, length) => product * length, 1);
  const actual = bytes.length - end;
  if (actual !== count * size) {
    throw fail(
      `${actual < count * size ? 'is truncated' : 'has something after the array'}: shape ` +
        `[${shape.join(', ')}] of ${dtype} takes ${count * size} bytes, there are ${actual}`,
    );
  }
  return { shape, dtype, fortranOrder, data: numbers(bytes.subarray(end), dtype, size, descr[0] === '>') };
}

/** The header is a Python dictionary literal with exactly three keys; Python 2 wrote u'<f4' and lengths such as 80L. */
function parseHeader(
  bytes: Uint8Array,
  fail: (message: string) => TtsError,
): { descr: string; fortranOrder: boolean; shape: number[] } {
  const header = new TextDecoder().decode(bytes);
  const values = dictionaryOf(header);
  const descr = /^u?['"](.+)['"]$/.exec(values?.get('descr') ?? '')?.[1];
  const order = /^(True|False)$/.exec(values?.get('fortran_order') ?? '')?.[1];
  const tuple = /^\(([^]*)\)$/.exec(values?.get('shape') ?? '')?.[1];
  const lengths = tuple?.split(',').map((word) => word.trim()) ?? [''];
  // A tuple of one length ends with a comma, one of none is empty.
  if (lengths.at(-1) === '') lengths.pop();
  const shape = lengths.map((word) => (/^\d+L?$/.test(word) ? parseInt(word, 10) : NaN));
  if (order === undefined || tuple === undefined || !shape.every(Number.isSafeInteger))
    throw fail(`has a header that cannot be read: ${header.trim().slice(0, 100)}`);
  if (descr === undefined)
    throw fail('holds records with fields: expected one array of floats, such as numpy.save(FILE, array[FIELD])');
  return { descr, fortranOrder: order === 'True', shape };
}

/**
 * The three entries of the dictionary, as they are written; undefined for what numpy does not take for a header:
 * another key, a key twice, something behind it.
 */
function dictionaryOf(header: string): Map<string, string> | undefined {
  // Other spaces are none to Python.
  const space = '[ \\t\\f\\r\\n]';
  const key = `u?(?:'(\\w+)'|"(\\w+)")`;
  const value = `u?'[^']*'|u?"[^"]*"|True|False|\\((?:[\\d,L]|${space})*\\)|\\[[^{}:]*\\]`;
  const entry = new RegExp(`${key}${space}*:${space}*(${value})${space}*(?:,${space}*|(?=\\}))`, 'y');
  const values = new Map<string, string>();
  entry.lastIndex = new RegExp(`^${space}*\\{${space}*`).exec(header)?.[0].length ?? header.length;
  let end = entry.lastIndex;
  for (let found = entry.exec(header); found !== null; found = entry.exec(header)) {
    const name = found[1] ?? found[2];
    if (values.has(name)) return undefined;
    values.set(name, found[3]);
    end = entry.lastIndex;
  }
  const whole = values.size === 3 && ['descr', 'fortran_order', 'shape'].every((name) => values.has(name));
  return whole && new RegExp(`^\\}${space}*$`).test(header.slice(end)) ? values : undefined;
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
function numbers(bytes: Uint8Array, dtype: NpyDtype, size: number, bigEndian: boolean): NpyArray['data'] {
  const copy = new Uint8Array(bytes);
  if (bigEndian) for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
  const { buffer } = copy;
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
