import type { Pronouncer, Source, UnspokenWord } from './lexicon/pronouncer.js';
import type { Note } from './normalise/fold.js';
import { normaliseSentence, type Pause, type Piece, type Span } from './normalise/normalise.js';
import { type Sentence, splitSentences, streamSentences } from './sentences.js';

/** A word with its phones. */
export interface SpokenWord extends Span {
  readonly kind: 'word';
  /** What stands in the text; several words of one number share it and its span. */
  readonly written: string;
  /** What is said for it, in small letters; capitals are spelled. */
  readonly spoken: string;
  /** ARPAbet; vowels with 0, 1 or 2 for no, primary or secondary stress. */
  readonly phones: readonly string[];
  readonly source: Source;
  /** Why it is said so. */
  readonly why?: string;
  /** All pronunciations that are known, the one in `phones` first. */
  readonly variants: readonly (readonly string[])[];
}

export interface SpokenPause extends Span {
  readonly kind: 'pause';
  readonly pause: Pause;
}

/** A sentence as it is spoken. */
export interface PhoneSentence extends Span {
  readonly text: string;
  readonly elements: readonly (SpokenWord | SpokenPause)[];
  /** What it ends with; `open` if it has no sign at its end. */
  readonly ending: Pause | 'open';
  readonly notes: readonly Note[];
  /** Whether a blank line parts it from the sentence before. */
  readonly paragraph?: true;
}

/**
 * English text as phones, sentence by sentence; a text that comes in pieces is spoken while it comes. Whatever a text
 * holds, it gives words or notes, never an error.
 */
export async function* phonesOf(
  text: string | AsyncIterable<string> | Iterable<string>,
  { pronouncer }: { readonly pronouncer: Pronouncer },
): AsyncGenerator<PhoneSentence> {
  const sentences = typeof text === 'string' ? splitSentences(text) : streamSentences(text);
  for await (const sentence of sentences) yield await pronounceSentence(sentence, pronouncer);
}

async function pronounceSentence(sentence: Sentence, pronouncer: Pronouncer): Promise<PhoneSentence> {
  const { pieces: normalised, notes, ...rest } = normaliseSentence(sentence);
  const pieces = withOwnWords(normalised, sentence, pronouncer);
  const wanted: UnspokenWord[] = pieces.flatMap((piece, i) =>
    piece.kind !== 'words'
      ? []
      : piece.words.map((word, j) => ({
          word,
          written: piece.written,
          afterPause: j === 0 && pieces[i - 1]?.kind === 'pause',
        })),
  );
  const said = (await pronouncer.pronounce(wanted)).values();
  const all: Note[] = [...notes];
  const elements: (SpokenWord | SpokenPause)[] = [];
  for (const piece of pieces) {
    const { start, end } = piece;
    if (piece.kind === 'pause') {
      // Where nothing is spoken before it, or between two of them, there is no pause.
      const last = elements[elements.length - 1];
      if (last?.kind === 'word') elements.push(piece);
    } else if (piece.kind === 'words')
      for (const spoken of piece.words) {
        const pronunciation = said.next().value!;
        if ('note' in pronunciation) all.push({ start, end, note: pronunciation.note });
        else {
          const why = [piece.why, pronunciation.why].filter((reason) => reason !== undefined).join(', ');
          const word: SpokenWord = { kind: 'word', written: piece.written, spoken, ...pronunciation, start, end };
          elements.push(why === '' ? word : { ...word, why });
        }
      }
    else if (piece.kind === 'phones') {
      const { written, phones } = piece;
      const from = { source: 'override', variants: [phones] } as const;
      elements.push({ kind: 'word', written, spoken: written, phones, ...from, start, end });
    } else elements.push(piece);
  }
  if (elements[elements.length - 1]?.kind === 'pause') elements.pop();
  const spoken = { ...rest, elements, notes: all.sort((a, b) => a.start - b.start) };
  return sentence.paragraph ? { ...spoken, paragraph: true } : spoken;
}

/**
 * Puts words of the reader's lexicon in the place of what is written like them: of `x-ray`, which is two words
 * otherwise, or of `MP3`, which would be spelled.
 */
function withOwnWords(
  pieces: readonly Piece[],
  { text, start }: Sentence,
  pronouncer: Pronouncer,
): (Piece | SpokenWord)[] {
  const all: (Piece | SpokenWord)[] = [];
  for (let i = 0; i < pieces.length; i++) {
    let last = i;
    const joined = (at: number) =>
      pieces[at + 1]?.kind === 'words' &&
      pieces[at + 1].start === pieces[at].end + 1 &&
      text[pieces[at].end - start] === '-';
    while (pieces[i].kind === 'words' && last < i + 5 && joined(last)) last++;
    const found = pieces[i].kind === 'words' ? longestOwn(i, last) : undefined;
    all.push(found?.word ?? pieces[i]);
    if (found) i = found.last;
  }
  return all;

  function longestOwn(first: number, last: number): { word: SpokenWord; last: number } | undefined {
    for (let end = last; end >= first; end--) {
      const span = { start: pieces[first].start, end: pieces[end].end };
      const written = text.slice(span.start - start, span.end - start);
      const own = pronouncer.owned(written);
      if (own) return { word: { kind: 'word', written, spoken: written.toLowerCase(), ...own, ...span }, last: end };
    }
    return undefined;
  }
}
