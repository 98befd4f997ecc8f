import type { SpeechSentence } from '../speech/speaker.js';
import type { TimedWord } from '../speech/timing.js';

/** Tenths of a millisecond. */
const rounded = (seconds: number): number => Math.round(seconds * 1e4) / 1e4;

/** A sentence as `tts-speak --json` prints it; docs/speaking.md has the schema. */
export function describedSentence({ index, said, start, end }: SpeechSentence, words: readonly TimedWord[]) {
  return {
    index,
    text: said.text,
    place: [said.start, said.end],
    start: rounded(start),
    end: rounded(end),
    words: words.map((word) => ({
      written: word.written,
      spoken: word.spoken,
      place: word.place,
      start: rounded(word.start),
      end: rounded(word.end),
      phones: word.phones.map((phone) => ({
        phone: phone.phone,
        start: rounded(phone.start),
        end: rounded(phone.end),
      })),
    })),
    notes: said.notes.map((note) => ({ note: note.note, place: [note.start, note.end] })),
  };
}
