import { existsSync, statSync } from 'node:fs';
import { TtsError } from '../base/errors.js';
import type { SpokenFile } from '../synthesis/folder_files.js';
import { aboveBars, bar } from './progress.js';

/** Where the speech of a folder goes. @throws {TtsError} ERR_ARGUMENT for nothing, or for a file */
export function outputFolder(input: string, output: string | undefined): string {
  if (output === undefined)
    throw new TtsError('ERR_ARGUMENT', `nowhere to put the speech: expected a folder after ${input}`);
  if (existsSync(output) && !statSync(output).isDirectory())
    throw new TtsError(
      'ERR_ARGUMENT',
      `${output} is a file, expected a folder for the speech of all files in ${input}`,
    );
  return output;
}

/** Says of each file what became of it; use it as `onFile`. */
export function fileReporter(json: boolean | undefined): (file: SpokenFile, done: number, all: number) => void {
  const show = bar('files');
  return ({ input, output, seconds, notes, error }, done, all) => {
    aboveBars();
    for (const note of notes) console.error(`note: ${input}: ${note}`);
    if (error) console.error(`error ${error.code}: ${error.message}`);
    else if (!json) console.log(`${output}: ${seconds.toFixed(2)} s of speech`);
    show(done, all);
  };
}

/** Seconds of speech that were made. */
export const secondsOf = (files: readonly SpokenFile[]): number => files.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * Prints what became of a folder, and sets the exit status 2 where some of it could not be spoken.
 * @param seconds that it took
 * @param figures further ones of this command
 * @param how it was spoken, for the end of the line
 */
export function reportFolder(
  files: readonly SpokenFile[],
  seconds: number,
  json: boolean | undefined,
  figures: object,
  how: string,
): void {
  const spoken = files.filter(({ error }) => !error).length;
  const audioSeconds = secondsOf(files);
  const realTimeFactor = audioSeconds > 0 ? seconds / audioSeconds : null;
  const each = files.map((file) =>
    file.error
      ? { input: file.input, error: file.error.code }
      : { input: file.input, out: file.output, audioSeconds: file.seconds },
  );
  console.log(
    json
      ? JSON.stringify({ files: each, audioSeconds, seconds, realTimeFactor, ...figures })
      : `${spoken} of ${files.length} files: ${audioSeconds.toFixed(2)} s of speech in ${seconds.toFixed(2)} s, ` +
          `real-time factor ${realTimeFactor?.toFixed(3) ?? '–'}, ${how}`,
  );
  if (spoken < files.length) process.exitCode = 2;
}
