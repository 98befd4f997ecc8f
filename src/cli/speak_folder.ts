import { TtsError } from '../base/errors.js';
import { chooseKernels } from '../kernels/index.js';
import { SIDE_BY_SIDE } from '../kernels/interface/kernels.js';
import { findAcoustic } from '../model/acoustic/shipped.js';
import { findVoice } from '../model/voice/shipped.js';
import { speakFolder } from '../speech/folder.js';
import { openSpeaker } from '../speech/open.js';
import { fileReporter, outputFolder, reportFolder } from './folder.js';

/** Options of `tts-speak`. */
export interface SpeakOptions {
  readonly acoustic: string;
  readonly tokens?: string;
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
export async function speakTexts(input: string, output: string | undefined, options: SpeakOptions): Promise<void> {
  const { speed, pitch, seed, temperature, correction, force, json } = options;
  if (options.play || options.show || options.stdout !== undefined || options.subtitles !== undefined)
    throw new TtsError(
      'ERR_ARGUMENT',
      `--play, --stdout, --show and --subtitles are for one text, ${input} is a folder`,
    );
  const folder = outputFolder(input, output);
  const acoustic = findAcoustic(options.acoustic);
  const voice = findVoice(options.voice);
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const atOnce = SIDE_BY_SIDE * kernels.threads;
  const speaker = await openSpeaker({
    acoustic: acoustic.path,
    tokens: options.tokens,
    voice: voice.path,
    lexicon: options.lexicon,
    kernels,
    slots: atOnce,
  });
  const begun = performance.now();
  const how = { speed, pitch, seed, temperature, correction };
  const files = await speakFolder(speaker, input, folder, { ...how, atOnce, force, onFile: fileReporter(json) });
  const figures = {
    acoustic: acoustic.name,
    voice: voice.name,
    kernels: kernels.name,
    threads: kernels.threads,
    speed,
    pitch,
    seed,
  };
  reportFolder(
    files,
    (performance.now() - begun) / 1000,
    json,
    figures,
    `${acoustic.name} with the voice ${voice.name}, kernels ${kernels.name}, ${kernels.threads} threads`,
  );
}
