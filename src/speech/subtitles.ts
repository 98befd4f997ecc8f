import type { FileKind } from '../base/output.js';
import { isStandardOutput } from '../base/standard_streams.js';
import { WholeFile } from '../base/whole_file.js';
import type { SpeechSentence } from './speaker.js';
import type { TimedWord } from './timing.js';

/** What is shown at a time, and when, in seconds. */
export interface Subtitle {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Two lines of 42 characters, as broadcasters have them. */
const lineLength = 42;
const longestText = 2 * lineLength;
const longestTime = 6;
/** So long a subtitle stands at least, if the next one does not come before. */
const shortestTime = 1;

/** The subtitles of a sentence: all of it if it is short, else phrases, which end where the sentence pauses if they can. */
export function subtitlesOf({ said }: Pick<SpeechSentence, 'said'>, words: readonly TimedWord[]): Subtitle[] {
  const units = unitsOf(said, words);
  const subtitles: Subtitle[] = [];
  for (let first = 0; first < units.length;) {
    const text = (end: number) =>
      clean(
        units
          .slice(first, end)
          .map((unit) => unit.text)
          .join(''),
      );
    let end = first + 1;
    while (
      end < units.length &&
      text(end + 1).length <= longestText &&
      units[end].end - units[first].start <= longestTime
    )
      end++;
    if (end < units.length) {
      // Back to a pause, if one lies in the second half.
      for (let at = end; at > first + (end - first) / 2; at--)
        if (pausesAfter.test(units[at - 1].text) || /^["'“‘([—–-]/.test(units[at].text)) {
          end = at;
          break;
        }
    }
    subtitles.push({ start: units[first].start, end: units[end - 1].end, text: text(end) });
    first = end;
  }
  return subtitles.filter(({ text }) => text !== '');
}

/** Signs at which a phrase may end. */
const pausesAfter = /[,;:.!?—–)…]['"”’]?\s*$/;

interface Unit {
  /** With the punctuation and the space after it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What stands in the text, and when it is said; the words of one number are one unit. */
function unitsOf({ text, start }: SpeechSentence['said'], words: readonly TimedWord[]): Unit[] {
  const groups: TimedWord[][] = [];
  for (const word of words) {
    const last = groups[groups.length - 1];
    if (last?.[0].place[0] === word.place[0]) last.push(word);
    else groups.push([word]);
  }
  // Signs go with the word before them, as far as no space parts them.
  const cuts = groups.map(([word], i) => {
    if (i === 0) return 0;
    const before = Math.max(0, groups[i - 1][0].place[1] - start);
    const at = Math.max(before, word.place[0] - start);
    const space = /\s\S*$/.exec(text.slice(before, at));
    return space ? before + space.index + 1 : at;
  });
  return groups.map((group, i) => ({
    text: text.slice(cuts[i], cuts[i + 1] ?? text.length),
    start: group[0].start,
    end: group[group.length - 1].end,
  }));
}

/** One line of what can be seen. */
const clean = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '')
    .trim();

/** Two lines of about the same length, if one does not do. */
function lines(text: string): string {
  if (text.length <= lineLength) return text;
  const middle = text.length / 2;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => index);
  if (spaces.length === 0) return text;
  const at = spaces.reduce((best, index) => (Math.abs(index - middle) < Math.abs(best - middle) ? index : best));
  return `${text.slice(0, at)}\n${text.slice(at + 1)}`;
}

/** `00:00:01,250`, with a comma in SubRip and a point in WebVTT. */
function clock(seconds: number, point: string): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const whole = Math.floor(ms / 1000);
  const hms = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(two).join(':');
  return `${hms}${point}${String(ms % 1000).padStart(3, '0')}`;
}

/** A subtitle as it stands in a SubRip file. @param number from 1 */
export const srtEntry = ({ start, end, text }: Subtitle, number: number): string =>
  `${number}\n${clock(start, ',')} --> ${clock(end, ',')}\n${lines(text.replaceAll('-->', '→'))}\n\n`;

/** The same for WebVTT, where `&`, `<` and `>` have a meaning. */
export const vttEntry = ({ start, end, text }: Subtitle): string =>
  `${clock(start, '.')} --> ${clock(end, '.')}\n` +
  `${lines(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}\n\n`;

/** What may be replaced by subtitles without asking. */
export const subtitleKind: FileKind = {
  name: 'a file of subtitles',
  is: (head) => /^(?:\uFEFF)?(?:WEBVTT\b|\d+\r?\n\d\d:\d\d:\d\d,\d{3} --> )/.test(head.toString('utf8')),
};

/** Writes subtitles while the speech is made: SubRip, or WebVTT where the name ends with `.vtt`; whole or not at all. */
export class SubtitleWriter {
  private number = 0;
  /** The last subtitle: how long it stands depends on the next. */
  private held: Subtitle | undefined;

  private constructor(
    private readonly file: WholeFile,
    private readonly isVtt: boolean,
  ) {}

  /** @throws {TtsError} ERR_FILE_WRITE, ERR_FILE_EXISTS for a file that is there and has no subtitles */
  static async create(path: string, { force }: { force?: boolean } = {}): Promise<SubtitleWriter> {
    const isVtt = !isStandardOutput(path) && /\.vtt$/i.test(path);
    const file = await WholeFile.create(path, { kind: subtitleKind, force });
    const writer = new SubtitleWriter(file, isVtt);
    if (isVtt) await writer.append('WEBVTT\n\n');
    return writer;
  }

  /** Takes a sentence, with all its words. */
  async write(sentence: Pick<SpeechSentence, 'said'>, words: readonly TimedWord[]): Promise<void> {
    for (const subtitle of subtitlesOf(sentence, words)) {
      await this.flush(subtitle.start);
      this.held = subtitle;
    }
  }

  async close(): Promise<void> {
    await this.flush(Infinity);
    await this.file.commit();
  }

  async abort(): Promise<void> {
    await this.file.abandon();
  }

  private async flush(next: number): Promise<void> {
    if (this.held === undefined) return;
    const { start, end, text } = this.held;
    const subtitle = { start, end: Math.max(end, Math.min(next, start + shortestTime)), text };
    this.held = undefined;
    await this.append(this.isVtt ? vttEntry(subtitle) : srtEntry(subtitle, ++this.number));
  }

  private async append(text: string): Promise<void> {
    await this.file.append(new TextEncoder().encode(text));
  }
}
