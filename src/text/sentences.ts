import { beforeNumbers, maybeLast, neverLast } from './normalise/abbreviations.js';

/** A stretch of a text that is spoken in one go. */
export interface Sentence {
  readonly text: string;
  /** Where it begins in the text, in UTF-16 units. */
  readonly start: number;
  /** Whether a blank line parts it from the sentence before. */
  readonly paragraph?: true;
}

/** A sentence that goes on for longer is cut, after a comma if there is one. */
const longest = 600;
/** Characters after a full stop that decide whether it ends a sentence. */
const lookahead = 64;

/** Words that begin sentences, and follow an abbreviation in the middle of one only rarely. */
const starters = new Set(
  (
    'the a an he she it they we i you in on at but and or so if when while after before this that these those there ' +
    'then as for from his her their our my its your what who where why how not no yes however although because since ' +
    'to by with all some many most one two another each every both few several now here once only even still later ' +
    'today yesterday tomorrow meanwhile nobody everybody everyone nothing something more such is are was were do does ' +
    'did can could will would should may might must let please thank thanks'
  ).split(' '),
);

const candidates = /[.!?…。！？]|\n/g;
const closers = /["'”’»)\]}]*/y;

/**
 * Parts a text that comes in pieces into sentences. The pieces' edges mean nothing: the same text gives the same
 * sentences, in time that grows with its length.
 */
export class SentenceSplitter {
  private buffer = '';
  /** Where the buffer begins in the text. */
  private start = 0;
  /** Where in the buffer the search goes on. */
  private scan = 0;
  /** Ends of lines since the last sentence; before the first one they part nothing. */
  private lines = -Infinity;

  /** Takes a piece and returns the sentences that are complete now. */
  push(piece: string): Sentence[] {
    this.buffer += piece;
    return this.take(false);
  }

  /** The text is at its end: returns what is left of it. */
  end(): Sentence[] {
    return this.take(true);
  }

  private take(ended: boolean): Sentence[] {
    const sentences: Sentence[] = [];
    for (let end = this.find(ended); end !== undefined; end = this.find(ended)) {
      const text = this.buffer.slice(0, end);
      const trimmed = text.trim();
      if (trimmed !== '') {
        const start = this.start + text.indexOf(trimmed);
        sentences.push({ text: trimmed, start, ...(this.lines > 1 && { paragraph: true as const }) });
        this.lines = 0;
      }
      this.lines += endsOfLines(text.slice(text.trimEnd().length));
      this.buffer = this.buffer.slice(end);
      this.start += end;
      this.scan = 0;
    }
    return sentences;
  }

  /** Where the first sentence of the buffer ends, or undefined while that cannot be said. */
  private find(ended: boolean): number | undefined {
    // Space before a sentence belongs to none.
    const [{ length: space }] = /^\s*/.exec(this.buffer)!;
    this.lines += endsOfLines(this.buffer.slice(0, space));
    this.buffer = this.buffer.slice(space);
    this.start += space;
    this.scan = Math.max(this.scan - space, 0);
    candidates.lastIndex = this.scan;
    for (let match = candidates.exec(this.buffer); match; match = candidates.exec(this.buffer)) {
      if (match.index >= longest) break;
      const end = endAfter(this.buffer, match.index, ended);
      if (end === 'unknown') {
        this.scan = match.index;
        return undefined;
      }
      if (end !== undefined) return end;
    }
    this.scan = Math.min(this.buffer.length, longest);
    if (this.buffer.length > longest + (ended ? 0 : lookahead)) return cutBefore(this.buffer, longest);
    return ended && this.buffer !== '' ? this.buffer.length : undefined;
  }
}

const endsOfLines = (text: string): number => text.split('\n').length - 1;

/** The end of a sentence whose last sign may be at `index`; undefined if it goes on, unknown if more text decides. */
function endAfter(text: string, index: number, ended: boolean): number | 'unknown' | undefined {
  const sign = text[index];
  const known = ended || text.length >= index + lookahead;
  if (sign === '\n') {
    const after = text.slice(index, index + lookahead);
    if (/^\n[^\S\n]*\n/.test(after)) return index + 1;
    // A list: each item is spoken for itself.
    if (/^\n\s*(?:[-*•]|\d{1,3}[.)])\s/.test(after)) return index + 1;
    return !known && /^\n\s*\S{0,4}$/.test(after) ? 'unknown' : undefined;
  }
  // Several signs are one, at the last of them.
  if (/[.!?…。！？]/.test(text[index + 1] ?? '')) return undefined;
  closers.lastIndex = index + 1;
  const end = index + 1 + closers.exec(text)![0].length;
  if (/[。！？]/.test(sign)) return text.length > end || ended ? end : 'unknown';
  const after = text.slice(end, index + lookahead);
  if (!known && !/^\s+\S+\s/.test(after) && !/^[^\s"'”’»)\]}.!?…]/.test(after)) return 'unknown';
  if (after === '') return ended ? end : undefined;
  if (!/^\s/.test(after)) return undefined;
  if (/^[^\S\n]*\n[^\S\n]*\n/.test(after)) return end;
  return endsSentence(text.slice(Math.max(index - 40, 0), index), sign, after.trimStart(), index) ? end : undefined;
}

/**
 * @param before up to forty characters before the sign
 * @param index characters of the sentence before it
 */
function endsSentence(before: string, sign: string, next: string, index: number): boolean {
  if (/^\p{Ll}/u.test(next)) return false;
  if (sign !== '.') return true;
  const [word] = /[^\s("'“‘[{]*$/.exec(before)!;
  if (neverLast.has(word)) return false;
  // "p. 5", "c. 1850", "5s. 6d."
  if (/^[#.]?\d/.test(next) && (beforeNumbers.has(word.toLowerCase()) || /^(?:c|£?\d{1,2}s)$/.test(word))) return false;
  // "3. The chapel": a number alone counts what follows.
  if (index <= 4 && /^(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})$/.test(word) && word.length === index) return false;
  const doubtful = maybeLast.has(word) || /^(?:\p{Lu}|(?:\p{L}\.)+\p{L}|[IVXL]{2,})$/u.test(word);
  if (!doubtful) return true;
  const [first = ''] = /^["'“‘(]*([\p{L}']+)/u.exec(next)?.slice(1) ?? [];
  return starters.has(first.toLowerCase());
}

/** Where to cut a text that has no end of a sentence: after a comma, or at a space, or in a word. */
function cutBefore(text: string, limit: number): number {
  const head = text.slice(0, limit);
  const comma = Math.max(...[',', ';', ':', '—'].map((sign) => head.lastIndexOf(`${sign} `)));
  if (comma > limit / 3) return comma + 1;
  const space = /^.*\s/s.exec(head)?.[0].length ?? 0;
  if (space > limit / 3) return space;
  return /[\uD800-\uDBFF]$/.test(head) ? limit - 1 : limit;
}

/** The sentences of a text. */
export function* splitSentences(text: string): Generator<Sentence> {
  const splitter = new SentenceSplitter();
  const piece = 4096;
  for (let at = 0; at < text.length; at += piece) yield* splitter.push(text.slice(at, at + piece));
  yield* splitter.end();
}

/** The sentences of a text that comes in pieces, each as soon as its end is known. */
export async function* streamSentences(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Sentence> {
  const splitter = new SentenceSplitter();
  for await (const piece of pieces) yield* splitter.push(piece);
  yield* splitter.end();
}
