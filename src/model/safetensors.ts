import { parseBoundedJson, quoted, shortened } from '../base/bounded_json.js';
import { TtsError } from '../base/errors.js';
import { limits } from '../base/limits.js';
import type { FileKind } from '../base/output.js';

/**
 * The safetensors file format (https://github.com/huggingface/safetensors, "Format"): eight bytes with the length N of
 * the header, little endian; N bytes of JSON, from tensor name to dtype, shape and data_offsets, padded with spaces;
 * then the tensors' bytes, little endian, which the offsets must cover without holes or overlaps. `__metadata__` maps
 * strings to strings. Nothing in it executes.
 */
const arrayOf = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
} as const;

/** Element types that we read and write. F16 and BF16 are given as their 16 bits. */
export type Dtype = keyof typeof arrayOf;
export type TensorData =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** One tensor: row-major data of the given shape. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface SafetensorsFile {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}

/** The reference implementation refuses longer headers too. */
const longestHeader = 100_000_000;
const metadataKey = '__metadata__';

if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('big-endian machines are not supported');

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const bytesOf = (data: TensorData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const corrupt = (message: string): TtsError =>
  new TtsError('ERR_VOICE_CORRUPT', `not a valid safetensors file: ${message}`);

/**
 * The file as pieces to be written one after the other, so that large tensors are not copied. Tensors are ordered by
 * element size, then name, which keeps each of them aligned.
 * @throws {RangeError} when a tensor's data do not match its dtype or shape.
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const width = (tensor: Tensor): number => arrayOf[tensor.dtype].BYTES_PER_ELEMENT;
  const ordered = [...tensors].sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1));
  const header: Record<string, unknown> = { [metadataKey]: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === metadataKey) throw new RangeError(`a tensor cannot be called ${metadataKey}`);
    if (!(data instanceof arrayOf[dtype]))
      throw new RangeError(`tensor ${name}: dtype ${dtype} needs ${arrayOf[dtype].name}, got ${data.constructor.name}`);
    if (sizeOf(shape) !== data.length)
      throw new RangeError(
        `tensor ${name}: shape [${shape.join(', ')}] needs ${sizeOf(shape)} elements, got ${data.length}`,
      );
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  return [head, ...ordered.map(([, tensor]) => bytesOf(tensor.data))];
}

/** Safetensors files whose metadata say this format, as a kind of file that may be replaced by another such. */
export const safetensorsKind = (name: string, format: string): FileKind => ({
  name,
  is: (head) => head.includes(`"format":"${format}"`),
});

/** Encodes tensors and metadata as the bytes of one safetensors file. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return new Uint8Array(Buffer.concat(safetensorsChunks(tensors, metadata)));
}

/**
 * Decodes a safetensors file; the tensors are copies.
 * @throws {TtsError} ERR_VOICE_CORRUPT for anything the format does not allow: truncation, an absurd header length,
 * names that are there twice, holes, overlaps, offsets out of bounds, sizes that contradict the shape, dtypes that we
 * do not know. ERR_ARGUMENT for what is no Uint8Array.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  if (!(bytes instanceof Uint8Array))
    throw new TtsError('ERR_ARGUMENT', `the bytes of a file are ${typeof bytes}, expected a Uint8Array`);
  const { header, dataStart } = readHeader(bytes);
  const metadata = readMetadata(header[metadataKey]);
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => readEntry(name, value))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  const available = bytes.length - dataStart;
  let covered = 0;
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    if (end > available)
      throw corrupt(`tensor ${unquoted(name)} ends at byte ${end} of ${available}; the file is truncated`);
    if (begin !== covered)
      throw corrupt(
        `tensor ${unquoted(name)} starts at byte ${begin}, expected ${covered}: tensors overlap or leave a hole`,
      );
    covered = end;
    // A copied Uint8Array, since the slice() of a Buffer would be a view, at any address.
    const data = new arrayOf[dtype](new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)).buffer);
    tensors.set(name, { dtype, shape, data });
  }
  if (covered !== available) throw corrupt(`${available - covered} bytes after the last tensor`);
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw corrupt(`${bytes.length} bytes, expected at least 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > longestHeader) throw corrupt(`the header would be ${length} bytes long, the limit is ${longestHeader}`);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length)
    throw corrupt(`the header needs ${dataStart} bytes, the file has ${bytes.length}; it is truncated`);
  let header: unknown;
  try {
    // A copy: the bytes may lie in memory that others may change.
    header = parseBoundedJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(8, dataStart)));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? ` (${cause.message})` : '';
    throw new TtsError('ERR_VOICE_CORRUPT', `not a valid safetensors file: the header is not JSON${reason}`, { cause });
  }
  if (!isRecord(header)) throw corrupt('the header is not a JSON object');
  return { header, dataStart };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw corrupt('__metadata__ is not an object');
  for (const [key, text] of Object.entries(value))
    if (typeof text !== 'string') throw corrupt(`metadata ${unquoted(key)} is not a string`);
  return value as Record<string, string>;
}

function readEntry(
  name: string,
  value: unknown,
): { name: string; dtype: Dtype; shape: number[]; begin: number; end: number } {
  const called = unquoted(name);
  if (!isRecord(value)) throw corrupt(`tensor ${called} has no description`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw corrupt(`tensor ${called} has dtype ${inWords(dtype)}, expected one of ${Object.keys(arrayOf).join(', ')}`);
  if (!isSizes(shape) || shape.length > limits.dimensions.most)
    throw corrupt(
      `tensor ${called} has shape ${inWords(shape)}, expected at most ${limits.dimensions.most} whole numbers`,
    );
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw corrupt(`tensor ${called} has offsets ${inWords(offsets)}, expected two ascending whole numbers`);
  const [begin, end] = offsets;
  const expected = sizeOf(shape) * arrayOf[dtype].BYTES_PER_ELEMENT;
  if (end - begin !== expected)
    throw corrupt(`tensor ${called} (${dtype} [${shape.join(', ')}]) has ${end - begin} bytes, expected ${expected}`);
  return { name, dtype, shape, begin, end };
}

/** A name as it is, if it is short and plain; else in quotes. */
export const unquoted = (name: string): string => (/^[\w.-]{1,64}$/.test(name) ? name : quoted(name));

/** A value of the header in one line. */
function inWords(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return shortened(String(text));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isDtype = (value: unknown): value is Dtype => typeof value === 'string' && Object.hasOwn(arrayOf, value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
