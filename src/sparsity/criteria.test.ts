import assert from 'node:assert/strict';
import test from 'node:test';
import { budgetGroups } from './budget.js';
import type { MaskedMatrix } from './chooser.js';
import { BlockFacts, standardised, statistics } from './criteria.js';

const matrices: MaskedMatrix[] = [
  { name: 'a', rows: 8, columns: 3, block: { rows: 4, columns: 1 }, density: 0.5 },
  { name: 'b', rows: 4, columns: 2, block: { rows: 4, columns: 1 }, density: 0.5 },
];
const groups = budgetGroups(matrices, 'layer');
const first = Uint8Array.of(1, 1, 0, 0, 1, 0, 0, 1);
const view = (magnitudes: number[], gradients: number[]) => {
  const split = (values: number[]) => [Float32Array.from(values.slice(0, 6)), Float32Array.from(values.slice(6))];
  // Each of the four weights of a block has the gradient.
  const weights = (values: Float32Array) => Float32Array.from({ length: 4 * values.length }, (_, i) => values[i >> 2]);
  return {
    magnitudes: () => split(magnitudes),
    gradients: () => split(gradients).map(weights),
    losses: () => assert.fail('facts are not judged'),
  };
};
const magnitudes = [1, 2, 0, 4, 8, 0, 3, 5];

test('statistics have mean 0 and variance 1 over the blocks that count, in every group, and are 0 elsewhere', () => {
  const facts = new BlockFacts(matrices, 0, first);
  facts.look(view(magnitudes, [1, 2, 3, 4, 5, 6, 7, 8]));
  for (const among of [undefined, first]) {
    const values = standardised(statistics[0], facts, groups, among);
    for (const { start, end } of groups) {
      const counted = [...values.subarray(start, end)].filter((_, i) => !among || among[start + i]);
      if (counted.length < 2) continue;
      assert.ok(Math.abs(counted.reduce((a, b) => a + b, 0)) < 1e-5);
      assert.ok(Math.abs(counted.reduce((sum, value) => sum + value ** 2, 0) / counted.length - 1) < 1e-5);
    }
    values.forEach((value, block) => assert.ok(!among || among[block] || value === 0));
  }
  // Of the blocks 0, 1 and 4 the magnitudes are 1, 2, 8: logarithms in the ratio 0 : 1 : 3.
  const [zero, one, , , four] = standardised(statistics[0], facts, groups, first);
  assert.ok(Math.abs((four - zero) / (one - zero) - 3) < 0.02);
});

test('statistics without differences say nothing, and outliers are cut', () => {
  const facts = new BlockFacts(matrices, 0, first);
  facts.look(view(Array(8).fill(0.1), Array(8).fill(0)));
  for (const statistic of statistics.filter(({ name }) => /magnitude|gradient/.test(name)))
    assert.ok(standardised(statistic, facts, groups).every((value) => value === 0));
  const wide: MaskedMatrix[] = [{ name: 'w', rows: 4, columns: 100, block: { rows: 4, columns: 1 }, density: 0.5 }];
  const many = new BlockFacts(wide, 0, new Uint8Array(100).fill(1));
  const one = Float32Array.from({ length: 100 }, (_, i) => (i === 5 ? 1e6 : 1));
  many.look({ ...view([], []), magnitudes: () => [one], gradients: () => [new Float32Array(400)] });
  assert.equal(Math.max(...standardised(statistics[0], many, budgetGroups(wide, 'layer'))), 4);
});

test('gradients are averaged over the generations, the first alone, and those that are not finite passed over', () => {
  const facts = new BlockFacts(matrices, 0.5, first);
  facts.look(view(magnitudes, Array(8).fill(4)));
  assert.deepEqual([...facts.gradients], Array(8).fill(4));
  facts.look(view(magnitudes, [0, 8, NaN, Infinity, 4, 4, 4, 4]));
  assert.deepEqual([...facts.gradients], [2, 6, 4, 4, 4, 4, 4, 4]);
  // Each weight's gradient is averaged with its sign: what alternates is small.
  facts.look(view(magnitudes, Array(8).fill(-4)));
  assert.deepEqual([...facts.gradients], [1, 1, 0, 0, 0, 0, 0, 0]);
});

test('ages and shares of lines follow the mask that is trained', () => {
  const facts = new BlockFacts(matrices, 0, first);
  assert.deepEqual(facts.trained, first);
  facts.train(Uint8Array.of(1, 1, 0, 0, 1, 0, 1, 0));
  facts.train(Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 0));
  assert.deepEqual([...facts.ages], [2, 0, 1, 0, 2, 0, 2, 0]);
  // a is two block rows of three blocks, of which 2 and 1 are trained; b one block row of two.
  const [third, twoThirds] = [1 / 3, 2 / 3].map(Math.fround);
  assert.deepEqual([...facts.lineShares('row')], [twoThirds, twoThirds, twoThirds, third, third, third, 0.5, 0.5]);
  assert.deepEqual([...facts.lineShares('column')], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 0]);
});
