import { TtsError } from '../base/errors.js';

/** Notes on a text that are kept at most. */
const many = 20;

/** The notes on a text, each once: a long text may be full of the same, or of ever new ones. */
export class TextNotes {
  private readonly seen = new Set<string>();
  /** Notes that were left out because there were too many; those that were left out are counted as often as they come. */
  more = 0;

  /** @returns whether it is one to be shown: new, and not one too many */
  take(note: string): boolean {
    if (this.seen.has(note)) return false;
    if (this.seen.size >= many) {
      this.more++;
      return false;
    }
    this.seen.add(note);
    return true;
  }

  /** In the order in which they came, and how many are left out. */
  get all(): string[] {
    return [...this.seen, ...(this.more > 0 ? [`… and ${this.more} more`] : [])];
  }
}

/** The error for a text that has nothing to speak. */
export const nothingToSpeak = (name: string, notes: TextNotes): TtsError =>
  new TtsError(
    'ERR_TEXT',
    `there is nothing to speak in ${name}: ${notes.all[0] ?? 'it is empty'}; expected English words`,
  );
