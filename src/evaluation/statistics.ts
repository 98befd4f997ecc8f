import jStat from 'jstat';

/** A mean over clips with its confidence interval. Null is what there are too few values for: none for a mean, fewer than two for an interval. */
export interface MeanInterval {
  /** Values that there were. */
  readonly count: number;
  readonly mean: number | null;
  /** The 95% confidence interval of the mean. */
  readonly low: number | null;
  readonly high: number | null;
}

/** The mean of differences between two systems on the same clips, with the two-sided p of the paired t test (null when the differences are all the same). */
export interface PairedDifference extends MeanInterval {
  readonly p: number | null;
}

/** Mean and 95% confidence interval by Student's t: mean ± t(0.975, n - 1) · s / √n. Nulls are left out. */
export function meanInterval(values: readonly (number | null)[]): MeanInterval {
  const known = values.filter((value) => value !== null);
  const count = known.length;
  if (count === 0) return { count, mean: null, low: null, high: null };
  const mean = known.reduce((a, b) => a + b, 0) / count;
  if (count === 1) return { count, mean, low: null, high: null };
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  const half = (jStat.studentt.inv(0.975, count - 1) * deviation) / Math.sqrt(count);
  return { count, mean, low: mean - half, high: mean + half };
}

/** `a` less `b`, clip by clip: both in the same order; clips that lack either value are left out. */
export function pairedDifference(a: readonly (number | null)[], b: readonly (number | null)[]): PairedDifference {
  const differences = a.flatMap((value, i) => {
    const other = b[i];
    return value === null || other === null ? [] : [value - other];
  });
  const interval = meanInterval(differences);
  const differ = differences.some((value) => value !== differences[0]);
  return { ...interval, p: differ ? jStat.ttest(0, differences, 2) : null };
}
