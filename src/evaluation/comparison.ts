import { intervalOfMean, pairedTTest } from '../base/statistics.js';
import { type ClipMeasures, measures } from './measures.js';

/**
 * A mean over clips with its confidence interval. Without values the mean is null; with fewer than two the interval
 * is.
 */
export interface MeanInterval {
  /** How many values there were. */
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

/** Mean and 95% confidence interval of the known values; nulls are left out. See `intervalOfMean`. */
export function meanInterval(values: readonly (number | null)[]): MeanInterval {
  const known = values.filter((value) => value !== null);
  const count = known.length;
  if (count === 0) return { count, mean: null, low: null, high: null };
  return { count, ...intervalOfMean(known) };
}

/** `a` minus `b`, clip by clip. Both are in the same order; clips that lack either value are left out. */
export function pairedDifference(a: readonly (number | null)[], b: readonly (number | null)[]): PairedDifference {
  const differences = a.flatMap((value, i) => {
    const other = b[i];
    return value === null || other === null ? [] : [value - other];
  });
  const interval = meanInterval(differences);
  const differ = differences.some((value) => value !== differences[0]);
  return { ...interval, p: differ ? pairedTTest(differences) : null };
}

/** A clip of one system with its figures. */
export interface MeasuredClip {
  readonly id: string;
  readonly measures: ClipMeasures;
}

/** The measures that rank clips: neither the NLL, which is higher for loud clips, nor the time that a clip took. */
const judging = measures.filter(({ name }) => name !== 'nll' && name !== 'realTimeFactor');

/** Ids of the clips, best first, by the mean of their ranks in all measures of what is heard and all systems. */
export function rankClips(systems: readonly { readonly clips: readonly MeasuredClip[] }[]): string[] {
  const ids = systems[0].clips.map(({ id }) => id);
  const sums = new Float64Array(ids.length);
  for (const { clips } of systems) {
    for (const { name, better } of judging) {
      // A clip without a value ranks last.
      const values = clips.map(({ measures }) =>
        measures[name] === null ? Infinity : better === 'lower' ? measures[name] : -measures[name],
      );
      ranks(values).forEach((rank, i) => (sums[i] += rank));
    }
  }
  return ids
    .map((_, i) => i)
    .sort((a, b) => sums[a] - sums[b] || a - b)
    .map((i) => ids[i]);
}

/** Ranks from 0, the least value first; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] === values[b] ? 0 : values[a] < values[b] ? -1 : 1));
  const result = new Float64Array(values.length);
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let i = first; i < end; i++) result[order[i]] = (first + end - 1) / 2;
    first = end;
  }
  return result;
}
