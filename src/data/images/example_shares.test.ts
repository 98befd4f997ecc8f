import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../../base/random.js';
import { ExampleShares } from './example_shares.js';

/** Probabilities of the labels, as nats. */
const nats = (...probabilities: number[]) => Float32Array.from(probabilities, (p) => -Math.log(p));

test('examples are drawn in proportion to how wrong they are, and evenly for the rest', () => {
  const shares = new ExampleShares(nats(0.5, 1, 0.9, 0.1), 0.2);
  const expected = [0.5, 0, 0.1, 0.9].map((wrong) => (0.8 * wrong) / 1.5 + 0.2 / 4);
  const random = new RandomStream(1, 0);
  const draws = 20_000;
  const seen = new Float64Array(4);
  for (let i = 0; i < draws; i++) seen[shares.choose(random)]++;
  // χ² with 3 degrees of freedom stays below 16.3 with probability 0.999.
  const chi = seen.reduce((sum, n, i) => sum + (n - draws * expected[i]) ** 2 / (draws * expected[i]), 0);
  assert.ok(chi < 16.3, `${seen.join()}: ${chi}`);
  shares.weights.forEach((weight, i) => assert.ok(Math.abs(weight - 1 / (4 * expected[i])) < 1e-5));
});

test('what is drawn, times what it counts, is the mean over all examples', () => {
  const random = new RandomStream(2, 0);
  const values = Float64Array.from({ length: 50 }, () => random.normal());
  const shares = new ExampleShares(
    Float32Array.from(values, (_, i) => (i % 5 === 0 ? 2 : 0.01)),
    0.1,
  );
  let sum = 0;
  const draws = 100_000;
  for (let i = 0; i < draws; i++) {
    const example = shares.choose(random);
    sum += (shares.weights[example] * values[example]) / draws;
  }
  const mean = values.reduce((a, b) => a + b, 0) / 50;
  assert.ok(Math.abs(sum - mean) < 0.02, `${sum}, expected ${mean}`);
});

test('all drawn alike count 1, whatever the nats; and where none is wrong, all are drawn', () => {
  for (const shares of [new ExampleShares(nats(0.5, 0.01, 1), 1), new ExampleShares(nats(1, 1, 1), 0.2)])
    shares.weights.forEach((weight) => assert.ok(Math.abs(weight - 1) < 1e-6));
  const broken = new ExampleShares(Float32Array.of(NaN, Infinity, 0), 0.2);
  assert.equal(broken.weights[0], broken.weights[1]);
  assert.ok(broken.weights[2] > 4.9 && broken.weights[2] < 5.1);
});
