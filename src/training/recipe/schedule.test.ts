import assert from 'node:assert/strict';
import test from 'node:test';
import { learningRateAt } from './schedule.js';

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) <= 1e-12, `${actual}, expected ${expected}`);
const schedule = (kind: 'cosine' | 'exponential', warmup = 100) => ({
  learningRate: 1e-3,
  warmup,
  steps: 1100,
  decay: { kind, final: 0.01 },
});

test('the warm-up is linear, never zero, and ends at the learning rate', () => {
  near(learningRateAt(0, schedule('cosine')), 1e-5);
  near(learningRateAt(49, schedule('cosine')), 5e-4);
  near(learningRateAt(99, schedule('cosine')), 1e-3);
  near(learningRateAt(100, schedule('cosine')), 1e-3);
});

test('without a warm-up the first step has the full rate', () => {
  for (const kind of ['cosine', 'exponential'] as const) near(learningRateAt(0, schedule(kind, 0)), 1e-3);
});

test('the cosine passes the middle half way', () =>
  near(learningRateAt(600, schedule('cosine')), 1e-3 * (0.01 + 0.99 / 2)));

test('the exponential passes the middle at the geometric mean', () =>
  near(learningRateAt(600, schedule('exponential')), 1e-4));

test('both fall all the way to the final share and stay there', () => {
  for (const kind of ['cosine', 'exponential'] as const) {
    for (let step = 101; step <= 1100; step++)
      assert.ok(learningRateAt(step, schedule(kind)) < learningRateAt(step - 1, schedule(kind)));
    near(learningRateAt(1100, schedule(kind)), 1e-5);
    near(learningRateAt(5000, schedule(kind)), 1e-5);
  }
});

test('a run that is shorter than its warm-up stays in it', () =>
  near(learningRateAt(9, { ...schedule('cosine'), steps: 10 }), 1e-4));
