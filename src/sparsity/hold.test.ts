import assert from 'node:assert/strict';
import test from 'node:test';
import { annealing, Hold, shuffledFitness } from './hold.js';

test('fitness is minus the mean loss over the hold, less that of the pair', () => {
  const hold = new Hold(2);
  hold.observe([1, 3, 10, 10]);
  hold.observe([2, 2, 20, 26]);
  // Mean losses 1.5 and 2.5; 15 and 18.
  assert.deepEqual([...hold.fitness()], [0.5, -0.5, 1.5, -1.5]);
  assert.equal(hold.steps, 2);
  hold.clear();
  hold.observe([1, 1, 1, 1]);
  assert.deepEqual([...hold.fitness()].map(Math.abs), [0, 0, 0, 0]);
});

test('a saved hold goes on; what is none, or of another population, is refused', () => {
  const hold = new Hold(2);
  hold.observe([1, 3, 10, NaN]);
  const saved: unknown = JSON.parse(JSON.stringify(hold.save()));
  const other = new Hold(2);
  other.restore(saved);
  assert.deepEqual(other.fitness(), hold.fitness());
  assert.throws(() => new Hold(3).restore(saved), /has 2 pairs, expected 3/);
  for (const wrong of [
    undefined,
    {},
    { steps: -1, sums: [0, 0], squares: [0, 0] },
    { steps: 1, sums: [0, '1'], squares: [0, 0] },
  ])
    assert.throws(() => other.restore(wrong));
});

test('spread and its noise are the mean difference of pairs and its standard error', () => {
  const hold = new Hold(1);
  const differences = [1, 3, 2, 2];
  for (const difference of differences) hold.observe([5 + difference, 5]);
  const { spread, noise } = hold.spread();
  assert.equal(spread, 2);
  // Unbiased variance 2/3 over 4 steps.
  assert.ok(Math.abs(noise - Math.sqrt(2 / 3 / 4)) < 1e-12);
});

test('noise explains the whole spread where members do not differ', () => {
  let spread = 0;
  let noise = 0;
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 300; round++) {
    const hold = new Hold(4);
    for (let step = 0; step < 20; step++) hold.observe(Array.from({ length: 8 }, random));
    const figures = hold.spread();
    spread += figures.spread ** 2;
    noise += figures.noise ** 2;
  }
  assert.ok(Math.abs(spread / noise - 1) < 0.1, `${spread / noise}`);
});

test('shuffled fitness keeps pairs and sizes and loses the rest, differently every generation', () => {
  const fitness = Float64Array.of(1, -1, 2, -2, 3, -3, 4, -4);
  let same = 0;
  for (let generation = 0; generation < 400; generation++) {
    const shuffled = shuffledFitness(fitness, 1, generation);
    assert.deepEqual([...shuffled].sort(), [...fitness].sort());
    for (let pair = 0; pair < 4; pair++) assert.equal(shuffled[2 * pair], -shuffled[2 * pair + 1]);
    for (let i = 0; i < 8; i += 2) same += Number(shuffled[i] === fitness[i]);
  }
  // One in four pairs stands in its place, half of these swapped: 400 · 4 / 8.
  assert.ok(Math.abs(same - 200) < 50, `${same}`);
  assert.deepEqual(shuffledFitness(fitness, 1, 7), shuffledFitness(fitness, 1, 7));
  assert.deepEqual([...fitness], [1, -1, 2, -2, 3, -3, 4, -4]);
});

test('annealing falls from one to zero', () => {
  assert.equal(annealing(0, 100, 1), 1);
  assert.equal(annealing(25, 100, 1), 0.75);
  assert.equal(annealing(50, 100, 2), 0.25);
  assert.equal(annealing(99, 100, 0), 1);
  assert.equal(annealing(100, 100, 0), 0);
  assert.equal(annealing(7, 0, 1), 0);
});
