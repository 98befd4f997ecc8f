import { WavStream } from '../audio/write.js';
import { concatenated } from '../base/concatenated.js';
import { TtsError } from '../base/errors.js';
import { type FileSource, nameOf } from '../base/whole_file.js';
import { type FolderFileOptions, openFolderFiles, type SpokenFile } from '../synthesis/folder_files.js';
import { nothingToSpeak, TextNotes } from './notes.js';
import type { Speaker, SpeakingOptions } from './speaker.js';
import { readText } from './text_file.js';

export interface SpeakFolderOptions extends SpeakingOptions, FolderFileOptions {
  /** Files at once. */
  readonly atOnce: number;
}

/** What is spoken of a folder. */
export const spokenTexts = { endings: ['.txt'], expected: '.txt files' };

/** Whether a text is at fault, for which the others are spoken all the same. */
export const unspeakable = (error: unknown): error is TtsError =>
  error instanceof TtsError && /^ERR_(TEXT|FILE_READ|FILE_NOT_FOUND)$/.test(error.code);

/**
 * Speaks a text to its end.
 * @throws {TtsError} what `readText` and `Speaker.speak` throw; ERR_TEXT where there is nothing to speak
 */
export async function speakWhole(
  speaker: Speaker,
  source: FileSource,
  options: SpeakingOptions,
): Promise<{ pcm: Int16Array; notes: string[] }> {
  const notes = new TextNotes();
  const pieces: Int16Array[] = [];
  for await (const { pcm, sentence, last } of speaker.speak(readText(source), options)) {
    if (last) for (const { note } of sentence.said.notes) notes.take(note);
    pieces.push(pcm);
  }
  const pcm = concatenated(pieces, Int16Array);
  if (pcm.length === 0) throw nothingToSpeak(nameOf(source), notes);
  return { pcm, notes: notes.all };
}

/**
 * Speaks every `.txt` of a folder into `NAME.wav` in another folder, several at once; each as it sounds alone. What
 * cannot be read, or has nothing to speak, is reported and left out.
 * @throws {TtsError} what `openFolderFiles` and `Speaker.speak` throw
 * @throws {AbortError} when `options.signal` says stop; files that are complete stay, nothing is left of the others
 */
export async function speakFolder(
  speaker: Speaker,
  inputs: string,
  outputs: string,
  { atOnce, force, onFile, ...options }: SpeakFolderOptions,
): Promise<SpokenFile[]> {
  const { jobs, files, report } = await openFolderFiles(inputs, outputs, spokenTexts, { force, onFile });
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;

  async function speakFile({ input, output }: (typeof jobs)[number]): Promise<void> {
    const notes = new TextNotes();
    let wav: WavStream | undefined;
    try {
      for await (const { pcm, sentence, last } of speaker.speak(readText(input), { ...options, signal })) {
        if (last) for (const { note } of sentence.said.notes) notes.take(note);
        if (pcm.length === 0) continue;
        wav ??= await WavStream.open(output, speaker.sampleRate, { force });
        await wav.write(pcm);
      }
      if (wav === undefined) throw nothingToSpeak(input, notes);
      await wav.close();
      report({ input, output, seconds: wav.samples / speaker.sampleRate, notes: notes.all });
    } catch (error) {
      await wav?.abort();
      if (!unspeakable(error)) throw error;
      report({ input, output, seconds: 0, notes: notes.all, error });
    }
  }

  const waiting = jobs.values();
  const workers = Array.from({ length: Math.min(atOnce, jobs.length) }, async () => {
    try {
      for (const job of waiting) await speakFile(job);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
  const ends = await Promise.allSettled(workers);
  // Of several failures the first is the cause: the others were stopped by it.
  const reason: unknown = stop.signal.reason;
  if (ends.some(({ status }) => status === 'rejected')) throw reason;
  return [...files];
}
