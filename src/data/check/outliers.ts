/** How far a clip may lie from the others, and in which unit that is told. */
export interface Expectation {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  /** Deviations from the median that are smaller are none to look at, however alike the other clips are. */
  readonly least: number;
}

export interface Outlier {
  readonly id: string;
  readonly value: number;
  readonly median: number;
  /** Robust z score. */
  readonly z: number;
}

/** Deviations above this are outliers (Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers). */
const mostZ = 3.5;

/** Fewer values tell nothing about what is usual. */
const leastValues = 8;

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Clips whose value lies far from the median, the farthest first. The robust z score is the distance over 1.4826 times
 * the median absolute deviation, which is the standard deviation of normal values and does not see the outliers.
 */
export function outliers(values: readonly { readonly id: string; readonly value: number }[], least: number): Outlier[] {
  if (values.length < leastValues) return [];
  const median = medianOf(values.map(({ value }) => value));
  const spread = 1.4826 * medianOf(values.map(({ value }) => Math.abs(value - median)));
  return values
    .flatMap(({ id, value }) => {
      const z = (value - median) / spread;
      return Math.abs(value - median) >= least && Math.abs(z) > mostZ ? [{ id, value, median, z }] : [];
    })
    .sort((a, b) => Math.abs(b.value - b.median) - Math.abs(a.value - a.median));
}
