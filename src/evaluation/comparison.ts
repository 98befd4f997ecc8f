import { intervalOfMean, pairedTTest } from '../base/statistics.js';

/**
 * A mean over clips with its confidence interval. Null is what there are too few values for: none for a mean, fewer
 * than two for an interval.
 */
export interface MeanInterval {
  /** Values that there were. */
  readonly count: number;
  readonly mean: number | null;
  /** The 95% confidence interval of the mean. */
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The mean of differences between two systems on the same clips, with the two-sided p of the paired t test (null when
 * the differences are all the same).
 */
export interface PairedDifference extends MeanInterval {
  readonly p: number | null;
}

/** Mean and 95% confidence interval of the values that there are: nulls are left out. See `intervalOfMean`. */
export function meanInterval(values: readonly (number | null)[]): MeanInterval {
  const known = values.filter((value) => value !== null);
  const count = known.length;
  if (count === 0) return { count, mean: null, low: null, high: null };
  return { count, ...intervalOfMean(known) };
}

/** `a` less `b`, clip by clip: both in the same order; clips that lack either value are left out. */
export function pairedDifference(a: readonly (number | null)[], b: readonly (number | null)[]): PairedDifference {
  const differences = a.flatMap((value, i) => {
    const other = b[i];
    return value === null || other === null ? [] : [value - other];
  });
  const interval = meanInterval(differences);
  const differ = differences.some((value) => value !== differences[0]);
  return { ...interval, p: differ ? pairedTTest(differences) : null };
}
