import { holm, type Interval, intervalOfMean, mean } from '../../base/statistics.js';
import type { Answers } from '../server/records.js';
import { anchorsOf } from '../study/signals.js';
import { groupBy } from './groups.js';
import { type AnalysedStudy, type Score, scoresOf } from './scores.js';
import { outliers, screen, type ScreenedListener } from './screening.js';
import { binomialTwoSided, binomialUpperTail, quartiles, shareInterval, signedRank } from './significance.js';

/** What counts as one independent observation: a listener's mean, or each rating. */
export type Unit = 'listener' | 'rating';

/** Ratings of one system (or anchor), of all clips or of one. */
export interface SignalSummary extends Interval {
  readonly signal: string;
  readonly clip: string | null;
  readonly ratings: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
}

/**
 * Two systems: how much better the second is rated (mos, mushra: difference of ratings; cmos: the comparison itself),
 * with a signed rank test against no difference.
 */
export interface Comparison extends Interval {
  readonly a: string;
  readonly b: string;
  /** How many observations there are, and how many are not zero. */
  readonly n: number;
  readonly nonZero: number;
  readonly v: number;
  readonly p: number;
  /** Adjusted for all comparisons (Holm). */
  readonly pAdjusted: number;
}

/**
 * Two systems: who was preferred (ab: two-sided), or told apart (abx: one-sided), with a binomial test against chance.
 */
export interface Choice extends Interval {
  readonly a: string;
  readonly b: string;
  /** ab: votes for each; abx: wrong and right answers. */
  readonly votes: readonly [number, number];
  readonly undecided: number;
  readonly p: number;
  readonly pAdjusted: number;
}

/** Everything in the report, as data. */
export interface Results {
  readonly test: AnalysedStudy;
  readonly unit: Unit;
  readonly listeners: readonly ScreenedListener[];
  readonly systems: readonly SignalSummary[];
  readonly clips: readonly SignalSummary[];
  readonly comparisons: readonly Comparison[];
  readonly choices: readonly Choice[];
  readonly outliers: readonly Score[];
  /** Every confirmed rating, including practice, traps and those of excluded listeners. */
  readonly scores: readonly Score[];
  /** What of the answers' file is damaged and left out; empty if all is whole. */
  readonly damage: readonly string[];
}

/**
 * Analyses the answers so far. Ratings of the same listener are not independent, so by default the observations are the
 * listeners' means. With a single listener they are the ratings, and the figures hold for that listener only.
 */
export function analyse(store: Answers, wanted?: Unit): Results {
  const study = store.settings() as AnalysedStudy;
  const all = store.listeners();
  const scores = scoresOf(study, all, store.answers());
  const listeners = screen(study, all, scores);
  const out = new Set(listeners.filter(({ excluded }) => excluded.length > 0).map(({ listener }) => listener));
  const counted = scores.filter(({ listener, role }) => role === 'test' && !out.has(listener));
  const unit = wanted ?? (new Set(counted.map(({ listener }) => listener)).size > 1 ? 'listener' : 'rating');
  const rated = study.kind === 'mos' || study.kind === 'mushra';
  const chosen = study.kind === 'ab' || study.kind === 'abx';
  const signals = [...study.systems, ...anchorsOf(study)];
  const bySignal = groupBy(counted, (score) => score.signals[0]);
  const byClip = groupBy(counted, ({ clip, signals: [signal] }) => JSON.stringify([clip, signal]));
  const ofClip = (clip: string, signal: string) => byClip.get(JSON.stringify([clip, signal]));
  return {
    test: study,
    unit,
    listeners,
    systems: rated ? signals.flatMap((signal) => summarise(bySignal.get(signal), unit, signal, null)) : [],
    clips: rated
      ? study.clips.flatMap((clip) =>
          signals.flatMap((signal) => summarise(ofClip(clip, signal), 'rating', signal, clip)),
        )
      : [],
    comparisons: chosen ? [] : compare(study, counted, unit),
    choices: chosen ? choose(study, counted) : [],
    outliers: rated ? outliers(counted) : [],
    scores,
    damage: store.damage,
  };
}

function summarise(
  own: readonly Score[] | undefined,
  unit: Unit,
  signal: string,
  clip: string | null,
): SignalSummary[] {
  if (own === undefined) return [];
  const [lowerQuartile, median, upperQuartile] = quartiles(own.map(({ value }) => value));
  return [
    {
      signal,
      clip,
      ratings: own.length,
      ...intervalOfMean(observations(own, unit)),
      lowerQuartile,
      median,
      upperQuartile,
    },
  ];
}

/** The observations: the ratings, or the means of the listeners. */
function observations(scores: readonly Score[], unit: Unit): number[] {
  const valuesOf = (own: readonly Score[]) => own.map(({ value }) => value);
  return unit === 'rating'
    ? valuesOf(scores)
    : [...groupBy(scores, ({ listener }) => listener).values()].map((own) => mean(valuesOf(own)));
}

function compare(study: AnalysedStudy, scores: readonly Score[], unit: Unit): Comparison[] {
  const pairs =
    study.kind === 'cmos'
      ? study.pairs
      : study.systems.flatMap((a, i) => study.systems.slice(i + 1).map((b) => [a, b] as const));
  const means = meansBySignal(scores, unit);
  const found = pairs.flatMap(([a, b]) => {
    const differences =
      study.kind === 'cmos'
        ? observations(ofPair(scores, a, b), unit)
        : pairedDifferences(means.get(a) ?? new Map(), means.get(b) ?? new Map());
    if (differences.length === 0) return [];
    const { n, v, p } = signedRank(differences);
    return [{ a, b, n: differences.length, nonZero: n, ...intervalOfMean(differences), v, p }];
  });
  const adjusted = holm(found.map(({ p }) => p));
  return found.map((one, i) => ({ ...one, pAdjusted: adjusted[i] }));
}

const ofPair = (scores: readonly Score[], a: string, b: string): Score[] =>
  scores.filter(({ signals }) => signals[0] === a && signals[1] === b);

/** For each signal the mean of each listener, or of each listener in each clip. */
function meansBySignal(scores: readonly Score[], unit: Unit): Map<string, Map<string, number>> {
  const keyOf = ({ listener, clip }: Score) =>
    unit === 'listener' ? String(listener) : JSON.stringify([listener, clip]);
  return new Map(
    [...groupBy(scores, ({ signals }) => signals[0])].map(([signal, own]) => [
      signal,
      new Map([...groupBy(own, keyOf)].map(([key, group]) => [key, mean(group.map(({ value }) => value))])),
    ]),
  );
}

/** How much higher the second is rated, where both are. */
function pairedDifferences(first: ReadonlyMap<string, number>, second: ReadonlyMap<string, number>): number[] {
  return [...second].flatMap(([key, value]) => {
    const other = first.get(key);
    return other === undefined ? [] : [value - other];
  });
}

function choose(study: AnalysedStudy, scores: readonly Score[]): Choice[] {
  const abx = study.kind === 'abx';
  const found = study.pairs.flatMap(([a, b]) => {
    const values = ofPair(scores, a, b).map(({ value }) => value);
    if (values.length === 0) return [];
    const second = values.filter((value) => value > 0).length;
    const undecided = abx ? 0 : values.filter((value) => value === 0).length;
    const n = values.length - undecided;
    return [
      {
        a,
        b,
        votes: [n - second, second] as const,
        undecided,
        ...shareInterval(second, n),
        p: abx ? binomialUpperTail(second, n) : binomialTwoSided(second, n),
      },
    ];
  });
  const adjusted = holm(found.map(({ p }) => p));
  return found.map((one, i) => ({ ...one, pAdjusted: adjusted[i] }));
}
