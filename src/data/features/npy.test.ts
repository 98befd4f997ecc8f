import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { TtsError } from '../../base/errors.js';
import { readNpy, writeNpy } from './files.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npy-'));
});
after(() => rm(folder, { recursive: true }));

async function save(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'array.npy');
  await writeFile(path, bytes);
  return path;
}

/** A .npy file made by hand, as numpy.lib.format describes it. */
function npy(header: string, data: ArrayBuffer, version = 1): Buffer {
  const text = Buffer.from(`${header}\n`, 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    length,
    text,
    Buffer.from(data),
  ]);
}
const dictionary = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const three = Float32Array.of(1, 2, 3).buffer;

test('what is written is read back: values, shape, type', async () => {
  const path = join(folder, 'written.npy');
  const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  for (const shape of [[24], [4, 6], [2, 3, 4]]) {
    await writeNpy(path, data, shape);
    assert.deepEqual(await readNpy(path), { shape, dtype: 'float32', fortranOrder: false, data });
  }
  assert.equal((await readFile(path)).length, 128 + 96);
});

test('a written file is what numpy 2 writes, byte for byte', async () => {
  // numpy.save('x.npy', numpy.arange(6, dtype='float32').reshape(2, 3))
  const numpy = Buffer.from(
    "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(127) + '\n',
    'latin1',
  );
  const path = join(folder, 'arange.npy');
  await writeNpy(path, Float32Array.of(0, 1, 2, 3, 4, 5), [2, 3]);
  assert.deepEqual(await readFile(path), Buffer.concat([numpy, Buffer.from(Float32Array.of(0, 1, 2, 3, 4, 5).buffer)]));
});

test('a view into a larger buffer is written alone', async () => {
  const path = join(folder, 'view.npy');
  await writeNpy(path, Float32Array.of(1, 2, 3, 4).subarray(1, 3), [2, 1]);
  assert.deepEqual([...(await readNpy(path)).data], [2, 3]);
});

test('a shape that does not fit the data is a RangeError, and nothing is written', async () => {
  await assert.rejects(writeNpy(join(folder, 'misfit.npy'), new Float32Array(5), [2, 3]), RangeError);
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith('misfit')));
});

test('float64, float16 and int16, scalars, Fortran order and versions 2 and 3 are read', async () => {
  const f8 = await readNpy(await save(npy(dictionary('<f8', '(2, 1)'), Float64Array.of(0.1, -1e300).buffer, 2)));
  assert.deepEqual(f8, { shape: [2, 1], dtype: 'float64', fortranOrder: false, data: Float64Array.of(0.1, -1e300) });
  const i2 = await readNpy(await save(npy(dictionary('<i2', '(2,)'), Int16Array.of(-32768, 7).buffer, 3)));
  assert.deepEqual(i2, { shape: [2], dtype: 'int16', fortranOrder: false, data: Int16Array.of(-32768, 7) });
  const f2 = await readNpy(
    await save(
      npy(
        dictionary('<f2', '(8,)', 'True'),
        Uint16Array.of(0, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0xfc00, 0x7e00).buffer,
      ),
    ),
  );
  assert.deepEqual([...f2.data], [0, 1, -2, 65504, 2 ** -24, 0.333251953125, -Infinity, NaN]);
  assert.equal(f2.fortranOrder, true);
  assert.deepEqual((await readNpy(await save(npy(dictionary('<f4', '()'), Float32Array.of(5).buffer)))).shape, []);
  assert.deepEqual((await readNpy(await save(npy(dictionary('<f4', '(0, 80)'), new ArrayBuffer(0))))).shape, [0, 80]);
});

test('headers of Python 2, and big-endian numbers of every type, have the right values', async () => {
  const old = "{u'descr': u'<f4', 'fortran_order': False, 'shape': (3L, 1L), }".replaceAll("u'descr'", "'descr'");
  const read = await readNpy(await save(npy(old, three)));
  assert.deepEqual([read.shape, [...read.data]], [[3, 1], [...new Float32Array(three)]]);
  const swapped = (array: ArrayBufferView, size: number) => {
    const bytes = new Uint8Array(array.buffer.slice(0));
    for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
    return bytes.buffer as ArrayBuffer;
  };
  const cases: [string, ArrayBufferView, number, number[]][] = [
    ['>f4', Float32Array.of(1.5, -2), 4, [1.5, -2]],
    ['>f8', Float64Array.of(0.1, -1e300), 8, [0.1, -1e300]],
    ['>i2', Int16Array.of(-32768, 7), 2, [-32768, 7]],
    ['>f2', Uint16Array.of(0x3c00, 0xc000), 2, [1, -2]],
  ];
  for (const [type, values, size, expected] of cases)
    assert.deepEqual(
      [...(await readNpy(await save(npy(dictionary(type, '(2,)'), swapped(values, size))))).data],
      expected,
    );
});

const valid = npy(dictionary('<f4', '(3,)'), three);
const broken: [string, Buffer, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /is empty/],
  ['text', Buffer.from('frame,bin\n1,2\n'), /is text: expected a single array/],
  ['an .npz archive', Buffer.from('PK\x03\x04 and so on', 'latin1'), /zip archive.*numpy\.save/],
  [
    'version 9',
    Buffer.concat([valid.subarray(0, 6), Buffer.from([9]), valid.subarray(7)]),
    /version 9: expected 1, 2 or 3/,
  ],
  ['a header cut short', valid.subarray(0, 30), /truncated: its header/],
  [
    'numbers cut short',
    valid.subarray(0, valid.length - 2),
    /truncated: shape \[3\] of float32 takes 12 bytes, there are 10/,
  ],
  ['numbers to spare', Buffer.concat([valid, Buffer.alloc(4)]), /something after.*takes 12 bytes, there are 16/],
  [
    'integers of 64 bits',
    npy(dictionary('<i8', '(3,)'), new ArrayBuffer(24)),
    /holds integers \(type <i8\): expected float16, float32, float64, int16; .*astype/,
  ],
  ['truth values', npy(dictionary('|b1', '(12,)'), three), /holds truth values \(type \|b1\)/],
  ['complex numbers', npy(dictionary('<c8', '(3,)'), new ArrayBuffer(24)), /holds complex numbers/],
  ['a space that Python does not know', npy(`${dictionary('<f4', '(3,)')}\v`, three), /header that cannot be read/],
  ['two lengths without a comma', npy(dictionary('<f4', '(3 1)'), three), /header that cannot be read/],
  ['pickled objects', npy(dictionary('|O', '(3,)'), three), /holds Python objects \(type \|O\)/],
  ['records', npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", three), /holds records/],
  ['a header of nonsense', npy('hello', three), /cannot be read: hello/],
  ['a negative length', npy(dictionary('<f4', '(-3,)'), three), /header that cannot be read/],
];
for (const [what, bytes, pattern] of broken) {
  test(`${what} is refused`, async () => {
    const path = await save(bytes);
    await assert.rejects(
      readNpy(path),
      (error) =>
        error instanceof TtsError &&
        error.code === 'ERR_NPY_FORMAT' &&
        pattern.test(error.message) &&
        error.message.startsWith(path),
    );
  });
}

test('a file that is not there is refused by name', async () => {
  await assert.rejects(
    readNpy(join(folder, 'nowhere.npy')),
    (error) => error instanceof TtsError && error.code === 'ERR_FILE_NOT_FOUND',
  );
});
