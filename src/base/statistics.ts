// Measures, listening tests and comparisons of methods all need means and their intervals.
import jStat from 'jstat';

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation; NaN for fewer than two values. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** A mean (or share) with the ends of its 95% confidence interval; they are null where there are too few values. */
export interface Interval {
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Mean and 95% confidence interval by Student's t: mean ± t(0.975, n - 1) · s / √n; no interval for fewer than two
 * values.
 */
export function intervalOfMean(values: readonly number[]): Interval {
  const n = values.length;
  const centre = mean(values);
  if (n < 2) return { mean: centre, low: null, high: null };
  const half = (jStat.studentt.inv(0.975, n - 1) * deviation(values)) / Math.sqrt(n);
  return { mean: centre, low: centre - half, high: centre + half };
}

/** Two-sided p of the paired t test, from the differences of the pairs; NaN for fewer than two. */
export function pairedTTest(differences: readonly number[]): number {
  return differences.length < 2 ? NaN : jStat.ttest(0, differences, 2);
}

/** p values of a family of tests, adjusted so that the chance of any false alarm stays below the level (Holm 1979). */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}

/** The middle of some values, the mean of the two middle ones of an even number; NaN of none. */
export function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const half = ascending.length / 2;
  return values.length === 0 ? NaN : (ascending[Math.ceil(half) - 1] + ascending[Math.floor(half)]) / 2;
}

/** x with matrix · x = b, for a symmetric, positive definite matrix [n][n]; neither is changed. */
export const solveSymmetric = (matrix: readonly (readonly number[])[], b: readonly number[]): number[] =>
  jStat.gauss_elimination(
    matrix.map((row) => [...row]),
    b.map((value) => [value]),
  );
