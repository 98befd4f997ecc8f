import { existsSync, statSync } from 'node:fs';
import { TtsError } from '../base/errors.js';
import { chooseKernels } from '../kernels/index.js';
import { SIDE_BY_SIDE } from '../kernels/interface/kernels.js';
import { findAcoustic } from '../model/acoustic/shipped.js';
import { findVoice } from '../model/voice/shipped.js';
import { speakFolder } from '../speech/folder.js';
import { openSpeaker } from '../speech/open.js';
import { aboveBars, bar } from './progress.js';

interface Options {
  readonly acoustic: string;
  readonly voice: string;
  readonly lexicon?: string;
  readonly speed: number;
  readonly pitch: number;
  readonly seed: number;
  readonly temperature: number;
  readonly correction: boolean;
  readonly subtitles?: string;
  readonly show?: boolean;
  readonly play?: boolean;
  readonly stdout?: boolean | string;
  readonly kernels?: string;
  readonly threads?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `tts-speak texts/ spoken/`: every text of a folder. Exits with 2 where some of them could not be spoken. */
export async function speakTexts(input: string, output: string | undefined, options: Options): Promise<void> {
  const { speed, pitch, seed, temperature, correction, force, json } = options;
  if (options.play || options.show || options.stdout !== undefined || options.subtitles !== undefined)
    throw new TtsError(
      'ERR_ARGUMENT',
      `--play, --stdout, --show and --subtitles are for one text, ${input} is a folder`,
    );
  if (output === undefined)
    throw new TtsError('ERR_ARGUMENT', `nowhere to put the speech: expected a folder after ${input}`);
  if (existsSync(output) && !statSync(output).isDirectory())
    throw new TtsError(
      'ERR_ARGUMENT',
      `${output} is a file, expected a folder for the speech of the texts in ${input}`,
    );
  const acoustic = findAcoustic(options.acoustic);
  const voice = findVoice(options.voice);
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const atOnce = SIDE_BY_SIDE * kernels.threads;
  const speaker = await openSpeaker({
    acoustic: acoustic.path,
    voice: voice.path,
    lexicon: options.lexicon,
    kernels,
    slots: atOnce,
  });
  const show = bar('files');
  const begun = performance.now();
  const how = { speed, pitch, seed, temperature, correction };
  const files = await speakFolder(speaker, input, output, {
    ...how,
    atOnce,
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
    files: files.map((file) =>
      file.error
        ? { input: file.input, error: file.error.code }
        : { input: file.input, out: file.output, audioSeconds: file.seconds },
    ),
    audioSeconds,
    seconds,
    realTimeFactor: audioSeconds > 0 ? seconds / audioSeconds : null,
    acoustic: acoustic.name,
    voice: voice.name,
    kernels: kernels.name,
    threads: kernels.threads,
    speed,
    pitch,
    seed,
  };
  console.log(
    json
      ? JSON.stringify(figures)
      : `${spoken.length} of ${files.length} files: ${audioSeconds.toFixed(2)} s of speech in ` +
          `${seconds.toFixed(2)} s, real-time factor ${figures.realTimeFactor?.toFixed(3) ?? '–'}, ` +
          `${acoustic.name} with the voice ${voice.name}, kernels ${kernels.name}, ${kernels.threads} threads`,
  );
  if (spoken.length < files.length) process.exitCode = 2;
}
