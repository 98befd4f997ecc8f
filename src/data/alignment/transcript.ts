import type { Pronouncer } from '../../text/lexicon/pronouncer.js';
import { type PhoneSentence, phonesOf } from '../../text/phones_of.js';
import { boundaries, type Boundary, type Token, tokenSymbols } from '../../text/tokens.js';

/** A word of a transcript. */
export interface TranscriptWord {
  /** What is said, as in `SpokenWord.spoken`. */
  readonly spoken: string;
  /** Its pronunciations; the text front end prefers the first. */
  readonly variants: readonly (readonly string[])[];
}

/** What is said in a clip, sentence after sentence. */
export interface Transcript {
  readonly words: readonly TranscriptWord[];
  /** What stands before each word, and after the last: one more than words. */
  readonly boundaries: readonly Boundary[];
}

/** More pronunciations of a word are guesses. */
const mostVariants = 8;

/** The words and pauses of a text, with all pronunciations that are known. */
export async function transcriptOf(text: string, pronouncer: Pronouncer): Promise<Transcript> {
  const sentences: PhoneSentence[] = [];
  for await (const sentence of phonesOf(text, { pronouncer })) sentences.push(sentence);
  return joinSentences(sentences);
}

/**
 * The sentences of a clip as one sequence. Where one sentence meets the next there is one boundary as between any two
 * words: that of the ending of the first.
 */
export function joinSentences(sentences: readonly PhoneSentence[]): Transcript {
  const words: TranscriptWord[] = [];
  const between: Boundary[] = [];
  let boundary: Boundary = 'start';
  for (const { elements, ending } of sentences) {
    if (!elements.some(({ kind }) => kind === 'word')) continue;
    for (const element of elements) {
      if (element.kind === 'pause') boundary = element.pause;
      else {
        between.push(boundary);
        words.push({ spoken: element.spoken, variants: element.variants.slice(0, mostVariants) });
        boundary = 'word';
      }
    }
    boundary = ending;
  }
  return { words, boundaries: [...between, words.length === 0 ? 'open' : boundary] };
}

const numbers = new Map(tokenSymbols.map((symbol, i) => [symbol, i]));

/** The token of a phone. */
export const phoneToken = (phone: string, word: number): Token => ({ symbol: phone, id: numbers.get(phone)!, word });

/** The token of a boundary; `word` is the index of the word that follows, or that of the last word plus one. */
export function boundaryToken(boundary: Boundary, word: number): Token {
  const id = boundaries.indexOf(boundary);
  return { symbol: tokenSymbols[id], id, word };
}
