import { csvLines } from '../../report/csv.js';
import type { Kind } from '../protocol.js';
import type { Listener, StoredAnswer } from '../server/records.js';
import type { Trial } from '../study/plan.js';

/** The settings that are kept with the answers, as far as the analysis needs them. */
export interface AnalysedStudy {
  readonly title: string;
  readonly kind: Kind;
  readonly systems: readonly string[];
  readonly reference: string | null;
  readonly clips: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
  readonly anchors: readonly number[];
  readonly forcePlay: number;
}

/**
 * One rating: of a signal (mos, mushra), or of the second of a pair against the first (cmos, ab, abx), which are in the
 * order of the test's pairs.
 */
export interface Score {
  readonly listener: number;
  readonly trial: number;
  readonly clip: string;
  readonly role: Trial['role'];
  readonly signals: readonly string[];
  /** Number of the button that was rated, in the order that the listener saw; 0 for pairs. */
  readonly place: number;
  /** Whether the listener saw them the other way round: the second of `signals` was A. */
  readonly swapped: boolean;
  /** abx: 1 if X was named correctly, else 0. cmos and ab: above 0 where the second is better. */
  readonly value: number;
  readonly heard: number;
  readonly seconds: number;
  readonly saved: number;
}

/** All confirmed ratings, including practice and traps. */
export function scoresOf(
  study: AnalysedStudy,
  listeners: readonly Listener[],
  answers: readonly StoredAnswer[],
): Score[] {
  const plans = new Map(listeners.map(({ id, plan }) => [id, plan]));
  return answers
    .filter(({ done }) => done)
    .flatMap((answer) => scoresOfAnswer(study, plans.get(answer.listener)?.[answer.trial] as Trial, answer));
}

function scoresOfAnswer(
  study: AnalysedStudy,
  { clip, signals, role }: Trial,
  { listener, trial, ratings, heard, seconds, saved }: StoredAnswer,
): Score[] {
  const common = { listener, trial, clip, role, seconds, saved };
  if (study.kind === 'mos' || study.kind === 'mushra') {
    return ratings.flatMap((value, place) =>
      value === null
        ? []
        : [{ ...common, signals: [signals[place]], place, swapped: false, value, heard: heard[place] }],
    );
  }
  const [rating] = ratings;
  if (rating === null) return [];
  const pair = study.pairs.find(([a, b]) => a === signals[1] && b === signals[0]);
  const swapped = pair !== undefined;
  const value =
    study.kind === 'abx'
      ? Number((rating < 0 ? signals[0] : signals[1]) === signals[2])
      : swapped
        ? -rating + 0
        : rating;
  return [
    {
      ...common,
      signals: swapped ? [signals[1], signals[0]] : signals.slice(0, 2),
      place: 0,
      swapped,
      value,
      heard: Math.min(...heard),
    },
  ];
}

export const ratingColumns = [
  'listener',
  'participant',
  'excluded',
  'trial',
  'role',
  'clip',
  'system',
  'compared_with',
  'rating',
  'place',
  'shown_turned',
  'heard',
  'seconds',
  'saved',
] as const;

/** A listener, and why the answers do not count, if there is a reason. */
interface Judged {
  readonly listener: number;
  readonly participant: string | null;
  readonly excluded: readonly string[];
}

/**
 * All confirmed ratings, one a line. `system` is what was rated; for pairs it is compared with `compared_with`, and the
 * rating is above 0 where it is the better one (abx: 1 if X was named correctly). `place` counts the buttons from 1;
 * `shown_turned` is 1 where the listener saw `system` as A. Names that would be formulas get a quote before them.
 */
export function ratingsCsv({
  scores,
  listeners,
}: {
  readonly scores: readonly Score[];
  readonly listeners: readonly Judged[];
}): string {
  const of = new Map(listeners.map((listener) => [listener.listener, listener]));
  const lines = scores.map((score) => {
    const listener = of.get(score.listener);
    const [first, second] = score.signals;
    return [
      score.listener,
      listener?.participant ?? '',
      Number((listener?.excluded.length ?? 0) > 0),
      score.trial + 1,
      score.role,
      score.clip,
      second ?? first,
      second === undefined ? '' : first,
      score.value,
      score.place + 1,
      Number(score.swapped),
      score.heard.toFixed(2),
      score.seconds.toFixed(1),
      new Date(score.saved).toISOString(),
    ];
  });
  return csvLines([ratingColumns, ...lines]);
}
