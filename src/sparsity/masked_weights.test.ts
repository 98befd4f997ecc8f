import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import type { BlockMatrix } from '../kernels/interface/blocks.js';
import type { Revival } from './chooser.js';
import { forEachBlock, highest, type Mask, maskOf } from './mask.js';
import { blockMeans, MaskedWeights } from './masked_weights.js';

const random = new RandomStream(8, 0);
const shapes = [
  { rows: 32, columns: 12, block: { rows: 16, columns: 1 } },
  { rows: 8, columns: 12, block: { rows: 4, columns: 4 } },
  { rows: 6, columns: 5, block: { rows: 1, columns: 1 } },
];
type Shape = (typeof shapes)[number];
const blocksOf = ({ rows, columns, block }: Shape) => (rows * columns) / (block.rows * block.columns);
const randomMask = (shape: Shape, kept = Math.ceil(blocksOf(shape) / 3)): Mask =>
  highest(
    Float64Array.from({ length: blocksOf(shape) }, () => random.normal()),
    kept,
  );
const randomMasks = (shape: Shape, members: number): Mask[] => Array.from({ length: members }, () => randomMask(shape));

/** The values of each stored block, by block. */
function byBlock(matrix: BlockMatrix, values = matrix.values): Map<number, number[]> {
  const size = matrix.blockRows * matrix.blockColumns;
  const blocks = new Map<number, number[]>();
  forEachBlock(matrix, (block, position) =>
    blocks.set(block, [...values.subarray(position * size, (position + 1) * size)]),
  );
  return blocks;
}

function filled(shape: Shape, masks: Mask[], revive: Revival): MaskedWeights {
  const weights = new MaskedWeights(shape, masks, revive);
  weights.initialise(() => random.normal());
  for (const kind of ['first', 'second', 'average'] as const)
    weights.state[kind].forEach((_, i, array) => (array[i] = random.normal()));
  return weights;
}

for (const shape of shapes) {
  const name = `${shape.block.rows}×${shape.block.columns}`;
  const size = shape.block.rows * shape.block.columns;

  test(`${name}: the union is stored, and each member computes with its own part of it`, () => {
    const masks = randomMasks(shape, 4);
    const weights = filled(shape, masks, 'zero');
    assert.deepEqual(
      maskOf(weights.matrix),
      masks.reduce((a, b) => a.map((bit, i) => bit | b[i])),
    );
    assert.equal(weights.matrix.values, weights.state.weights);
    weights.state.weights.forEach((_, i, array) => (array[i] = random.normal()));
    weights.gather();
    const shared = byBlock(weights.matrix);
    weights.members.forEach((member, m) => {
      assert.deepEqual(maskOf(member), masks[m]);
      for (const [block, values] of byBlock(member)) assert.deepEqual(values, shared.get(block));
    });
  });

  test(`${name}: gradients are the mean over the members that have a block`, () => {
    const masks = randomMasks(shape, 4);
    const weights = filled(shape, masks, 'zero');
    const gradients = weights.members.map(({ values }) => Float32Array.from(values, () => random.normal()));
    const into = new Float32Array(weights.matrix.values.length).fill(9);
    weights.scatter(gradients, into);
    const perMember = weights.members.map((member, m) => byBlock(member, gradients[m]));
    for (const [block, values] of byBlock(weights.matrix, into)) {
      const holders = perMember.flatMap((member) => (member.has(block) ? [member.get(block)!] : []));
      values.forEach((value, i) =>
        assert.ok(Math.abs(value - holders.reduce((sum, gradient) => sum + gradient[i] / holders.length, 0)) < 1e-6),
      );
    }
  });

  test(`${name}: equal masks share the union itself`, () => {
    const mask = randomMask(shape);
    for (const members of [1, 3]) {
      const weights = filled(shape, Array<Mask>(members).fill(mask), 'zero');
      assert.ok(weights.members.length === members && weights.members.every((member) => member === weights.matrix));
      const gradients = weights.members.map((_, m) => new Float32Array(weights.matrix.values.length).fill(m));
      const into = new Float32Array(weights.matrix.values.length);
      weights.scatter(gradients, into);
      assert.ok(into.every((value) => Math.abs(value - (members - 1) / 2) < 1e-6));
      assert.equal(weights.deployed(mask, 'weights').values, weights.state.weights);
      assert.equal(weights.deployed(mask, 'average').values, weights.state.average);
    }
  });

  for (const revive of ['moments', 'weights', 'zero'] as const) {
    test(`${name}: blocks that stay keep everything, those that come back have ${revive}`, () => {
      const [before, between] = [randomMasks(shape, 2), randomMasks(shape, 2)];
      const weights = filled(shape, before, revive);
      const old = { shape: weights.matrix, ...weights.state };
      const values = (matrix: BlockMatrix, array: Float32Array) => byBlock(matrix, array);
      weights.remask(between);
      const zeros = Array<number>(size).fill(0);
      for (const kind of ['weights', 'first', 'second', 'average'] as const) {
        const then = values(old.shape, old[kind]);
        for (const [block, now] of values(weights.matrix, weights.state[kind]))
          assert.deepEqual(now, then.get(block) ?? zeros);
      }
      weights.remask(before);
      const stayed = maskOf(weights.matrix).map((bit, block) => bit & (between[0][block] | between[1][block]));
      for (const kind of ['weights', 'first', 'second', 'average'] as const) {
        const then = values(old.shape, old[kind]);
        // What came back has what it had when it went; the average begins again at the weights.
        const comesBack = kind === 'weights' || kind === 'average' ? revive !== 'zero' : revive === 'moments';
        const remembered = comesBack
          ? values(old.shape, kind === 'average' ? old.weights : old[kind])
          : new Map<number, number[]>();
        for (const [block, now] of values(weights.matrix, weights.state[kind]))
          assert.deepEqual(now, stayed[block] ? then.get(block) : (remembered.get(block) ?? zeros));
      }
      assert.ok(stayed.some((bit) => bit === 0 && maskOf(weights.matrix)[0] !== undefined));
    });

    test(`${name}: the deployed matrix and the magnitudes see blocks as they would come back (${revive})`, () => {
      const before = randomMasks(shape, 2);
      const weights = filled(shape, before, revive);
      const old = byBlock(weights.matrix);
      weights.remask(randomMasks(shape, 2));
      const now = byBlock(weights.matrix);
      const averages = byBlock(weights.matrix, weights.state.average);
      const zeros = Array<number>(size).fill(0);
      const expected = (block: number, present: Map<number, number[]>) =>
        present.get(block) ?? (revive !== 'zero' ? old.get(block) : undefined) ?? zeros;
      const mask = randomMask(shape);
      const deployed = weights.deployed(mask, 'weights');
      assert.deepEqual(maskOf(deployed), mask);
      for (const [block, values] of byBlock(deployed)) assert.deepEqual(values, expected(block, now));
      for (const [block, values] of byBlock(weights.deployed(mask, 'average')))
        assert.deepEqual(values, expected(block, averages));
      weights
        .magnitudes()
        .forEach((mean, block) => assert.equal(mean, blockMeans(Float32Array.from(expected(block, now)), size)[0]));
    });

    test(`${name}: saved arrays restore everything, and training goes on the same (${revive})`, () => {
      for (const masks of [randomMasks(shape, 3), Array<Mask>(3).fill(randomMask(shape)), randomMasks(shape, 1)]) {
        const one = filled(shape, randomMasks(shape, 3), revive);
        one.remask(masks);
        const other = new MaskedWeights(shape, randomMasks(shape, 3), revive);
        other.fromArrays(new Map([...one.toArrays()].map(([key, array]) => [key, array.slice()])), masks.length);
        const check = () => {
          assert.deepEqual(other.matrix, one.matrix);
          assert.deepEqual(other.state, one.state);
          assert.deepEqual(other.members, one.members);
          assert.deepEqual(other.toArrays(), one.toArrays());
        };
        check();
        assert.equal(other.matrix.values, other.state.weights);
        const next = randomMasks(shape, 3);
        for (const each of [one, other]) each.remask(next);
        check();
      }
    });
  }
}

test('arrays that are missing or of another size are refused', () => {
  const weights = filled(shapes[0], randomMasks(shapes[0], 2), 'moments');
  const arrays = weights.toArrays();
  for (const name of [
    'weights',
    'first',
    'second',
    'average',
    'rowStart',
    'column',
    'store/weights',
    'store/second',
    'member1',
  ]) {
    const less = new Map(arrays);
    less.delete(name);
    assert.throws(() => weights.fromArrays(less, 2), RangeError, name);
  }
  assert.throws(
    () => weights.fromArrays(new Map([...arrays, ['second', new Float32Array(3)]]), 2),
    /second has 3 elements, expected/,
  );
});
