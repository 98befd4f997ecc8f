import { TtsError } from '../../base/errors.js';
import type { FileKind } from '../../base/output.js';
import { deviation, holm, intervalOfMean, mean, pairedTTest } from '../../base/statistics.js';
import type { SparsityMethod } from './methods.js';
import type { SparsityResult } from './sparsity.js';
import type { QualityFigure } from './task.js';

/** What several seeds of a method gave. */
export interface MethodSummary {
  readonly method: string;
  readonly seeds: number;
  readonly nonZeros: number;
  /** Mean over the steps. */
  readonly trainedNonZeros: number;
  /** Mean and sample standard deviation (NaN for one seed) of each figure. */
  readonly quality: Readonly<Record<string, { readonly mean: number; readonly deviation: number }>>;
  /** Means. */
  readonly seconds: number;
  readonly coreSeconds: number;
  readonly peakMegabytes: number;
}

/** Two methods over the seeds that both have. */
export interface Comparison {
  readonly method: string;
  readonly against: string;
  readonly figure: string;
  readonly seeds: number;
  /** Mean of the method's value less the other's. */
  readonly difference: number;
  /** Of the two-sided paired t test; NaN for fewer than two seeds. */
  readonly p: number;
  /** p, adjusted for the number of comparisons that have one (Holm 1979). */
  readonly adjusted: number;
}

/** One summary per method, in the order of the results. */
export function summarise(results: readonly SparsityResult[], figures: readonly QualityFigure[]): MethodSummary[] {
  return [...new Set(results.map(({ method }) => method))].map((method) => {
    const runs = results.filter((result) => result.method === method);
    const of = (name: string) => runs.map(({ quality }) => quality[name]);
    return {
      method,
      seeds: runs.length,
      nonZeros: Math.round(mean(runs.map(({ nonZeros }) => nonZeros))),
      trainedNonZeros: Math.round(mean(runs.map(({ trainedNonZeros }) => trainedNonZeros))),
      quality: Object.fromEntries(
        figures.map(({ name }) => [name, { mean: mean(of(name)), deviation: deviation(of(name)) }]),
      ),
      seconds: mean(runs.map(({ seconds }) => seconds)),
      coreSeconds: mean(runs.map(({ coreSeconds }) => coreSeconds)),
      peakMegabytes: mean(runs.map(({ peakMegabytes }) => peakMegabytes)),
    };
  });
}

/**
 * Every method against those that it must be compared with, as far as there are results. Runs of equal seeds are a
 * pair: they begin with the same masks and weights and see the same examples.
 */
export function compare(
  results: readonly SparsityResult[],
  methods: readonly SparsityMethod[],
  figures: readonly QualityFigure[],
): Comparison[] {
  const comparisons = methods.flatMap(({ name, against }) =>
    against.flatMap((other) =>
      figures.flatMap(({ name: figure }) => {
        const differences = results.flatMap(({ method, seed, quality }) => {
          const partner = results.find((result) => method === name && result.method === other && result.seed === seed);
          return partner ? [quality[figure] - partner.quality[figure]] : [];
        });
        if (differences.length === 0) return [];
        return [
          {
            method: name,
            against: other,
            figure,
            seeds: differences.length,
            difference: mean(differences),
            p: pairedTTest(differences),
          },
        ];
      }),
    ),
  );
  const tested = comparisons.filter(({ p }) => !Number.isNaN(p));
  const adjusted = holm(tested.map(({ p }) => p));
  return comparisons.map((one) => ({ ...one, adjusted: tested.includes(one) ? adjusted[tested.indexOf(one)] : NaN }));
}

/** The summaries as rows of text, the head first. */
export function summaryRows(summaries: readonly MethodSummary[], figures: readonly QualityFigure[]): string[][] {
  const head = [
    'method',
    'seeds',
    'non-zeros',
    'in training',
    ...figures.map(({ title }) => title),
    'seconds',
    'core seconds',
    'peak MB',
  ];
  return [
    head,
    ...summaries.map(({ method, seeds, nonZeros, trainedNonZeros, quality, seconds, coreSeconds, peakMegabytes }) => [
      method,
      String(seeds),
      nonZeros.toLocaleString('en-US'),
      trainedNonZeros.toLocaleString('en-US'),
      ...figures.map(
        ({ name, digits }) =>
          `${quality[name].mean.toFixed(digits)}${seeds > 1 ? ` ± ${quality[name].deviation.toFixed(digits)}` : ''}`,
      ),
      seconds.toFixed(0),
      coreSeconds.toFixed(0),
      peakMegabytes.toFixed(0),
    ]),
  ];
}

/** The comparisons as rows of text, a pair of methods each, the head first. */
export function comparisonRows(comparisons: readonly Comparison[], figures: readonly QualityFigure[]): string[][] {
  const pairs = new Map(comparisons.map(({ method, against }) => [`${method} − ${against}`, { method, against }]));
  const cell = (found: Comparison | undefined, digits: number) => {
    if (!found) return '';
    const sign = found.difference > 0 ? '+' : '';
    return `${sign}${found.difference.toFixed(digits)}${Number.isNaN(found.p) ? '' : ` (p = ${found.adjusted < 0.001 ? found.adjusted.toExponential(0) : found.adjusted.toFixed(3)})`}`;
  };
  return [
    ['difference', ...figures.map(({ title }) => title)],
    ...[...pairs].map(([title, { method, against }]) => [
      title,
      ...figures.map(({ name, digits }) =>
        cell(
          comparisons.find((one) => one.method === method && one.against === against && one.figure === name),
          digits,
        ),
      ),
    ]),
  ];
}

/** A method in two comparisons, such as with parts and without them, over the seeds that both have. */
export interface Change {
  readonly method: string;
  readonly figure: string;
  readonly seeds: number;
  /** Mean of the value here less the one there, with its 95% confidence interval (Student's t); null for one seed. */
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * By how much each method's figures differ from those of another comparison, seed by seed.
 * @throws {TtsError} ERR_ARGUMENT where that one has nothing in common, or two results of a method and a seed
 */
export function changes(
  results: readonly SparsityResult[],
  others: readonly SparsityResult[],
  figures: readonly QualityFigure[],
): Change[] {
  const nameOf = ({ method, seed }: SparsityResult) => `${method}, seed ${seed}`;
  const byName = new Map(others.map((other) => [nameOf(other), other]));
  const twice = others.find((other) => byName.get(nameOf(other)) !== other);
  if (twice)
    throw new TtsError(
      'ERR_ARGUMENT',
      `the results to compare with have ${nameOf(twice)} more than once, expected a folder of one comparison`,
    );
  const found = [...new Set(results.map(({ method }) => method))].flatMap((method) =>
    figures.flatMap(({ name: figure }) => {
      const differences = results.flatMap((result) => {
        const other = result.method === method ? byName.get(nameOf(result)) : undefined;
        return other ? [result.quality[figure] - other.quality[figure]] : [];
      });
      if (differences.length === 0) return [];
      const { mean: middle, low, high } = intervalOfMean(differences);
      return [{ method, figure, seeds: differences.length, mean: middle, low, high }];
    }),
  );
  if (found.length === 0)
    throw new TtsError('ERR_ARGUMENT', 'the results to compare with have no method and seed of these');
  return found;
}

/** The changes as rows of text, a method each, the head first. */
export function changeRows(found: readonly Change[], figures: readonly QualityFigure[]): string[][] {
  const signed = (value: number, digits: number) => `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;
  const cell = ({ mean: middle, low, high }: Change, digits: number) =>
    signed(middle, digits) +
    (low === null || high === null ? '' : ` (${signed(low, digits)} to ${signed(high, digits)})`);
  return [
    ['difference', 'seeds', ...figures.map(({ title }) => title)],
    ...[...new Set(found.map(({ method }) => method))].map((method) => {
      const own = found.filter((each) => each.method === method);
      const cells = figures.map(({ name, digits }) => {
        const each = own.find(({ figure }) => figure === name);
        return each ? cell(each, digits) : '';
      });
      return [method, String(own[0].seeds), ...cells];
    }),
  ];
}

const firstColumns = ['method', 'seeds', 'non_zeros', 'trained_non_zeros'];

/** What may be replaced by a summary without asking. */
export const summaryKind: FileKind = {
  name: 'a table of tts-bench sparsity',
  is: (head) => head.toString('latin1').startsWith(`${firstColumns.join(',')},`),
};

/** The summaries as CSV: plain numbers, a column each for mean and deviation. */
export function summaryCsv(summaries: readonly MethodSummary[], figures: readonly QualityFigure[]): string {
  const head = [
    ...firstColumns,
    ...figures.flatMap(({ name }) => [`${name}_mean`, `${name}_deviation`]),
    'seconds',
    'core_seconds',
    'peak_megabytes',
  ];
  const lines = summaries.map(
    ({ method, seeds, nonZeros, trainedNonZeros, quality, seconds, coreSeconds, peakMegabytes }) => [
      method,
      seeds,
      nonZeros,
      trainedNonZeros,
      ...figures.flatMap(({ name }) => [
        quality[name].mean,
        Number.isNaN(quality[name].deviation) ? '' : quality[name].deviation,
      ]),
      seconds,
      coreSeconds,
      peakMegabytes,
    ],
  );
  return [head, ...lines].map((cells) => `${cells.join(',')}\n`).join('');
}
