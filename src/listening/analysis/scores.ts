import type { Kind } from '../protocol.js';
import type { Listener, StoredAnswer } from '../server/store.js';
import type { Trial } from '../study/plan.js';

/** What is kept of a test beside its answers, as far as the analysis needs it. */
export interface AnalysedTest {
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
  /** As the listener saw them: the second of `signals` was A. */
  readonly swapped: boolean;
  /** abx: 1 if X was named rightly, else 0. cmos and ab: above 0 where the second is better. */
  readonly value: number;
  readonly heard: number;
  readonly seconds: number;
  readonly saved: number;
}

/** All ratings that were given and confirmed, practice and traps too. */
export function scoresOf(
  test: AnalysedTest,
  listeners: readonly Listener[],
  answers: readonly StoredAnswer[],
): Score[] {
  const plans = new Map(listeners.map(({ id, plan }) => [id, plan]));
  return answers
    .filter(({ done }) => done)
    .flatMap((answer) => scoresOfAnswer(test, plans.get(answer.listener)?.[answer.trial] as Trial, answer));
}

function scoresOfAnswer(
  test: AnalysedTest,
  { clip, signals, role }: Trial,
  { listener, trial, ratings, heard, seconds, saved }: StoredAnswer,
): Score[] {
  const common = { listener, trial, clip, role, seconds, saved };
  if (test.kind === 'mos' || test.kind === 'mushra') {
    return ratings.flatMap((value, place) =>
      value === null
        ? []
        : [{ ...common, signals: [signals[place]], place, swapped: false, value, heard: heard[place] }],
    );
  }
  const [rating] = ratings;
  if (rating === null) return [];
  const pair = test.pairs.find(([a, b]) => a === signals[1] && b === signals[0]);
  const swapped = pair !== undefined;
  const value =
    test.kind === 'abx'
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
