import type { Results } from './analysis.js';

const columns = [
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

/**
 * All confirmed ratings, one a line. `system` is what was rated; for pairs it is compared with `compared_with`, and the
 * rating is above 0 where it is the better one (abx: 1 if X was named rightly). `place` counts the buttons from 1;
 * `shown_turned` is 1 where the listener saw `system` as A.
 */
export function ratingsCsv({ scores, listeners }: Results): string {
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
  return [columns, ...lines].map((cells) => `${cells.map(field).join(',')}\r\n`).join('');
}

/** Quoted where need be (RFC 4180). */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The results in a few lines for a terminal. */
export function summaryLines({ listeners, systems, comparisons, choices }: Results): string[] {
  const excluded = listeners.filter((listener) => listener.excluded.length > 0);
  const interval = (low: number | null, high: number | null, factor = 1) =>
    low === null || high === null ? '' : ` (95% ${(factor * low).toFixed(2)} to ${(factor * high).toFixed(2)})`;
  return [
    `${listeners.length} listeners, ${listeners.filter(({ finished }) => finished).length} finished, ` +
      `${excluded.length} excluded`,
    ...systems.map(
      ({ signal, ratings, mean, low, high }) =>
        `${signal}: ${mean.toFixed(2)}${interval(low, high)}, ${ratings} ratings`,
    ),
    ...comparisons.map(
      ({ a, b, mean, low, high, pAdjusted }) =>
        `${b} - ${a}: ${mean.toFixed(2)}${interval(low, high)}, adjusted p = ${pAdjusted.toFixed(4)}`,
    ),
    ...choices.map(
      ({ a, b, votes, low, high, pAdjusted }) =>
        `${b} against ${a}: ${votes[1]} of ${votes[0] + votes[1]}${interval(low, high, 100)} %, adjusted p = ` +
        `${pAdjusted.toFixed(4)}`,
    ),
  ];
}
