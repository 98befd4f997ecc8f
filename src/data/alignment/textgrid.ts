import { TtsError } from '../../base/errors.js';
import type { FileKind } from '../../base/output.js';
import { readWholeFile } from '../../base/whole_file.js';
import { decodeText } from '../corpora/text.js';

/** A stretch of time with a label; `''` for silence. Times in seconds. */
export interface Interval {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Intervals that follow each other without gaps, from the start of the grid to its end. */
export interface Tier {
  readonly name: string;
  readonly intervals: readonly Interval[];
}

/** What Praat calls a TextGrid: labelled stretches of one recording. Tiers of points are left out. */
export interface TextGrid {
  readonly start: number;
  readonly end: number;
  readonly tiers: readonly Tier[];
}

/** Larger files are no alignments of one recording. */
const mostBytes = 64 << 20;
/** A day and more is no clip. */
const mostSeconds = 100_000;
const mostTiers = 1_000;
/** Ends that programs have rounded may lie beside each other by so much. */
const tolerance = 0.05;

/** For outputs: a file that may be replaced by a TextGrid. */
export const textGridKind: FileKind = {
  name: 'a TextGrid',
  is: (head) => {
    const text = head.toString('latin1', 0, 400).replaceAll(/[\0\xfe\xff\xef\xbb\xbf]/g, '');
    return text.includes('ooTextFile') && text.includes('"TextGrid"');
  },
};

/** Reads a TextGrid; see `parseTextGrid`. @throws TtsError ERR_FILE_NOT_FOUND, ERR_FILE_READ, ERR_TEXTGRID */
export async function readTextGrid(path: string): Promise<TextGrid> {
  return parseTextGrid(await readWholeFile(path), path);
}

/**
 * Reads Praat's text formats, long and short, in UTF-8 or UTF-16. Both are one to a reader: of a file, only
 * free-standing numbers, strings in quotation marks and flags in angle brackets count, in their order (Praat's manual,
 * "TextGrid file formats"). Gaps in a tier become intervals without a label.
 *
 * @param name of the file, for messages
 * @throws TtsError ERR_TEXTGRID for anything else, with the line and what was expected there
 */
export function parseTextGrid(bytes: Buffer, name: string): TextGrid {
  if (bytes.length > mostBytes)
    throw new TtsError('ERR_TEXTGRID', `${name} has ${bytes.length} bytes, expected at most ${mostBytes}`);
  if (bytes.toString('latin1', 0, 12) === 'ooBinaryFile')
    throw new TtsError('ERR_TEXTGRID', `${name} is a binary file of Praat; save it there as a text file`);
  const reader = new Reader(decoded(bytes, name), name);
  const type = reader.string('"ooTextFile"');
  if (!/^ooTextFile( short)?$/.test(type)) reader.wrong(`"${shortened(type)}"`, '"ooTextFile"');
  const object = reader.string('"TextGrid"');
  if (object !== 'TextGrid') reader.wrong(`"${shortened(object)}"`, '"TextGrid"');
  const start = reader.time('the start of the grid', 0, mostSeconds);
  const end = reader.time('the end of the grid', start, mostSeconds);
  const tiers: Tier[] = [];
  if (reader.hasTiers()) {
    const count = reader.count('the number of tiers', mostTiers);
    for (let i = 0; i < count; i++) {
      const tier = readTier(reader, start, end);
      if (tier) tiers.push(tier);
    }
  }
  return { start, end, tiers };
}

function decoded(bytes: Buffer, name: string): string {
  try {
    return decodeText(bytes, name);
  } catch (error) {
    if (!(error instanceof TtsError)) throw error;
    throw new TtsError('ERR_TEXTGRID', error.message, { cause: error });
  }
}

function readTier(reader: Reader, start: number, end: number): Tier | undefined {
  const kind = reader.string('"IntervalTier" or "TextTier"');
  if (kind !== 'IntervalTier' && kind !== 'TextTier')
    reader.wrong(`"${shortened(kind)}"`, '"IntervalTier" or "TextTier"');
  const name = reader.string('the name of the tier');
  reader.time('the start of the tier', start - tolerance, end + tolerance);
  reader.time('the end of the tier', start - tolerance, end + tolerance);
  const count = reader.count('the number of intervals', Infinity);
  const intervals: Interval[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (kind === 'TextTier') {
      reader.time('the time of a point', start - tolerance, end + tolerance);
      reader.string('the mark of a point');
      continue;
    }
    // Ends that were rounded are put in their place.
    const from = Math.max(at, reader.time(`the start of interval ${i + 1}`, at - tolerance, end + tolerance));
    const to = Math.min(end, reader.time(`the end of interval ${i + 1}`, from - tolerance, end + tolerance));
    const text = reader.string('the label of an interval');
    if (to <= from) continue;
    if (from > at) intervals.push({ start: at, end: from, text: '' });
    intervals.push({ start: from, end: to, text });
    at = to;
  }
  if (kind === 'TextTier') return undefined;
  if (end > at) intervals.push({ start: at, end, text: '' });
  return { name, intervals };
}

const shortened = (text: string): string => (text.length > 30 ? `${text.slice(0, 30)}…` : text);

/** Goes through the words of a file that count. */
class Reader {
  /** Comments, the beginning of a string, and what stands free between spaces. */
  private readonly words = /!.*|"|[^\s"!][^\s"]*/g;

  constructor(
    private readonly text: string,
    private readonly name: string,
  ) {}

  /** The next string. */
  string(expected: string): string {
    const word = this.next(expected);
    if (word.string === undefined) this.wrong(word.all, expected);
    return word.string;
  }

  /** The next number, in seconds. */
  time(expected: string, least: number, most: number): number {
    const value = this.number(expected);
    if (!(value >= least && value <= most))
      this.wrong(String(value), `${expected}, a number from ${round(least)} to ${round(most)}`);
    return Math.max(0, value);
  }

  count(expected: string, most: number): number {
    const value = this.number(expected);
    if (!Number.isSafeInteger(value) || value < 0 || value > most) this.wrong(String(value), expected);
    return value;
  }

  /** The flag that says whether there are tiers. */
  hasTiers(): boolean {
    const { all } = this.next('<exists>');
    if (all !== '<exists>' && all !== '<absent>') this.wrong(all, '<exists>');
    return all === '<exists>';
  }

  wrong(found: string, expected: string): never {
    const line = this.text.slice(0, this.words.lastIndex).split(/\r\n|\r|\n/).length;
    throw new TtsError('ERR_TEXTGRID', `${this.name} line ${line} has ${shortened(found)}, expected ${expected}`);
  }

  private number(expected: string): number {
    const word = this.next(expected);
    if (word.string !== undefined) this.wrong(`"${shortened(word.string)}"`, expected);
    return Number(word.all);
  }

  private next(expected: string): { readonly all: string; readonly string?: string } {
    for (;;) {
      const match = this.words.exec(this.text);
      if (match === null) {
        this.words.lastIndex = this.text.length;
        this.wrong('its end', expected);
      }
      const [all] = match;
      if (all === '"') return { all, string: this.restOfString(expected) };
      if (/^<.*>$/.test(all) || /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(all)) return { all };
    }
  }
  /** A string behind its first mark; a mark inside is doubled. */
  private restOfString(expected: string): string {
    const parts: string[] = [];
    for (let from = this.words.lastIndex; ;) {
      const mark = this.text.indexOf('"', from);
      if (mark < 0) this.wrong('a string without its end', expected);
      parts.push(this.text.slice(from, mark));
      from = mark + 2;
      this.words.lastIndex = mark + 1;
      if (this.text[mark + 1] !== '"') return parts.join('"');
    }
  }
}

const round = (seconds: number) => Math.round(seconds * 1e6) / 1e6;

/** Writes Praat's long text format; times are rounded to microseconds. */
export function formatTextGrid({ start, end, tiers }: TextGrid): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = [
    'File type = "ooTextFile"',
    'Object class = "TextGrid"',
    '',
    `xmin = ${round(start)}`,
    `xmax = ${round(end)}`,
    'tiers? <exists>',
    `size = ${tiers.length}`,
    'item []:',
  ];
  for (const [i, { name, intervals }] of tiers.entries()) {
    lines.push(
      `    item [${i + 1}]:`,
      '        class = "IntervalTier"',
      `        name = ${quoted(name)}`,
      `        xmin = ${round(start)}`,
      `        xmax = ${round(end)}`,
      `        intervals: size = ${intervals.length}`,
    );
    for (const [j, interval] of intervals.entries())
      lines.push(
        `        intervals [${j + 1}]:`,
        `            xmin = ${round(interval.start)}`,
        `            xmax = ${round(interval.end)}`,
        `            text = ${quoted(interval.text)}`,
      );
  }
  return `${lines.join('\n')}\n`;
}
