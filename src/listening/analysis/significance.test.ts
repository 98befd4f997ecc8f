import assert from 'node:assert/strict';
import test from 'node:test';
import { intervalOfMean } from '../../base/statistics.js';
import { holm } from '../../base/statistics.js';
import { binomialTwoSided, binomialUpperTail, quartiles, shareInterval, signedRank } from './significance.js';

const close = (value: number | null, expected: number, tolerance = 5e-5) =>
  assert.ok(value !== null && Math.abs(value - expected) <= tolerance, `${value}, expected ${expected}`);

// Hollander and Wolfe (1973), table 3.1: Hamilton depression scale before and after; the example of R's wilcox.test.
const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
const depression = before.map((value, i) => value - after[i]);

test('signed rank test, exact: V = 40, p = 0.01953 one-sided (Hollander and Wolfe, R)', () => {
  const { n, v, p } = signedRank(depression);
  assert.deepEqual([n, v], [9, 40]);
  close(p, 2 * 0.01953, 1e-5);
  // 20 of the 512 assignments of signs are as extreme.
  close(p, 20 / 512, 1e-12);
});

test('signed rank test, normal approximation with continuity correction: z = (|40 - 22.5| - 0.5) / √71.25', () => {
  close(signedRank(depression, { exact: false }).p, 0.04401, 2e-5);
});

// Darwin's maize (cross-fertilised less self-fertilised, eighths of an inch), Fisher (1935), The Design of Experiments,
// III.
const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
test("signed rank test with ties in no pair: V = 96, p = 0.0413 (Darwin's maize)", () => {
  const { v, p } = signedRank(maize);
  assert.equal(v, 96);
  close(p, 0.04126, 1e-5);
});

test('ties share ranks, zeros are left out, and the exact p follows from counting signs', () => {
  // Ranks 1.5, 1.5, 3 of 1, -1, 2; sums of positive ranks over 8 signs: 0, 1.5, 1.5, 3, 3, 4.5, 4.5, 6.
  const { n, v, p } = signedRank([0, 1, -1, 2, 0]);
  assert.deepEqual([n, v], [3, 4.5]);
  close(p, 2 * (3 / 8), 1e-12);
  assert.deepEqual(signedRank([0, 0]), { n: 0, v: 0, p: 1 });
});

test('the normal approximation agrees with the exact test at many values', () => {
  const values = Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (i + 0.5));
  close(signedRank(values, { exact: false }).p, signedRank(values).p, 3e-3);
});

test("Student's t: R's sleep data, extra sleep with drug 2: 2.33, 95% from 0.8976775 to 3.7623", () => {
  const { mean, low, high } = intervalOfMean([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
  close(mean, 2.33);
  close(low, 0.8976775);
  close(high, 3.7623, 1e-4);
  assert.deepEqual(intervalOfMean([3]), { mean: 3, low: null, high: null });
});

test("Clopper and Pearson: R's binom.test(682, 925) gives 0.7076683 to 0.7654066", () => {
  const { mean, low, high } = shareInterval(682, 925);
  close(mean, 0.7372973, 1e-7);
  close(low, 0.7076683, 1e-6);
  close(high, 0.7654066, 1e-6);
  assert.deepEqual(shareInterval(0, 10).low, 0);
  assert.deepEqual(shareInterval(10, 10).high, 1);
});

test('binomial tests: the tails of ten coins', () => {
  close(binomialUpperTail(9, 10), 11 / 1024, 1e-12);
  close(binomialTwoSided(9, 10), 22 / 1024, 1e-12);
  close(binomialTwoSided(1, 10), 22 / 1024, 1e-12);
  assert.equal(binomialTwoSided(5, 10), 1);
  assert.equal(binomialUpperTail(0, 10), 1);
  // ABX: 12 of 16 is the usual criterion, p = 0.0384.
  close(binomialUpperTail(12, 16), 0.0384, 1e-4);
});

test("Holm: R's p.adjust(c(0.01, 0.02, 0.03, 0.04)), and order and ties do not matter", () => {
  const near = (values: number[], expected: number[]) => values.forEach((value, i) => close(value, expected[i], 1e-12));
  near(holm([0.01, 0.02, 0.03, 0.04]), [0.04, 0.06, 0.06, 0.06]);
  near(holm([0.04, 0.01, 0.03, 0.02]), [0.06, 0.04, 0.06, 0.06]);
  near(holm([0.6, 0.7]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

test('quartiles as BS.1534-3 defines them', () => {
  assert.deepEqual(quartiles([5, 1, 3, 2, 4]), [2, 3, 4]);
  assert.deepEqual(quartiles([4, 1, 3, 2]), [1.5, 2.5, 3.5]);
  assert.deepEqual(quartiles([7]), [7, 7, 7]);
});
