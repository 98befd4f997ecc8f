import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeSafetensors, encodeSafetensors, type Tensor } from './safetensors.js';

const sample = (): Map<string, Tensor> =>
  new Map<string, Tensor>([
    ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ['weights', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1.5, -0, 3e-38, Infinity) }],
    ['column', { dtype: 'U16', shape: [3], data: Uint16Array.of(0, 1, 65535) }],
    ['rowStart', { dtype: 'I32', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
    ['double', { dtype: 'F64', shape: [1, 1], data: Float64Array.of(Math.PI) }],
    ['scalar', { dtype: 'BF16', shape: [], data: Uint16Array.of(0x3f80) }],
    ['empty', { dtype: 'F32', shape: [0, 16], data: new Float32Array(0) }],
  ]);

/** A file made by hand from a header and data, with any lie in it. */
function file(header: unknown, dataBytes: number, declared?: bigint): Uint8Array {
  const json = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(json.length), true);
  bytes.set(new TextEncoder().encode(json), 8);
  return bytes;
}
const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const refuses = (bytes: Uint8Array, message: RegExp): void =>
  assert.throws(
    () => decodeSafetensors(bytes),
    (error: Error & { code?: string }) => error.code === 'ERR_VOICE_CORRUPT' && message.test(error.message),
  );

test('tensors and metadata come back as they went in', () => {
  const decoded = decodeSafetensors(encodeSafetensors(sample(), { note: 'ö "quoted"' }));
  assert.deepEqual(new Map([...decoded.tensors].sort()), new Map([...sample()].sort()));
  assert.deepEqual(decoded.metadata, { note: 'ö "quoted"' });
});

test('every tensor is aligned to its element size, the header to eight bytes', () => {
  const bytes = encodeSafetensors(sample());
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.equal(length % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  for (const [name, { data }] of sample()) assert.equal(header[name].data_offsets[0] % data.BYTES_PER_ELEMENT, 0, name);
});

test('a file at an odd address of a larger buffer is read', () => {
  const bytes = encodeSafetensors(sample());
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeSafetensors(shifted.subarray(3)).tensors, decodeSafetensors(bytes).tensors);
  assert.deepEqual(decodeSafetensors(Buffer.from(shifted.buffer, 3)).tensors, decodeSafetensors(bytes).tensors);
});

test('the same tensors in another order give the same bytes', () => {
  assert.deepEqual(encodeSafetensors(new Map([...sample()].reverse())), encodeSafetensors(sample()));
});

test('data that contradict their description are not written', () => {
  assert.throws(
    () => encodeSafetensors(new Map([['a', { dtype: 'F32', shape: [3], data: new Float32Array(2) }]])),
    /a: shape \[3\] needs 3 elements, got 2/,
  );
  assert.throws(
    () => encodeSafetensors(new Map([['a', { dtype: 'F32', shape: [2], data: new Int32Array(2) }]])),
    /needs Float32Array, got Int32Array/,
  );
});

test('a file cut anywhere is refused', () => {
  const bytes = encodeSafetensors(sample());
  for (let length = 0; length < bytes.length; length++) refuses(bytes.subarray(0, length), /safetensors/);
});

test('lies in the header are refused by name', () => {
  refuses(file({}, 0, 1n << 62n), /4611686018427387904 bytes long, the limit is 100000000/);
  refuses(file({}, 0, 50n), /needs 58 bytes, the file has 10/);
  refuses(file('[1]', 0), /not a JSON object/);
  refuses(file('{"a": ', 0), /not JSON/);
  refuses(file({ a: tensor(0, 8), b: tensor(4, 12) }, 12), /b starts at byte 4, expected 8/);
  refuses(file({ a: tensor(0, 8), b: tensor(12, 16) }, 16), /b starts at byte 12, expected 8/);
  refuses(file({ a: tensor(0, 8) }, 4), /a ends at byte 8 of 4/);
  refuses(file({ a: tensor(0, 8) }, 12), /4 bytes after the last tensor/);
  refuses(file({ a: tensor(0, 8, [3]) }, 8), /\(F32 \[3\]\) has 8 bytes, expected 12/);
  refuses(file({ a: tensor(0, 8, [2], 'F31') }, 8), /dtype "F31"/);
  refuses(file({ a: tensor(0, 8, [-2]) }, 8), /shape \[-2\]/);
  refuses(file({ a: { dtype: 'F32', shape: [2], data_offsets: [8, 0] } }, 8), /offsets \[8,0\]/);
  refuses(file({ a: 3 }, 0), /a has no description/);
  refuses(file({ __metadata__: { step: 3 } }, 0), /metadata step is not a string/);
});

test('a name that is there twice is refused, at any level', () => {
  const entry = JSON.stringify(tensor(0, 8));
  refuses(file(`{"a":${entry},"a":${entry}}`, 8), /the key "a" is there twice/);
  refuses(file(`{"a":${entry},"\\u0061":${entry}}`, 8), /the key "a" is there twice/);
  refuses(file(`{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}`, 8), /"dtype" is there twice/);
  refuses(file('{"__metadata__":{"x":"1","x":"2"}}', 0), /"x" is there twice/);
});

test('a header of any depth is refused, and no stack runs over', () => {
  for (const depth of [65, 10_000, 1_000_000]) {
    refuses(file(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`, 0), /more than 64 arrays and objects/);
    refuses(file(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`, 0), /more than 64 arrays and objects/);
  }
  refuses(file(`{"a":{"dtype":"F32","shape":[${Array(9).fill(1).join()}],"data_offsets":[0,4]}}`, 4), /at most 8/);
});

test('numbers that are words, fractions or huge are refused', () => {
  const described = (shape: string, offsets: string) =>
    file(`{"a":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`, 8);
  for (const shape of ['["2"]', '[2.5]', '[1e300]', '[1e999]', '2', '"2"', 'null', '[null]', '{"0":2,"length":1}'])
    refuses(described(shape, '[0,8]'), /tensor a has shape/);
  for (const offsets of ['["0","8"]', '[0,8.5]', '[0,1e999]', '[0]', '[0,8,8]', '8', 'null', '[8,0]', '[-1,8]'])
    refuses(described('[2]', offsets), /tensor a has offsets/);
  refuses(described('[2]', '[0,9007199254740991]'), /has 9007199254740991 bytes, expected 8/);
  refuses(described('[4503599627370496,4503599627370496]', '[0,8]'), /has 8 bytes, expected/);
  refuses(described('[0,9007199254740991]', '[0,8]'), /has 8 bytes, expected 0/);
});

test('what is said of a hostile header is one short line', () => {
  const long = 'x'.repeat(100_000);
  for (const header of [
    { [long]: 3 },
    { 'a\nb\u001b[2J': 3 },
    { a: { dtype: long, shape: [2], data_offsets: [0, 8] } },
    { a: { dtype: 'F32', shape: [long], data_offsets: [0, 8] } },
    { __metadata__: { [long]: 3 } },
  ])
    assert.throws(
      () => decodeSafetensors(file(header, 8)),
      ({ message }: Error) => message.length < 300 && !/[\n\u001b]/.test(message),
    );
});

test('what is no array of bytes is an error of the argument', () => {
  for (const wrong of [undefined, null, 'abc', new ArrayBuffer(16), [1, 2, 3]])
    assert.throws(() => decodeSafetensors(wrong as never), { code: 'ERR_ARGUMENT' });
});
