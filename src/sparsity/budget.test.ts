import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import { apportion, budgetGroups, perMatrix, selectHighest, totalBlocks } from './budget.js';
import { highest, keptBlocks, type Mask } from './mask.js';

const gru = { name: 'recurrent', rows: 3 * 64, columns: 64, block: { rows: 16, columns: 1 }, density: 0.1, gates: 3 };
const matrices = [
  gru,
  { name: 'hidden', rows: 32, columns: 32, block: { rows: 16, columns: 1 }, density: 0.25 },
  { name: 'logits', rows: 256, columns: 32, block: { rows: 16, columns: 1 }, density: 0.05 },
];
const count = (mask: Mask, start = 0, end = mask.length) =>
  mask.subarray(start, end).reduce((sum, bit) => sum + bit, 0);

/** What `highest` says it does, by sorting. */
function sorted(scores: Float64Array | Float32Array, kept: number): Mask {
  const mask = new Uint8Array(scores.length);
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
  for (const block of order.slice(0, kept)) mask[block] = 1;
  return mask;
}

test('the highest scores are kept, of equal ones the first', () => {
  assert.deepEqual([...highest(Float64Array.of(1, 3, 3, 2, 3), 2)], [0, 1, 1, 0, 0]);
  assert.equal(count(highest(Float64Array.of(1, 2), 0)), 0);
  assert.equal(count(highest(Float64Array.of(1, 2), 5)), 2);
  const random = new RandomStream(1, 0);
  const kinds: [string, () => number][] = [
    ['different', () => random.normal()],
    ['few values', () => random.below(3)],
    ['mostly zero', () => (random.below(10) === 0 ? random.normal() : 0)],
    ['infinite', () => [-Infinity, 0, Infinity][random.below(3)]],
  ];
  for (const [name, draw] of kinds) {
    for (let round = 0; round < 60; round++) {
      const length = 1 + random.below(200);
      const scores = round % 2 === 0 ? Float64Array.from({ length }, draw) : Float32Array.from({ length }, draw);
      const kept = random.below(length + 1);
      assert.deepEqual(highest(scores, kept), sorted(scores, kept), `${name}, ${kept} of ${length}`);
    }
  }
  for (const order of [(i: number) => i, (i: number) => -i, (i: number) => Math.min(i, 999 - i)]) {
    const scores = Float64Array.from({ length: 1000 }, (_, i) => order(i));
    assert.deepEqual(highest(scores, 100), sorted(scores, 100));
  }
});

test('scores that are not numbers are refused', () => {
  assert.throws(() => highest(Float32Array.of(1, NaN, 2), 2), /block 1 is not a number/);
});

test('the highest of a million equal or ordered scores are found without delay', () => {
  for (const value of [() => 0, (i: number) => i, (i: number) => i % 2]) {
    const scores = Float32Array.from({ length: 1_000_000 }, (_, i) => value(i));
    assert.equal(count(highest(scores, 50_000)), 50_000);
  }
});

test('numbers are apportioned exactly, in proportion, within bounds', () => {
  assert.deepEqual(apportion(10, [1, 1, 1], [10, 10, 10]), [4, 3, 3]);
  assert.deepEqual(apportion(7, [2, 4, 8], [10, 10, 10]), [1, 2, 4]);
  assert.deepEqual(apportion(10, [1, 1, 100], [10, 10, 4]), [3, 3, 4]);
  assert.deepEqual(apportion(10, [1e-9, 1, 1e9], [10, 10, 10]), [1, 1, 8]);
  assert.deepEqual(apportion(6, [5, 1, 1], [2, 2, 2]), [2, 2, 2]);
  assert.throws(() => apportion(7, [1, 1], [3, 3]), /cannot keep 7 blocks in 2 groups of 6/);
  assert.throws(() => apportion(1, [1, 1], [3, 3]), RangeError);
  const random = new RandomStream(2, 0);
  for (let round = 0; round < 300; round++) {
    const groups = 1 + random.below(8);
    const capacities = Array.from({ length: groups }, () => 1 + random.below(50));
    const shares = capacities.map(() => Math.exp(3 * random.normal()));
    const most = capacities.reduce((a, b) => a + b);
    const total = groups + random.below(most - groups + 1);
    const counts = apportion(total, shares, capacities);
    assert.equal(
      counts.reduce((a, b) => a + b),
      total,
    );
    counts.forEach((value, i) => assert.ok(Number.isInteger(value) && value >= 1 && value <= capacities[i]));
  }
});

test('shares that are the counts give the counts back', () => {
  const counts = [1474, 1475, 1474, 921, 512, 7];
  assert.deepEqual(
    apportion(
      counts.reduce((a, b) => a + b),
      counts,
      counts.map((value) => 10 * value),
    ),
    counts,
  );
});

for (const kind of ['network', 'layer', 'gate'] as const) {
  test(`a budget per ${kind} keeps exactly the blocks that the densities ask for, in every group`, () => {
    const groups = budgetGroups(matrices, kind);
    const wanted = matrices.map((matrix) => keptBlocks(matrix, matrix.density));
    assert.deepEqual(
      groups.map(({ name }) => name),
      {
        network: ['network'],
        layer: ['recurrent', 'hidden', 'logits'],
        gate: ['recurrent/0', 'recurrent/1', 'recurrent/2', 'hidden', 'logits'],
      }[kind],
    );
    const random = new RandomStream(3, 0);
    // Scores with a different mean in each part, so that only the budget can bring the counts about.
    const scores = Float32Array.from({ length: totalBlocks(matrices) }, (_, i) => random.normal() + i / 100);
    const mask = selectHighest(scores, groups);
    assert.equal(
      count(mask),
      wanted.reduce((a, b) => a + b),
    );
    for (const { start, end, kept } of groups) assert.equal(count(mask, start, end), kept);
    if (kind !== 'network')
      assert.deepEqual(
        perMatrix(mask, matrices).map((part) => count(part)),
        wanted,
      );
    // 76.8 of 768 blocks are 77: 26 + 26 + 25.
    if (kind === 'gate')
      assert.deepEqual(
        groups.map(({ kept }) => kept),
        [26, 26, 25, 16, 26],
      );
  });
}

test('budgets that cannot be are refused', () => {
  assert.throws(
    () => budgetGroups([{ ...gru, gates: 5 }], 'gate'),
    /12 block rows of recurrent do not divide into 5 gates/,
  );
  assert.throws(
    () => budgetGroups([gru, { ...matrices[1], block: { rows: 4, columns: 2 } }], 'network'),
    /blocks of 16 and 8 weights cannot share one budget/,
  );
});
