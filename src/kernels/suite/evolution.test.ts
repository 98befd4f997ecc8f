import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, normals, tolerances } from '../../../test/support/kernels.js';
import { fillNormals, RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames, type PairNoise } from '../index.js';

const stream = new RandomStream(5, 0);
/** Indices beyond 2^32, whose low word runs over within the first pair. */
const noise: PairNoise = { seed: 2 ** 40 + 7, stream: 5, first: 3 * 2 ** 32 - 3, stride: 2 ** 20 };
const lengths = [1, 3, 8, 16, 31, 32, 33, 1000, 5000];

function noiseOf(pair: number, length: number): Float64Array {
  const numbers = new Float64Array(length);
  fillNormals(numbers, noise.seed, noise.stream, noise.first + pair * noise.stride);
  return numbers;
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 2 });

  test(`${name}: members are the mean and the noise of their pair, either way, at lengths around a register`, () => {
    for (const length of lengths) {
      const [mean, sigma] = [normals(stream, length), normals(stream, length).map(Math.abs)];
      const members = Array.from({ length: 6 }, () => new Float32Array(length));
      kernels.mirroredMembers(noise, mean, sigma, 0.5, members);
      members.forEach((member, m) => {
        const sign = m % 2 === 0 ? 0.5 : -0.5;
        const expected = noiseOf(m >> 1, length).map((value, i) => mean[i] + sign * sigma[i] * value);
        assertClose(`member ${m} of ${length}`, member, expected, tolerances.product);
      });
    }
  });

  test(`${name}: the sum of noise is that of every pair times its weight, whatever was there before`, () => {
    for (const length of lengths) {
      const weights = normals(stream, 5);
      const sum = normals(stream, length);
      kernels.noiseSum(noise, weights, sum);
      const expected = new Float64Array(length);
      weights.forEach((weight, pair) => noiseOf(pair, length).forEach((value, i) => (expected[i] += weight * value)));
      assertClose(`sum of ${length}`, sum, expected, tolerances.product);
    }
    const nothing = normals(stream, 20);
    kernels.noiseSum(noise, new Float32Array(0), nothing);
    assert.ok(nothing.every((value) => value === 0));
  });

  test(`${name}: a single number is exact to a few roundings, in the tails too`, () => {
    const length = 40_000;
    const sum = new Float32Array(length);
    kernels.noiseSum(noise, Float32Array.of(1), sum);
    const expected = noiseOf(0, length);
    let largest = 0;
    expected.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value));
      assert.ok(Math.abs(sum[i] - value) < 2e-6 * Math.max(1, Math.abs(value)), `${i}: ${sum[i]}, expected ${value}`);
    });
    assert.ok(largest > 4, `${largest}`);
  });

  test(`${name}: threads change nothing`, () => {
    const length = 5000;
    const mean = normals(stream, length);
    const results = [1, 3].map((threads) => {
      const own = chooseKernels({ name, threads });
      const members = Array.from({ length: 10 }, () => new Float32Array(length));
      own.mirroredMembers(noise, mean, mean, 1, members);
      const sum = new Float32Array(length);
      own.noiseSum(noise, normals(new RandomStream(1, 0), 5), sum);
      return [...members, sum];
    });
    assert.deepEqual(results[1], results[0]);
  });
}
