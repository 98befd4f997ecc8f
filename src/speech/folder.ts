import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { wavKind, WavStream } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { keepInputs, makeFolder, targetOf } from '../base/output.js';
import { explainSystemError } from '../base/system_error.js';
import { nothingToSpeak } from './nothing.js';
import type { Speaker, SpeakingOptions } from './speaker.js';
import { readText } from './text_file.js';

export interface SpeakFolderOptions extends SpeakingOptions {
  /** Files at once. */
  readonly atOnce: number;
  /** Replaces files that are there even if they are no WAV files. */
  readonly force?: boolean;
  /** Called for each file when its speech is complete, or when it is clear why there will be none. */
  readonly onFile?: (file: SpokenTextFile, done: number, all: number) => void;
}

/** What became of one text. */
export interface SpokenTextFile {
  readonly input: string;
  readonly output: string;
  readonly seconds: number;
  /** What is not spoken of it. */
  readonly notes: readonly string[];
  /** Why it was not spoken; nothing is left of its output then. */
  readonly error?: TtsError;
}

/**
 * Speaks every `.txt` of a folder into `NAME.wav` in another folder, several at once; each as it sounds alone. What
 * cannot be read, or has nothing to speak, is reported and left out.
 * @throws {TtsError} ERR_FILE_NOT_FOUND for a folder without texts, ERR_ARGUMENT for two that would become one file,
 * ERR_FILE_WRITE where the output cannot be written, ERR_FILE_IS_INPUT where it would replace one of the inputs,
 * ERR_FILE_EXISTS where it would replace a file that is no WAV; what `Speaker.speak` throws
 * @throws {AbortError} when `options.signal` says stop; files that are complete stay, nothing is left of the others
 */
export async function speakFolder(
  speaker: Speaker,
  inputs: string,
  outputs: string,
  { atOnce, force, onFile, ...options }: SpeakFolderOptions,
): Promise<SpokenTextFile[]> {
  const names = await textsIn(inputs);
  const outputOf = (name: string) => join(outputs, `${name.slice(0, -4)}.wav`);
  keepInputs([outputs, ...names.map(outputOf)], [inputs, ...names.map((name) => join(inputs, name))]);
  makeFolder(outputs);
  // Now, and not after minutes of speaking.
  for (const name of names) targetOf(outputOf(name), { kind: wavKind, force });
  const files: SpokenTextFile[] = [];
  const report = (file: SpokenTextFile) => {
    files.push(file);
    onFile?.(file, files.length, names.length);
  };
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;

  async function speakFile(name: string): Promise<void> {
    const [input, output] = [join(inputs, name), outputOf(name)];
    const notes: string[] = [];
    let wav: WavStream | undefined;
    try {
      for await (const { pcm, sentence, last } of speaker.speak(readText(input), { ...options, signal })) {
        if (last) notes.push(...sentence.said.notes.map(({ note }) => note));
        if (pcm.length === 0) continue;
        wav ??= await WavStream.open(output, speaker.sampleRate, { force });
        await wav.write(pcm);
      }
      if (wav === undefined) throw nothingToSpeak(input, notes);
      await wav.close();
      report({ input, output, seconds: wav.samples / speaker.sampleRate, notes });
    } catch (error) {
      await wav?.abort();
      const reading = error instanceof TtsError && /^ERR_(TEXT|FILE_READ|FILE_NOT_FOUND)$/.test(error.code);
      if (!reading) throw error;
      report({ input, output, seconds: 0, notes, error });
    }
  }

  const waiting = names.values();
  const workers = Array.from({ length: Math.min(atOnce, names.length) }, async () => {
    try {
      for (const name of waiting) await speakFile(name);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  });
  const ends = await Promise.allSettled(workers);
  // Of several failures the first is the cause: the others were stopped by it.
  const reason: unknown = stop.signal.reason;
  if (ends.some(({ status }) => status === 'rejected')) throw reason;
  return files;
}

/** Texts, the largest first: at the end, when places fall idle, short ones are left. */
async function textsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((error: unknown) =>
    Promise.reject(explainSystemError(folder, error, 'read') as Error),
  );
  const names = entries.filter((name) => extname(name).toLowerCase() === '.txt' && !name.startsWith('.')).sort();
  if (names.length === 0)
    throw new TtsError('ERR_FILE_NOT_FOUND', `nothing to speak in ${folder}, expected .txt files`);
  const stems = new Map<string, string>();
  for (const name of names) {
    const other = stems.get(name.slice(0, -4));
    if (other !== undefined)
      throw new TtsError('ERR_ARGUMENT', `${folder} has ${other} and ${name}, which would both become one WAV`);
    stems.set(name.slice(0, -4), name);
  }
  const sizes = new Map<string, number>();
  for (const name of names) sizes.set(name, (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size);
  return names.sort((a, b) => sizes.get(b)! - sizes.get(a)!);
}
