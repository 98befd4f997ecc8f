import { existsSync, statSync } from 'node:fs';
import { TtsError } from '../base/errors.js';
import type { Kernels } from '../kernels/index.js';
import { voicePrecision } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import { synthesizeFolder } from '../synthesis/folder.js';
import { aboveBars, bar } from './progress.js';

interface Options {
  readonly seed: number;
  readonly temperature: number;
  readonly correction: boolean;
  readonly play?: boolean;
  readonly stdout?: boolean | string;
  readonly json?: boolean;
  readonly force?: boolean;
}

/** `tts-synth features/ out/`: everything in a folder. Exits with 2 where some of it could not be spoken. */
export async function synthFolder(
  voice: Voice,
  voiceName: string,
  input: string,
  output: string | undefined,
  kernels: Kernels,
  { seed, temperature, correction, play, stdout, json, force }: Options,
): Promise<void> {
  if (play || stdout !== undefined)
    throw new TtsError('ERR_ARGUMENT', `--play and --stdout are for one file, ${input} is a folder`);
  if (output === undefined)
    throw new TtsError('ERR_ARGUMENT', `nowhere to put the speech: expected a folder after ${input}`);
  if (existsSync(output) && !statSync(output).isDirectory())
    throw new TtsError(
      'ERR_ARGUMENT',
      `${output} is a file, expected a folder for the speech of all files in ${input}`,
    );
  const show = bar('files');
  const begun = performance.now();
  const files = await synthesizeFolder(voice, input, output, {
    voiceName,
    kernels,
    seed,
    temperature,
    correction,
    force,
    onFile({ input: file, output: wav, seconds, notes, error }, done, all) {
      aboveBars();
      for (const note of notes) console.error(`note: ${file}: ${note}`);
      if (error) console.error(`error ${error.code}: ${error.message}`);
      else if (!json) console.log(`${wav}: ${seconds.toFixed(2)} s of speech`);
      show(done, all);
    },
  });
  const seconds = (performance.now() - begun) / 1000;
  const spoken = files.filter(({ error }) => !error);
  const audioSeconds = spoken.reduce((sum, file) => sum + file.seconds, 0);
  const figures = {
    files: files.map(({ input: file, output: wav, seconds: audio, error }) =>
      error ? { input: file, error: error.code } : { input: file, out: wav, audioSeconds: audio },
    ),
    audioSeconds,
    seconds,
    realTimeFactor: audioSeconds > 0 ? seconds / audioSeconds : null,
    samplesPerSecond: (audioSeconds * voice.features.sampleRate) / seconds,
    kernels: kernels.name,
    precision: voicePrecision(voice),
    threads: kernels.threads,
    seed,
  };
  console.log(
    json
      ? JSON.stringify(figures)
      : `${spoken.length} of ${files.length} files: ${audioSeconds.toFixed(2)} s of speech in ` +
          `${seconds.toFixed(2)} s, real-time factor ${figures.realTimeFactor?.toFixed(3) ?? '–'}, ` +
          `${Math.round(figures.samplesPerSecond).toLocaleString('en-US')} samples/s, kernels ${kernels.name}, ` +
          `${figures.precision}, ${kernels.threads} threads`,
  );
  if (spoken.length < files.length) process.exitCode = 2;
}
