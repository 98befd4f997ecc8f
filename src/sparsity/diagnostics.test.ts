import assert from 'node:assert/strict';
import test from 'node:test';
import { decode } from 'fast-png';
import type { MaskedMatrix } from './chooser.js';
import { churn, MaskRecord, overlap } from './diagnostics.js';
import { maskFromBits, maskToBits } from './mask.js';
import { maskPicture } from './mask_picture.js';

const mask = (text: string) => Uint8Array.from(text, Number);
const matrices: MaskedMatrix[] = [
  { name: 'a', rows: 32, columns: 3, block: { rows: 16, columns: 1 }, density: 0.5, gates: 2 },
  { name: 'b', rows: 16, columns: 2, block: { rows: 16, columns: 1 }, density: 0.5 },
];

test('overlap is the mean over all pairs of masks', () => {
  assert.equal(overlap([mask('1100'), mask('1100')]), 1);
  assert.equal(overlap([mask('1100'), mask('0011')]), 0);
  // 1/2, 1/2 and 0 of two blocks in common.
  assert.ok(Math.abs(overlap([mask('1100'), mask('0110'), mask('0011')]) - 1 / 3) < 1e-12);
  assert.equal(overlap([mask('1100')]), 1);
});

test('churn is the share of blocks that are new', () => {
  assert.equal(churn(mask('1100'), mask('1100')), 0);
  assert.equal(churn(mask('1111'), mask('1100')), 0);
  assert.equal(churn(mask('110000'), mask('100111')), 3 / 4);
});

test('a record gives the newest figures once', () => {
  const record = new MaskRecord(matrices, mask('11100010'));
  assert.deepEqual(record.take(), {
    'masks/ever_active': 0.5,
    'masks/churn': 0,
    'masks/density/a': 0.5,
    'masks/density/a/0': 1,
    'masks/density/a/1': 0,
    'masks/density/b': 0.5,
  });
  assert.deepEqual(record.take(), {});
  record.masks(mask('11010010'), [mask('11000110'), mask('11001010')]);
  record.figure('es/spread', 0.25);
  assert.deepEqual(record.take(), {
    'masks/ever_active': 7 / 8,
    'masks/churn': 1 / 4,
    'masks/density/a': 0.5,
    'masks/density/a/0': 2 / 3,
    'masks/density/a/1': 1 / 3,
    'masks/density/b': 0.5,
    'es/overlap': 3 / 4,
    'es/spread': 0.25,
  });
  assert.deepEqual(record.deployed, mask('11010010'));
});

test('masks come back from their bits', () => {
  for (const length of [1, 31, 32, 33, 100]) {
    const one = Uint8Array.from({ length }, (_, i) => ((i * 7) % 3 === 0 ? 1 : 0));
    assert.deepEqual(maskFromBits(maskToBits(one), length), one);
  }
  assert.deepEqual([...maskToBits(mask('11'.padEnd(31, '0') + '1'))], [3 - 2 ** 31]);
  assert.throws(() => maskFromBits(new Int32Array(1), 33), /up to 32 blocks, expected 33/);
  assert.throws(() => maskFromBits(undefined, 33), RangeError);
});

test('a picture shows blocks as pixels, white where all members keep them', () => {
  const masks = [
    [mask('100010'), mask('01')],
    [mask('110000'), mask('01')],
  ];
  for (const scale of [1, 3]) {
    const { width, height, channels, data } = decode(maskPicture(matrices, masks, scale));
    assert.deepEqual([width, height, channels], [scale * 5 + 4, scale * 2, 1]);
    const grey = (matrix: number, row: number, column: number, dx: number, dy: number) =>
      data[(scale * row + dy) * width + (matrix === 0 ? 0 : 3 * scale + 4) + scale * column + dx];
    for (const [dx, dy] of [
      [0, 0],
      [scale - 1, scale - 1],
    ]) {
      assert.deepEqual(
        [0, 1, 2].map((column) => grey(0, 0, column, dx, dy)),
        [255, 128, 0],
      );
      assert.deepEqual(
        [0, 1, 2].map((column) => grey(0, 1, column, dx, dy)),
        [0, 128, 0],
      );
      assert.deepEqual(
        [0, 1].map((column) => grey(1, 0, column, dx, dy)),
        [0, 255],
      );
    }
    assert.equal(data[3 * scale], 96);
    assert.equal(data[data.length - 1], 96);
  }
});
