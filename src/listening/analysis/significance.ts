// Distributions are jStat's. The signed rank test is our own: the one maintained library that has it
// (@stdlib/stats-wilcoxon) brings 240 packages, and does not do exact tests with ties.
import jStat from 'jstat';
import type { Interval } from '../../base/statistics.js';

/**
 * Lower quartile, median, upper quartile as in ITU-R BS.1534-3, 4.1.2: of an odd number of values the middle one
 * belongs to both halves.
 */
export function quartiles(values: readonly number[]): [lower: number, median: number, upper: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (part: readonly number[]) => (part[(part.length - 1) >> 1] + part[part.length >> 1]) / 2;
  const half = Math.ceil(sorted.length / 2);
  return [middle(sorted.slice(0, half)), middle(sorted), middle(sorted.slice(sorted.length - half))];
}

/** Differences up to this many are tested exactly, more by the normal approximation, as in R. */
const exactUpTo = 50;

/** Result of a signed rank test. */
export interface SignedRank {
  /** Differences that are not zero. */
  readonly n: number;
  /** Sum of the ranks of the positive differences (R's V). */
  readonly v: number;
  /** Two-sided; 1 if there is no difference. */
  readonly p: number;
}

/**
 * Wilcoxon's signed rank test that differences lie symmetrically around zero (Wilcoxon 1945; Hollander and Wolfe,
 * Nonparametric Statistical Methods, 3.1). Zeros are left out, ties get their mean rank. Up to 50 differences the p
 * value is exact, given the ties; above, the normal approximation with corrections for ties and continuity.
 */
export function signedRank(differences: readonly number[], options: { exact?: boolean } = {}): SignedRank {
  const values = differences.filter((difference) => difference !== 0);
  const n = values.length;
  const { exact = n <= exactUpTo } = options;
  if (n === 0) return { n, v: 0, p: 1 };
  const ranks = midRanks(values.map(Math.abs));
  const v = values.reduce((sum, value, i) => sum + (value > 0 ? ranks[i] : 0), 0);
  return { n, v, p: exact ? exactTails(ranks, v) : normalTails(ranks, v) };
}

/** Ranks from 1; equal values share the mean of theirs. */
function midRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Array<number>(values.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && values[order[next]] === values[order[first]]) next++;
    // Places first + 1 to next, of which all get the mean.
    for (let i = first; i < next; i++) ranks[order[i]] = (first + 1 + next) / 2;
  }
  return ranks;
}

/**
 * Two-sided p: every assignment of signs to the ranks is equally probable. They are counted by twice their sum, which
 * is a whole number.
 */
function exactTails(ranks: readonly number[], v: number): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const total = doubled.reduce((sum, rank) => sum + rank, 0);
  let probability = new Float64Array(total + 1);
  probability[0] = 1;
  for (const rank of doubled) {
    const next = probability.map((p) => p / 2);
    for (let sum = 0; sum + rank <= total; sum++) next[sum + rank] += probability[sum] / 2;
    probability = next;
  }
  const statistic = Math.round(2 * v);
  const lower = probability.subarray(0, statistic + 1).reduce((sum, p) => sum + p, 0);
  const upper = probability.subarray(statistic).reduce((sum, p) => sum + p, 0);
  return Math.min(1, 2 * Math.min(lower, upper));
}

function normalTails(ranks: readonly number[], v: number): number {
  const centre = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
  const deviation = Math.sqrt(ranks.reduce((sum, rank) => sum + rank ** 2, 0) / 4);
  const distance = Math.max(0, Math.abs(v - centre) - 0.5);
  return Math.min(1, 2 * (1 - jStat.normal.cdf(distance / deviation, 0, 1)));
}

/** Probability of at least `successes` in so many trials if each succeeds with probability 1/2. */
export function binomialUpperTail(successes: number, trials: number): number {
  return successes === 0 ? 1 : jStat.beta.cdf(0.5, successes, trials - successes + 1);
}

/** Exact two-sided binomial test against 1/2. */
export function binomialTwoSided(successes: number, trials: number): number {
  return Math.min(1, 2 * binomialUpperTail(Math.max(successes, trials - successes), trials));
}

/** A share with its exact 95% confidence interval (Clopper and Pearson 1934). */
export function shareInterval(successes: number, trials: number): Interval {
  if (trials === 0) return { mean: NaN, low: null, high: null };
  const low = successes === 0 ? 0 : jStat.beta.inv(0.025, successes, trials - successes + 1);
  const high = successes === trials ? 1 : jStat.beta.inv(0.975, successes + 1, trials - successes);
  return { mean: successes / trials, low, high };
}
