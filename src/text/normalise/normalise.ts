import { parsePhones } from '../arpabet.js';
import { type Sentence, splitSentences } from '../sentences.js';
import { fold, type Note } from './fold.js';
import { numberRules } from './number_rules.js';
import { ordinal } from './numbers.js';
import type { Context, Rule, Said } from './scanner.js';
import { currencies, symbols } from './units.js';
import { addressRules, wordRules } from './word_rules.js';

/**
 * What comes between two words, from the weakest to the strongest: a comma; a dash, a bracket or dots; a colon or
 * semicolon; and the ends of sentences.
 */
export const pauses = ['comma', 'dash', 'clause', 'statement', 'question', 'exclamation'] as const;
export type Pause = (typeof pauses)[number];

/** Where something is in the text, in UTF-16 units: from `start` up to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Something that is spoken. */
export interface WordPiece extends Span {
  readonly kind: 'words';
  /** As it stands in the text. */
  readonly written: string;
  /** As `Said.words`, one by one, without hyphens. */
  readonly words: readonly string[];
  /** Why it is said so; undefined for words as they stand. */
  readonly why?: string;
}

/** Phones that the text gives itself: `{HH AH0 L OW1}`. */
export interface PhonePiece extends Span {
  readonly kind: 'phones';
  readonly written: string;
  readonly phones: readonly string[];
}

export interface PausePiece extends Span {
  readonly kind: 'pause';
  readonly pause: Pause;
}

export type Piece = WordPiece | PhonePiece | PausePiece;

export interface SpokenSentence extends Span {
  readonly text: string;
  /** In order; no pause at the beginning or the end, and no two side by side. */
  readonly pieces: readonly Piece[];
  /** What the sentence ends with; `open` if it has no sign at its end. */
  readonly ending: Pause | 'open';
  /** What is not spoken, or not as it stands. */
  readonly notes: readonly Note[];
}

/** English text as spoken words with pauses, sentence by sentence. */
export const normalise = (text: string): SpokenSentence[] => [...splitSentences(text)].map(normaliseSentence);

/**
 * One sentence as spoken words with pauses. Whatever the text holds, it gives words and notes, in time that grows with
 * its length.
 */
export function normaliseSentence({ text: source, start: offset }: Sentence): SpokenSentence {
  const { text, at, notes: folding } = fold(source);
  const notes: Note[] = [...folding];
  const pieces: Piece[] = [];
  const span = (from: number, to: number): Span => ({ start: offset + at[from], end: offset + endOf(at, to) });
  const scan = new Scan(text);

  const pause = (kind: Pause, from: number, to: number) => {
    scan.forget();
    const last = pieces[pieces.length - 1];
    if (last === undefined) return;
    const next: PausePiece = { kind: 'pause', pause: kind, ...span(from, to) };
    if (last.kind !== 'pause') pieces.push(next);
    else if (pauses.indexOf(last.pause) < pauses.indexOf(kind)) pieces[pieces.length - 1] = next;
  };

  while (scan.position < text.length) {
    const from = scan.position;
    const said = scan.next();
    if (said.kind === 'pause') pause(said.pause, from, scan.position);
    else if (said.kind === 'note') {
      const { start, end } = span(from, scan.position);
      notes.push({ start: start - offset, end: end - offset, note: said.note });
    } else if (said.kind !== 'nothing') {
      const where = span(from, scan.position);
      const written = source.slice(where.start - offset, where.end - offset);
      if (said.kind === 'phones') pieces.push({ kind: 'phones', written, phones: said.phones, ...where });
      else {
        const words = said.words.split(/[ -]+/).filter((word) => word !== '');
        if (words.length > 0)
          pieces.push({ kind: 'words', written, words, ...(said.why !== undefined && { why: said.why }), ...where });
      }
    }
  }
  if (pieces[pieces.length - 1]?.kind === 'pause') pieces.pop();
  if (pieces.length === 0 && notes.length === 0) notes.push({ start: 0, end: source.length, note: 'it has no words' });
  return {
    text: source,
    start: offset,
    end: offset + source.length,
    pieces,
    ending: endingOf(text),
    notes: merged(notes).map((note) => ({ ...note, start: offset + note.start, end: offset + note.end })),
  };
}

/** One note for neighbours of which the same is said. */
function merged(notes: readonly Note[]): Note[] {
  const all: Note[] = [];
  for (const note of [...notes].sort((a, b) => a.start - b.start)) {
    const last = all[all.length - 1];
    if (last?.note === note.note && last.end >= note.start) all[all.length - 1] = { ...last, end: note.end };
    else all.push(note);
  }
  return all;
}

/** Where the source goes on after the folded character before `to`: characters that fold to nothing stay behind it. */
function endOf(at: readonly number[], to: number): number {
  // Several folded characters may come from one of the source.
  let next = to;
  while (next < at.length - 1 && at[next] === at[to - 1]) next++;
  return at[next];
}

function endingOf(text: string): Pause | 'open' {
  const [, signs = ''] = /([.!?,;:—–-]+)["')\]}\s]*$/.exec(text.slice(-40)) ?? [];
  if (signs.includes('?')) return 'question';
  if (signs.includes('!')) return 'exclamation';
  if (signs.includes('.')) return 'statement';
  return ({ ',': 'comma', ';': 'clause', ':': 'clause' }[signs.slice(-1)] as Pause) ?? (signs === '' ? 'open' : 'dash');
}

type Step =
  | ({ readonly kind: 'words' } & Said)
  | { readonly kind: 'phones'; readonly phones: readonly string[] }
  | { readonly kind: 'pause'; readonly pause: Pause }
  | { readonly kind: 'note'; readonly note: string }
  | { readonly kind: 'nothing' };

const nothing: Step = { kind: 'nothing' };
const pausing = (pause: Pause): Step => ({ kind: 'pause', pause });

/** Words that no rule has anything to say about, as most are. */
const plainWord = /[a-z]{2,40}(?=[ ,;?!]|$)/y;
const notPlain = new Set(['vs', 'etc', 'ft', 'lbs']);

const beginsAddress = /[A-Za-z\d@#]/;
const beginsNumber = /[\d(.\p{Sc}'±+−-]/u;
/** First two characters of currencies that begin with letters: USD, A$. */
const beginsCurrency = new Set([...currencies.keys()].map((name) => name.slice(0, 2)));
const beginsWord = /[\p{L}'#@]/u;

const override = /\{([^{}]{0,400})\}/y;
const markup = /<\/?[A-Za-z][^<>]{0,200}>/y;
const otherWord = /[\p{L}\p{M}]{1,200}/uy;
const pictures = /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}){1,100}/uy;
const powers = /\^(\d{1,3})(?!\w)/y;
const anything = /(.)\1*/suy;

/** Goes through a folded sentence from token to token. */
class Scan implements Context {
  position = 0;
  previous = '';
  beforePrevious = '';
  readonly shouting: boolean;

  constructor(readonly text: string) {
    this.shouting = !/\p{Ll}/u.test(text) && (text.match(/\p{Lu}{2,}/gu)?.length ?? 0) > 2;
  }

  readonly rest = (from: number): string => this.text.slice(from, from + 60);

  /** After a pause no word stands before the next. */
  forget(): void {
    this.beforePrevious = this.previous;
    this.previous = '';
  }

  /** Reads one token and goes behind it. */
  next(): Step {
    const [all] = this.match(/\s+/y) ?? [];
    if (all !== undefined) return nothing;
    const [plain] = this.match(plainWord, (word) => !notPlain.has(word)) ?? [];
    if (plain !== undefined) return this.remember(plain, { kind: 'words', words: plain });
    return this.given() ?? this.byRule() ?? this.sign();
  }

  private match(pattern: RegExp, accept: (all: string) => boolean = () => true): RegExpExecArray | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null || match[0] === '' || !accept(match[0])) return undefined;
    this.position += match[0].length;
    return match;
  }

  private remember<T extends Step>(written: string, step: T): T {
    this.beforePrevious = this.previous;
    this.previous = written.replace(/\.$/, '');
    return step;
  }

  /** Phones in braces; markup, which is left out. */
  private given(): Step | undefined {
    if (this.text[this.position] === '{') {
      const before = this.position;
      const [all, inside] = this.match(override) ?? [];
      if (inside === undefined) return undefined;
      const parsed = parsePhones(inside);
      if ('phones' in parsed) return this.remember(all!, { kind: 'phones', phones: parsed.phones });
      // What is no phones is read as text, without its brace.
      this.position = before + 1;
      return { kind: 'note', note: `'${parsed.unknown}' is no phone of ARPAbet: what is in braces is read as text` };
    }
    const [tag] = this.match(markup) ?? [];
    return tag === undefined ? undefined : { kind: 'note', note: 'markup is left out' };
  }

  private byRule(): Step | undefined {
    const head = this.text.slice(this.position, this.position + 2);
    const first = head.charAt(0);
    // In "mid-1800s" the hyphen is no sign of the number.
    const joined = /[-+]/.test(first) && /[\p{L}\d)]/u.test(this.text[this.position - 1] ?? ' ');
    return (
      (beginsAddress.test(first) ? this.apply(addressRules) : undefined) ??
      ((beginsNumber.test(first) || beginsCurrency.has(head)) && !joined ? this.apply(numberRules) : undefined) ??
      (beginsWord.test(String.fromCodePoint(this.text.codePointAt(this.position)!)) ? this.apply(wordRules) : undefined)
    );
  }

  private apply(rules: readonly Rule[]): Step | undefined {
    for (const { pattern, say } of rules) {
      pattern.lastIndex = this.position;
      const match = pattern.exec(this.text);
      if (match === null) continue;
      const said = say(match, this);
      if (said === undefined) continue;
      const written = match[0].slice(0, said.length);
      this.position += written.length;
      return this.remember(written, { kind: 'words', ...said });
    }
    return undefined;
  }

  /** Punctuation, other signs, and what is not spoken. */
  private sign(): Step {
    const before = this.text[this.position - 1] ?? ' ';
    const pictured = this.match(pictures, (all) => !symbols.has(all));
    if (pictured) return { kind: 'note', note: `${pictured[0].slice(0, 20)}: pictures are not spoken` };
    const foreign = this.match(otherWord);
    if (foreign)
      return { kind: 'note', note: `'${foreign[0].slice(0, 40)}' is not in the Latin script, it is left out` };
    const [, power] = this.match(powers) ?? [];
    if (power !== undefined)
      return this.named(power === '2' ? 'squared' : power === '3' ? 'cubed' : `to the ${ordinal(power)}`);
    const { 0: all, 1: sign } = this.match(anything)!;
    const after = this.text[this.position] ?? ' ';
    switch (sign) {
      case '.':
        if (all.length > 1) return pausing('dash');
        return /^\s*["'(]*[\p{Lu}\d]/u.test(this.rest(this.position)) || this.restIsClosed()
          ? pausing('clause')
          : nothing;
      case ',':
        return pausing('comma');
      case ';':
      case ':':
        return pausing('clause');
      case '?':
        return pausing('question');
      case '!':
        return pausing('exclamation');
      case '—':
      case '–':
      case '(':
      case ')':
      case '[':
      case ']':
      case '{':
      case '}':
      case '•':
      case '·':
      case '|':
        return pausing('dash');
      case '-':
        return all.length > 1 || (/\s/.test(before) && /\s/.test(after)) ? pausing('dash') : nothing;
      case '"':
      case "'":
      case '_':
        return nothing;
      case '/':
        return /[\p{L}\d]/u.test(before) && /[\p{L}\d]/u.test(after) ? this.named('slash') : nothing;
      case '*':
        return all.length === 1 &&
          /\d ?\*$/.test(this.text.slice(Math.max(this.position - 3, 0), this.position)) &&
          /^ ?\d/.test(this.rest(this.position))
          ? this.named('times')
          : nothing;
      case '~':
        return /\d/.test(after) ? this.named('about') : nothing;
      default:
        break;
    }
    const name = symbols.get(sign) ?? currencies.get(sign)?.[1];
    // Rows of signs are decoration.
    if (name !== undefined && all.length <= 2 * sign.length) return this.named(name);
    if (/^[!-~]$/.test(sign)) return nothing;
    const code = sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    return { kind: 'note', note: `${sign} (U+${code}) is not spoken` };
  }

  private named(words: string): Step {
    return this.remember(words, { kind: 'words', words, why: 'sign' });
  }

  private restIsClosed(): boolean {
    return /^["')\]}\s]*$/.test(this.rest(this.position));
  }
}
