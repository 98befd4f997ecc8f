import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import type { BlockMatrix } from '../kernels/interface/blocks.js';
import type { BlockView } from './chooser.js';
import { fixedMasks } from './fixed.js';
import { blockCount, carryOver, correspondence, highest, keptBlocks, maskOf, pack } from './mask.js';
import { blockMeans } from './masked_weights.js';
import { cubicDensity, cubicPruning } from './pruning.js';

const shape = { rows: 64, columns: 24, block: { rows: 16, columns: 1 } };
const matrices = [
  { name: 'a', ...shape, density: 0.1 },
  { name: 'b', rows: 32, columns: 32, block: { rows: 4, columns: 4 }, density: 0.25 },
];
const count = (mask: Uint8Array) => mask.reduce((sum, bit) => sum + bit, 0);

/** Mean |w| of each block; 0 for blocks that are not stored. */
function magnitudes(matrix: BlockMatrix): Float32Array {
  const stored = blockMeans(matrix.values, matrix.blockRows * matrix.blockColumns);
  let position = 0;
  return Float32Array.from(maskOf(matrix), (bit) => (bit ? stored[position++] : 0));
}

const viewOf = (weights: BlockMatrix[]): BlockView => ({
  magnitudes: () => weights.map(magnitudes),
  gradients: () => assert.fail('asked for gradients'),
  losses: () => assert.fail('asked for losses'),
});

function withRandomValues(matrix: BlockMatrix): BlockMatrix {
  const random = new RandomStream(3, 0);
  matrix.values.forEach((_, i) => (matrix.values[i] = random.normal()));
  return matrix;
}

test('a packed matrix has the mask it was packed from', () => {
  for (const [i, mask] of fixedMasks(matrices, 5).initial()[0].entries()) {
    const matrix = pack(matrices[i], mask);
    assert.deepEqual(maskOf(matrix), mask);
    assert.equal(matrix.values.length, count(mask) * 16);
  }
  assert.throws(() => pack(shape, new Uint8Array(3)), /3 blocks, expected 96/);
});

test('values follow a change of the mask and new blocks are zero', () => {
  const before = withRandomValues(
    pack(
      shape,
      highest(
        Float64Array.from({ length: 96 }, (_, i) => i % 7),
        40,
      ),
    ),
  );
  const after = pack(
    shape,
    highest(
      Float64Array.from({ length: 96 }, (_, i) => i % 5),
      40,
    ),
  );
  const moved = carryOver(before.values, correspondence(before, after), 16);
  const value = (matrix: BlockMatrix, values: Float32Array, block: number) => {
    const row = Math.floor(block / 24);
    for (let k = matrix.rowStart[row]; k < matrix.rowStart[row + 1]; k++)
      if (matrix.column[k] === block % 24) return [...values.subarray(k * 16, k * 16 + 16)];
    return undefined;
  };
  let stayed = 0;
  for (let block = 0; block < 96; block++) {
    const now = value(after, moved, block);
    const then = value(before, before.values, block);
    if (now && then) stayed++;
    if (now) assert.deepEqual(now, then ?? Array(16).fill(0));
  }
  assert.ok(stayed > 5 && stayed < 40);
});

test('fixed masks have exact counts, depend on the seed and never change', () => {
  const chooser = fixedMasks(matrices, 1);
  const [masks] = chooser.initial();
  assert.deepEqual(masks.map(count), [keptBlocks(shape, 0.1), 16]);
  assert.deepEqual(fixedMasks(matrices, 1).initial()[0], masks);
  assert.notDeepEqual(fixedMasks(matrices, 2).initial()[0], masks);
  assert.deepEqual(chooser.deployed(), masks);
  assert.equal(chooser.update(100, viewOf([])), undefined);
});

test('the cubic schedule falls from 1 to the target', () => {
  const schedule = { start: 100, end: 500, every: 50 };
  assert.equal(cubicDensity(99, 0.1, schedule), 1);
  assert.equal(cubicDensity(100, 0.1, schedule), 1);
  // Half way: (1/2)³ of the way is left.
  assert.ok(Math.abs(cubicDensity(300, 0.1, schedule) - (0.1 + 0.9 / 8)) < 1e-12);
  assert.ok(Math.abs(cubicDensity(500, 0.1, schedule) - 0.1) < 1e-12);
  assert.ok(Math.abs(cubicDensity(9999, 0.1, schedule) - 0.1) < 1e-12);
});

test('pruning keeps the blocks of greatest magnitude, in shrinking sets, to the target', () => {
  const schedule = { start: 10, end: 40, every: 10 };
  const chooser = cubicPruning(matrices, schedule);
  let [masks] = chooser.initial();
  assert.deepEqual(masks.map(count), matrices.map(blockCount));
  let weights = masks.map((mask, i) => withRandomValues(pack(matrices[i], mask)));
  assert.equal(chooser.update(9, viewOf(weights)), undefined);
  assert.equal(chooser.update(15, viewOf(weights)), undefined);
  for (const step of [10, 20, 30, 40]) {
    const [next] = chooser.update(step, viewOf(weights)) ?? assert.fail();
    assert.deepEqual(chooser.deployed(), next);
    next.forEach((mask, i) => {
      assert.equal(count(mask), keptBlocks(matrices[i], cubicDensity(step, matrices[i].density, schedule)));
      const sums = magnitudes(weights[i]);
      let least = Infinity;
      let greatestGone = -Infinity;
      mask.forEach((bit, block) => {
        assert.ok(!bit || masks[i][block], 'a block came back');
        if (bit) least = Math.min(least, sums[block]);
        else greatestGone = Math.max(greatestGone, sums[block]);
      });
      assert.ok(least >= greatestGone);
    });
    weights = next.map((mask, i) => {
      const matrix = pack(matrices[i], mask);
      matrix.values.set(carryOver(weights[i].values, correspondence(weights[i], matrix), 16));
      return matrix;
    });
    masks = next;
  }
  assert.deepEqual(
    masks.map(count),
    matrices.map((matrix) => keptBlocks(matrix, matrix.density)),
  );
  assert.equal(chooser.update(50, viewOf(weights)), undefined);
});
