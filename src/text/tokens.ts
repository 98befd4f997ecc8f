import { phones } from './arpabet.js';
import { pauses } from './normalise/normalise.js';
import type { PhoneSentence } from './phones_of.js';

/**
 * What stands between words and at the ends of a sentence. There is exactly one boundary before the first word, between
 * any two words and after the last; it lasts as long as the silence there, often no time at all.
 */
export const boundaries = ['start', 'word', ...pauses, 'open'] as const;
export type Boundary = (typeof boundaries)[number];

const symbolOf: Readonly<Record<Boundary, string>> = {
  start: '^',
  word: ' ',
  comma: ',',
  dash: '-',
  clause: ';',
  statement: '.',
  question: '?',
  exclamation: '!',
  open: '_',
};

/** All symbols of the sequences that an acoustic model reads; a token's number is its place here. It never changes. */
export const tokenSymbols: readonly string[] = [...boundaries.map((boundary) => symbolOf[boundary]), ...phones];

const numbers = new Map(tokenSymbols.map((symbol, i) => [symbol, i]));

/** One symbol that an acoustic model gives a duration. */
export interface Token {
  /** One of `tokenSymbols`. */
  readonly symbol: string;
  /** Its place there. */
  readonly id: number;
  /** Index of its word among the words of the sentence; of a boundary, of the word that follows. */
  readonly word: number;
}

export const isBoundary = ({ id }: Token): boolean => id < boundaries.length;

/**
 * A sentence as an acoustic model and an aligner read it: `^`, the phones of the words with one boundary between them,
 * and the boundary of its ending.
 *
 * @param openEnding the boundary for a sentence without a sign at its end; `statement` speaks "Hello" to an end
 */
export function tokensOf(sentence: PhoneSentence, { openEnding = 'open' }: { openEnding?: Boundary } = {}): Token[] {
  const tokens: Token[] = [];
  const put = (symbol: string, word: number) => tokens.push({ symbol, id: numbers.get(symbol)!, word });
  let word = 0;
  let boundary: Boundary = 'start';
  for (const element of sentence.elements) {
    if (element.kind === 'pause') boundary = element.pause;
    else {
      put(symbolOf[boundary], word);
      for (const phone of element.phones) put(phone, word);
      word++;
      boundary = 'word';
    }
  }
  if (word > 0) put(symbolOf[sentence.ending === 'open' ? openEnding : sentence.ending], word);
  return tokens;
}
