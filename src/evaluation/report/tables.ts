import type { MeanInterval, PairedDifference } from '../comparison.js';
import type { ClipResult, Evaluation } from '../evaluate.js';
import { type Measure, shown } from '../measures.js';
import type { Recognition } from '../recognition/recognition.js';

/** A measure with its unit, for the head of a row or column. */
export const titleOf = ({ title, unit }: Measure): string => (unit === '' ? title : `${title}, ${unit}`);

/** Mean and half the width of its confidence interval. */
export function shownInterval({ mean, high }: MeanInterval, measure: Pick<Measure, 'digits'>): string {
  return mean === null || high === null
    ? shown(mean, measure)
    : `${shown(mean, measure)} ± ${shown(high - mean, measure)}`;
}

/** A difference with its sign, its interval, and p where there is one. */
export function shownDifference(difference: PairedDifference, measure: Measure): string {
  const { p } = difference;
  const shownP = p === null ? '' : ` (p = ${p < 0.001 ? p.toExponential(0) : p.toFixed(3)})`;
  return `${shownChange(difference, measure)}${shownP}`.replaceAll('-', '−');
}

/** A difference with its sign and its interval. */
function shownChange(difference: MeanInterval, measure: Pick<Measure, 'digits'>): string {
  const sign = difference.mean !== null && difference.mean > 0 ? '+' : '';
  return `${sign}${shownInterval(difference, measure)}`.replaceAll('-', '−');
}

/** A row per measure, a column per system; the head first. */
export function summaryRows({ measures, systems }: Evaluation): string[][] {
  return [
    ['measure', ...systems.map(({ name }) => name)],
    ...measures.map((measure) => [
      titleOf(measure),
      ...systems.map(({ summary }) => shownInterval(summary[measure.name], measure)),
    ]),
  ];
}

/** A row per measure, a column per pair of systems. */
export function differenceRows({ measures, differences }: Evaluation): string[][] {
  return [
    ['difference', ...differences.map(({ system, against }) => `${system} − ${against}`)],
    ...measures.map((measure) => [
      titleOf(measure),
      ...differences.map((pair) => shownDifference(pair.differences[measure.name], measure)),
    ]),
  ];
}

/** What the figures of `wordRows` are. */
export const wordsCaption = ({ recogniser, words, recordings: { clips } }: Recognition): string =>
  `Words that a recogniser (${recogniser}) gets wrong: errors over the ${words} words of ${clips.length} ` +
  `${clips.length === 1 ? 'clip' : 'clips'}, ± half of the 95% confidence interval`;

/** A row for the recordings and for each system. */
export function wordRows({ recordings, systems }: Recognition): string[][] {
  return [
    ['what was heard', 'word error rate, %', 'more than the recordings', 'errors'],
    ...[recordings, ...systems].map(({ name, rate, aboveRecordings, errors }) => [
      name,
      shownInterval(rate, { digits: 1 }),
      aboveRecordings === null ? '' : shownChange(aboveRecordings, { digits: 1 }),
      String(errors),
    ]),
  ];
}

/** A row per clip of a system, a column per measure. */
export function clipRows(measures: readonly Measure[], clips: readonly ClipResult[]): string[][] {
  return [
    ['clip', 'seconds', ...measures.map(titleOf)],
    ...clips.map((clip) => [clip.id, clip.seconds.toFixed(2), ...clipCells(measures, clip)]),
  ];
}

/** The values of one clip; its bursts are a whole number. */
export function clipCells(measures: readonly Measure[], clip: ClipResult): string[] {
  return measures.map((measure) =>
    shown(clip.measures[measure.name], measure.name === 'bursts' ? { digits: 0 } : measure),
  );
}
