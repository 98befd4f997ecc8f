import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import { selectHighest } from './budget.js';
import { NearbySelection } from './nearby.js';

const groups = [
  { name: 'a', start: 0, end: 700, kept: 50 },
  { name: 'b', start: 700, end: 720, kept: 20 },
  { name: 'c', start: 720, end: 1000, kept: 1 },
];

test('what is selected near known scores is what is selected among all', () => {
  const random = new RandomStream(5, 0);
  for (const reach of [0, 1e-3, 0.1, 1, 10]) {
    for (let round = 0; round < 20; round++) {
      // Coarse values, so that many are equal.
      const coarse = round % 2 === 0;
      const known = Float32Array.from({ length: 1000 }, () =>
        coarse ? Math.round(4 * random.normal()) / 4 : random.normal(),
      );
      const nearby = new NearbySelection(known, selectHighest(known, groups), groups, reach);
      for (let i = 0; i < 5; i++) {
        const scores = known.map((score) => score + reach * (coarse ? random.below(3) - 1 : 2 * random.uniform() - 1));
        assert.deepEqual(
          nearby.select((block) => scores[block]),
          selectHighest(scores, groups),
        );
      }
    }
  }
});

test('few scores are asked for where the reach is short', () => {
  const known = Float32Array.from({ length: 1000 }, (_, block) => Math.sin(block));
  let asked = 0;
  const scoreOf = (block: number) => (asked++, known[block]);
  assert.deepEqual(
    new NearbySelection(known, selectHighest(known, groups), groups, 0.01).select(scoreOf),
    selectHighest(known, groups),
  );
  assert.ok(asked > 0 && asked < 100, `${asked}`);
});
