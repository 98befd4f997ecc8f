import { distance as lettersApart } from 'fastest-levenshtein';
import { TtsError } from '../../base/errors.js';
import { isPhone, parsePhones } from '../../text/arpabet.js';
import { type Boundary, isBoundary, type Token } from '../../text/tokens.js';
import { matchSequences } from './sequences.js';
import type { Interval, TextGrid, Tier } from './textgrid.js';
import { boundaryToken, phoneToken, type Transcript } from './transcript.js';

/** A token with its place in the recording, in seconds. */
export interface AlignedToken extends Token {
  readonly start: number;
  readonly end: number;
}

/** A clip with what is said in it, and when. */
export interface ClipAlignment {
  /** As in the corpus. */
  readonly id: string;
  /** Length of the recording, in seconds. */
  readonly seconds: number;
  /** The words that are spoken; a token's `word` is the index of one. */
  readonly words: readonly string[];
  /**
   * A boundary, the phones of a word, a boundary, … a boundary. They follow each other without gaps from 0 to
   * `seconds`: boundaries last as long as the silence there, most often no time at all.
   */
  readonly tokens: readonly AlignedToken[];
  /**
   * Indices of words whose phones are not in the TextGrid, as its aligner did not know them: they are those of the
   * dictionary, and share the word's time evenly. Best left out of a training's measure of durations.
   */
  readonly guessed: readonly number[];
  readonly source: 'textgrid' | 'aligned';
}

/** What aligners write where nothing is said. */
const silences = new Set(['', 'sil', 'sp', '<eps>', '<sil>', '#', '_', 'silence', 'pau', '<p:>']);
const isSilence = ({ text }: Interval): boolean => silences.has(text.trim().toLowerCase());
/** What they write for a word that they do not know. */
const unknownPhones = new Set(['spn', 'oov', '<unk>']);

/** Longer clips are books. */
const mostWords = 5_000;

/** The tier of this name, or of one speaker: `words`, `Mary - words`. @throws TtsError ERR_TEXTGRID */
function tierNamed(grid: TextGrid, kind: 'word' | 'phone', name: string): Tier {
  const pattern = new RegExp(`(^|[^a-z])${kind}s?$`, 'i');
  const found = grid.tiers.filter((tier) => pattern.test(tier.name.trim()));
  if (found.length !== 1)
    throw new TtsError(
      'ERR_TEXTGRID',
      `${name} has ${found.length} tiers of ${kind}s, expected one named ${kind}s; it has ` +
        (grid.tiers.length === 0
          ? 'none'
          : grid.tiers
              .slice(0, 5)
              .map((tier) => `'${tier.name.slice(0, 30)}'`)
              .join(', ')),
    );
  return found[0];
}

/**
 * A TextGrid, of this toolkit or the Montreal Forced Aligner, as the tokens of its clip: words and phones are those of
 * the TextGrid, boundaries those of the transcript. Words are matched, so that a number that was read in another way
 * moves no comma.
 *
 * @param grid with one tier of words and one of phones in ARPAbet
 * @param clip `seconds` is the length of the recording; that of the grid where it is left out
 * @throws TtsError ERR_TEXTGRID if it has no such tiers, phones that are no ARPAbet, words without phones, another length
 * than the recording, or hardly a word of the transcript
 */
export function alignmentOfTextGrid(
  grid: TextGrid,
  transcript: Transcript,
  { id, seconds = grid.end, name = id }: { id: string; seconds?: number; name?: string },
): ClipAlignment {
  const wrong = (what: string) => new TtsError('ERR_TEXTGRID', `${name} ${what}`);
  if (Math.abs(grid.end - seconds) > 0.1)
    throw wrong(`ends at ${grid.end.toFixed(3)} s, expected the end of the recording, ${seconds.toFixed(3)} s`);
  const spoken = tierNamed(grid, 'word', name).intervals.filter((interval) => !isSilence(interval));
  const phones = tierNamed(grid, 'phone', name).intervals.filter((interval) => !isSilence(interval));
  if (spoken.length === 0) throw wrong('has no words');
  if (spoken.length > mostWords || transcript.words.length > mostWords)
    throw wrong(`has ${spoken.length} words, its transcript ${transcript.words.length}, expected ${mostWords} at most`);
  const { boundaries, own } = matchWords(spoken, transcript, wrong);
  const guessed: number[] = [];
  const tokens: Omit<AlignedToken, 'end'>[] = [];
  let at = 0;
  let next = 0;
  for (const [i, word] of spoken.entries()) {
    const within: Interval[] = [];
    const middle = ({ start, end }: Interval) => (start + end) / 2;
    while (next < phones.length && middle(phones[next]) < word.start) next++;
    while (next < phones.length && middle(phones[next]) < word.end) within.push(phones[next++]);
    const placed = placePhones(word, within);
    if ('wrong' in placed) throw wrong(placed.wrong);
    let said = placed.phones;
    if (said.length === 0) {
      const variant = own[i];
      if (variant === undefined) throw wrong(`has no phones for '${word.text.slice(0, 40)}'`);
      guessed.push(i);
      const each = (word.end - word.start) / variant.length;
      said = variant.map((phone, j) => ({ phone, start: word.start + j * each, end: word.start + (j + 1) * each }));
    }
    tokens.push({ ...boundaryToken(boundaries[i], i), start: at });
    for (const { phone, start } of said) tokens.push({ ...phoneToken(phone, i), start });
    at = said[said.length - 1].end;
  }
  tokens.push({ ...boundaryToken(boundaries[spoken.length], spoken.length), start: at });
  return {
    id,
    seconds,
    words: spoken.map(({ text }) => text),
    tokens: tiled(tokens, seconds),
    guessed,
    source: 'textgrid',
  };
}

/** Phones of a word with their names as ours; none where the aligner did not know the word. */
function placePhones(
  word: Interval,
  intervals: readonly Interval[],
): { phones: { phone: string; start: number; end: number }[] } | { wrong: string } {
  const names = intervals.map(({ text }) => text.trim().toUpperCase());
  if (intervals.length === 0 || names.some((name) => unknownPhones.has(name.toLowerCase()))) return { phones: [] };
  // Phones without stress get it as those that people write.
  const parsed = names.every(isPhone) ? { phones: names } : parsePhones(names.join(' '));
  if ('unknown' in parsed)
    return { wrong: `has the phone '${parsed.unknown.slice(0, 20)}' in '${word.text.slice(0, 40)}', expected ARPAbet` };
  if (parsed.phones.length !== intervals.length)
    return { wrong: `has ${intervals.length} phones in '${word.text.slice(0, 40)}', expected one a label` };
  return { phones: parsed.phones.map((phone, i) => ({ phone, start: intervals[i].start, end: intervals[i].end })) };
}

/** Gives every token its end, the start of the next one. */
function tiled(tokens: readonly Omit<AlignedToken, 'end'>[], seconds: number): AlignedToken[] {
  let least = 0;
  const starts = tokens.map(({ start }) => (least = Math.min(seconds, Math.max(least, start))));
  return tokens.map((token, i) => ({ ...token, start: starts[i], end: starts[i + 1] ?? seconds }));
}

/** Words as they are compared: letters, digits and apostrophes. */
const plain = (word: string): string =>
  word
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[’ʼ]/g, "'")
    .replaceAll(/[^\p{L}\p{N}']/gu, '');

/** The boundaries of the transcript around the words of a TextGrid, and our phones of those that match. */
function matchWords(
  spoken: readonly Interval[],
  { words, boundaries }: Transcript,
  wrong: (what: string) => TtsError,
): { boundaries: Boundary[]; own: (readonly string[] | undefined)[] } {
  const theirs = spoken.map(({ text }) => plain(text));
  const ours = words.map((word) => plain(word.spoken));
  const unknown = (word: string) => unknownPhones.has(`<${word}>`);
  const pairs = matchSequences(theirs, ours, (a, b) => (a === b ? 0 : unknown(a) ? 0.5 : alike(a, b) ? 0.6 : 1.2));
  const same = pairs.filter(([i, j]) => i !== undefined && j !== undefined && theirs[i] === ours[j]).length;
  const known = theirs.filter((word) => !unknown(word)).length;
  if (same < 0.5 * Math.min(known, ours.length) || known === 0)
    throw wrong(`has ${same} of the ${ours.length} words of its transcript, expected most of them`);
  const found = Array.from({ length: spoken.length + 1 }, (): Boundary => 'word');
  const own: (readonly string[] | undefined)[] = spoken.map(() => undefined);
  // Where the TextGrid has fewer words, the boundaries around those that it lacks become one, the strongest.
  let place = 0;
  const strength = (boundary: Boundary) => (boundary === 'word' ? -1 : order.indexOf(boundary));
  const put = (boundary: Boundary) => {
    if (strength(boundary) > strength(found[place])) found[place] = boundary;
  };
  for (const [i, j] of pairs) {
    if (j !== undefined) put(boundaries[j]);
    if (i === undefined) continue;
    place = i + 1;
    if (j !== undefined) own[i] = words[j].variants[0];
  }
  put(boundaries[words.length]);
  found[0] = 'start';
  if (found[spoken.length] === 'word') found[spoken.length] = 'open';
  return { boundaries: found, own };
}

const order: readonly Boundary[] = ['open', 'start', 'comma', 'dash', 'clause', 'statement', 'question', 'exclamation'];

const alike = (a: string, b: string): boolean => lettersApart(a, b) <= 0.4 * Math.max(a.length, b.length);

/** The TextGrid of an alignment, with tiers `words` and `phones` as the Montreal Forced Aligner writes them. */
export function textGridOf({ seconds, words, tokens }: ClipAlignment): TextGrid {
  const phones: Interval[] = [];
  const spoken: Interval[] = [];
  let open: number | undefined;
  for (const token of tokens) {
    const { start, end, word, symbol } = token;
    const silent = isBoundary(token);
    if (silent) open = undefined;
    if (end <= start) continue;
    phones.push({ start, end, text: silent ? '' : symbol });
    if (open !== word) spoken.push({ start, end, text: silent ? '' : words[word] });
    else spoken[spoken.length - 1] = { ...spoken[spoken.length - 1], end };
    open = silent ? undefined : word;
  }
  return {
    start: 0,
    end: seconds,
    tiers: [
      { name: 'words', intervals: spoken },
      { name: 'phones', intervals: phones },
    ],
  };
}
