import type { PhoneSentence, SpokenWord } from '../text/phones_of.js';
import { isBoundary, type Token } from '../text/tokens.js';

/** When a phone is spoken, in seconds from the beginning of the speech. */
export interface TimedPhone {
  /** ARPAbet. */
  readonly phone: string;
  readonly start: number;
  readonly end: number;
}

/** When a word is spoken, in seconds from the beginning of the speech. */
export interface TimedWord {
  /** As it stands in the text; several words of one number share it. */
  readonly written: string;
  /** What is said for it. */
  readonly spoken: string;
  readonly start: number;
  readonly end: number;
  readonly phones: readonly TimedPhone[];
  /** Where it stands in the text, in UTF-16 units: from the first up to before the second. */
  readonly place: readonly [number, number];
}

/**
 * The words of a sentence with their times.
 * @param tokens of the sentence, by `tokensOf`
 * @param starts [tokens + 1] the first frame of each
 * @param begin when the first frame sounds, in seconds
 */
export function timeWords(
  { elements }: PhoneSentence,
  tokens: readonly Token[],
  starts: Int32Array,
  begin: number,
  secondsPerFrame: number,
): TimedWord[] {
  const at = (token: number) => begin + starts[token] * secondsPerFrame;
  const phones: TimedPhone[][] = [];
  for (const [i, token] of tokens.entries())
    if (!isBoundary(token)) (phones[token.word] ??= []).push({ phone: token.symbol, start: at(i), end: at(i + 1) });
  return elements
    .filter((element): element is SpokenWord => element.kind === 'word')
    .map(({ written, spoken, start, end }, i) => ({
      written,
      spoken,
      start: phones[i][0].start,
      end: phones[i][phones[i].length - 1].end,
      phones: phones[i],
      place: [start, end] as const,
    }));
}

/** Seconds between two sentences, at speed 1. */
const pauseAfter: Readonly<Record<PhoneSentence['ending'], number>> = {
  comma: 0.15,
  dash: 0.25,
  clause: 0.25,
  statement: 0.4,
  question: 0.4,
  exclamation: 0.4,
  open: 0.4,
};
const pauseOfParagraph = 0.8;

/**
 * Seconds of silence that stand between two sentences, at speed 1; what of it their sound has itself, at the end of the
 * one and at the beginning of the other, counts.
 */
export const pauseBetween = (before: PhoneSentence, after: PhoneSentence): number =>
  after.paragraph ? pauseOfParagraph : pauseAfter[before.ending];
