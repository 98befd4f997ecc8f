import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { audioExtensions } from '../audio/read.js';
import { wavKind, WavStream } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { keepInputs, makeFolder, targetOf } from '../base/output.js';
import { explainSystemError } from '../base/system_error.js';
import type { Voice } from '../model/voice/voice.js';
import { readSynthesisInput } from './input.js';
import { type SynthesisOptions, synthesizeMany } from './synthesize.js';

export interface FolderOptions extends SynthesisOptions {
  /** What messages call the voice. */
  readonly voiceName: string;
  /** Replaces files that are there even if they are no WAV files. */
  readonly force?: boolean;
  /** Called for each file when its speech is complete, or when it is clear why there will be none. */
  readonly onFile?: (file: SpokenFile, done: number, all: number) => void;
}

/** What became of one file of the input. */
export interface SpokenFile {
  readonly input: string;
  readonly output: string;
  readonly seconds: number;
  /** What was done to the features, for people to read. */
  readonly notes: readonly string[];
  /** Why it was not spoken; nothing is left of its output then. */
  readonly error?: TtsError;
}

/**
 * Turns every `.npy` and every recording of a folder into speech, `NAME.wav` in another folder, many at once; each as
 * it sounds alone with the same seed. What cannot be read is reported and left out.
 * @throws {TtsError} ERR_FILE_NOT_FOUND for a folder that holds nothing to speak, ERR_ARGUMENT for two files of one
 * name, ERR_FILE_WRITE where the output cannot be written, ERR_FILE_IS_INPUT where it would replace one of the inputs,
 * ERR_FILE_EXISTS where it would replace a file that is no WAV
 * @throws {AbortError} when `options.signal` says stop; files that are complete stay, nothing is left of the others
 */
export async function synthesizeFolder(
  voice: Voice,
  inputs: string,
  outputs: string,
  { voiceName, force, onFile, ...options }: FolderOptions,
): Promise<SpokenFile[]> {
  const names = await namesIn(inputs);
  const outputOf = (name: string) => join(outputs, `${stem(name)}.wav`);
  keepInputs([outputs, ...names.map(outputOf)], [inputs, ...names.map((name) => join(inputs, name))]);
  makeFolder(outputs);
  // Now, and not after minutes of speaking.
  for (const name of names) targetOf(outputOf(name), { kind: wavKind, force });
  const files: SpokenFile[] = [];
  const report = (file: SpokenFile) => {
    files.push(file);
    onFile?.(file, files.length, names.length);
  };
  /** Files in the order in which their speech begins. */
  const begun: {
    readonly input: string;
    readonly output: string;
    readonly notes: readonly string[];
    wav?: WavStream;
    samples: number;
  }[] = [];
  async function* features() {
    for (const name of names) {
      const [input, output] = [join(inputs, name), outputOf(name)];
      try {
        const { data, frames, notes } = await readSynthesisInput(input, voice, voiceName);
        begun.push({ input, output, notes, samples: 0 });
        yield { data, frames };
      } catch (error) {
        if (!(error instanceof TtsError)) throw error;
        report({ input, output, seconds: 0, notes: [], error });
      }
    }
  }
  const { sampleRate } = voice.features;
  try {
    for await (const { index, pcm, last } of synthesizeMany(voice, features(), options)) {
      const file = begun[index];
      file.wav ??= await WavStream.open(file.output, sampleRate, { force });
      await file.wav.write(pcm);
      file.samples += pcm.length;
      if (!last) continue;
      await file.wav.close();
      file.wav = undefined;
      report({ input: file.input, output: file.output, seconds: file.samples / sampleRate, notes: file.notes });
    }
  } catch (error) {
    for (const { wav } of begun) await wav?.abort();
    throw error;
  }
  return files;
}

/** Files to speak, the largest first: at the end, when slots fall idle, short ones are left. */
async function namesIn(folder: string): Promise<string[]> {
  const known = new Set(['.npy', ...audioExtensions]);
  const all = (
    await readdir(folder).catch((error: unknown) => Promise.reject(explainSystemError(folder, error, 'read')))
  )
    .filter((name) => known.has(extname(name).toLowerCase()) && !name.startsWith('.'))
    .sort();
  if (all.length === 0)
    throw new TtsError('ERR_FILE_NOT_FOUND', `nothing to speak in ${folder}, expected .npy files or recordings`);
  const byStem = new Map<string, string>();
  for (const name of all) {
    const other = byStem.get(stem(name));
    if (other !== undefined)
      throw new TtsError(
        'ERR_ARGUMENT',
        `${folder} has ${other} and ${name}, which would both become ${stem(name)}.wav`,
      );
    byStem.set(stem(name), name);
  }
  const sizes = new Map(
    await Promise.all(
      // A link to nowhere, or a name that is not UTF-8, is reported when it is to be read.
      all.map(async (name) => [name, (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size] as const),
    ),
  );
  return all.sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
}

const stem = (name: string): string => name.slice(0, name.length - extname(name).length);
