import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { wavKind } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { keepInputs, makeFolder, targetOf } from '../base/output.js';
import { explainSystemError } from '../base/system_error.js';

/** What became of one file of the input. */
export interface SpokenFile {
  readonly input: string;
  readonly output: string;
  readonly seconds: number;
  /** What was done to it, or left out, for people to read. */
  readonly notes: readonly string[];
  /** Why it was not spoken; nothing is left of its output then. */
  readonly error?: TtsError;
}

export interface FolderFileOptions {
  /** Replaces files that are there even if they are no WAV files. */
  readonly force?: boolean;
  /** Called for each file when its speech is complete, or when it is clear why there will be none. */
  readonly onFile?: (file: SpokenFile, done: number, all: number) => void;
}

/** The files of a folder that are to be spoken into another one. */
export interface FolderFiles {
  /** The largest first: at the end, when places fall idle, short ones are left. */
  readonly jobs: readonly { readonly input: string; readonly output: string }[];
  /** What was reported so far. */
  readonly files: readonly SpokenFile[];
  report(file: SpokenFile): void;
}

/**
 * Finds the files of a folder that have one of these endings, and makes sure of where their speech goes, `NAME.wav` in
 * another folder, before there is any.
 * @param expected what messages say the folder should hold
 * @throws {TtsError} ERR_FILE_NOT_FOUND for a folder that holds nothing to speak, ERR_ARGUMENT for two files of one
 * name, ERR_FILE_WRITE where the output cannot be written, ERR_FILE_IS_INPUT where it would replace one of the inputs,
 * ERR_FILE_EXISTS where it would replace a file that is no WAV
 */
export async function openFolderFiles(
  inputs: string,
  outputs: string,
  { endings, expected }: { readonly endings: readonly string[]; readonly expected: string },
  { force, onFile }: FolderFileOptions,
): Promise<FolderFiles> {
  const names = await namesIn(inputs, endings, expected);
  const jobs = names.map((name) => ({ input: join(inputs, name), output: join(outputs, `${stem(name)}.wav`) }));
  keepInputs([outputs, ...jobs.map(({ output }) => output)], [inputs, ...jobs.map(({ input }) => input)]);
  makeFolder(outputs);
  for (const { output } of jobs) targetOf(output, { kind: wavKind, force });
  const files: SpokenFile[] = [];
  return {
    jobs,
    files,
    report(file) {
      files.push(file);
      onFile?.(file, files.length, jobs.length);
    },
  };
}

async function namesIn(folder: string, endings: readonly string[], expected: string): Promise<string[]> {
  const all = (
    await readdir(folder).catch((error: unknown) => Promise.reject(explainSystemError(folder, error, 'read')))
  )
    .filter((name) => endings.includes(extname(name).toLowerCase()) && !name.startsWith('.'))
    .sort();
  if (all.length === 0) throw new TtsError('ERR_FILE_NOT_FOUND', `nothing to speak in ${folder}, expected ${expected}`);
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
