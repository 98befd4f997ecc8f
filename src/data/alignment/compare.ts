import { isBoundary } from '../../text/tokens.js';
import type { AlignedToken, ClipAlignment } from './clip_alignment.js';
import { matchSequences } from './sequences.js';

/** How near the phones of alignments lie to those of a reference. Shares are in 0 … 1, times in seconds. */
export interface AlignmentComparison {
  readonly clips: number;
  /** Phones of the reference in these clips, without words that its aligner did not know. */
  readonly phones: number;
  /** Those of them whose phone both have, without regard to stress; only they are compared. */
  readonly compared: number;
  /** Starts and ends, each counted, that lie within so many seconds of those of the reference. */
  readonly within: readonly { readonly seconds: number; readonly share: number }[];
  /** Phones whose start and end both lie within 25 ms. */
  readonly bothWithin25: number;
  /** Medians of the distances without their sign, and with it: above 0 where ours come later. */
  readonly medianDistance: number;
  readonly medianShift: number;
  /** Words whose middle lies outside of the same word of the reference: `CLIP: word`. */
  readonly wordsOff: readonly string[];
}

const limits = [0.01, 0.025, 0.05];

/**
 * Compares alignments with those of a reference, such as the Montreal Forced Aligner's. Words are matched, and in each
 * word its phones, as the two may have chosen different pronunciations.
 */
export function compareAlignments(
  ours: readonly ClipAlignment[],
  references: readonly ClipAlignment[],
): AlignmentComparison {
  const byId = new Map(references.map((reference) => [reference.id, reference]));
  const distances: number[] = [];
  const wordsOff: string[] = [];
  let clips = 0;
  let phones = 0;
  let both = 0;
  for (const mine of ours) {
    const reference = byId.get(mine.id);
    if (reference === undefined) continue;
    clips++;
    const [own, theirs] = [phonesByWord(mine), phonesByWord(reference)];
    const unknown = new Set(reference.guessed);
    const words = matchSequences(mine.words, reference.words, (a, b) =>
      a.toLowerCase() === b.toLowerCase() ? 0 : 0.8,
    );
    for (const [i, j] of words) {
      if (j === undefined || unknown.has(j)) continue;
      phones += theirs[j].length;
      if (i === undefined) continue;
      const middle = (own[i][0].start + own[i][own[i].length - 1].end) / 2;
      if (middle < theirs[j][0].start || middle > theirs[j][theirs[j].length - 1].end)
        wordsOff.push(`${mine.id}: ${reference.words[j]}`);
      // Rather two that have no partner than two that are different.
      for (const [a, b] of matchSequences(own[i], theirs[j], (one, other) => (bare(one) === bare(other) ? 0 : 3))) {
        if (a === undefined || b === undefined) continue;
        const [one, other] = [own[i][a], theirs[j][b]];
        const [start, end] = [one.start - other.start, one.end - other.end];
        distances.push(start, end);
        if (isWithin(start, 0.025) && isWithin(end, 0.025)) both++;
      }
    }
  }
  const compared = distances.length / 2;
  return {
    clips,
    phones,
    compared,
    within: limits.map((seconds) => ({
      seconds,
      share: distances.filter((distance) => isWithin(distance, seconds)).length / distances.length,
    })),
    bothWithin25: both / compared,
    medianDistance: middleOf(distances.map(Math.abs)),
    medianShift: middleOf(distances),
    wordsOff,
  };
}

/** Times of the reference are rounded. */
const isWithin = (distance: number, seconds: number) => Math.abs(distance) <= seconds + 1e-6;

const bare = ({ symbol }: AlignedToken) => symbol.replace(/\d$/, '');

function phonesByWord({ words, tokens }: ClipAlignment): AlignedToken[][] {
  const found: AlignedToken[][] = words.map(() => []);
  for (const token of tokens) if (!isBoundary(token)) found[token.word].push(token);
  return found;
}

const middleOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
