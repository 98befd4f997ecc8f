import { TtsError } from '../base/errors.js';
import { speakByWorkers } from '../cluster/speech.js';
import { chooseKernels } from '../kernels/index.js';
import { SIDE_BY_SIDE } from '../kernels/interface/kernels.js';
import { loadAcoustic } from '../model/acoustic/file.js';
import { checkVoiceFits } from '../model/acoustic/predict.js';
import { findAcoustic } from '../model/acoustic/shipped.js';
import { loadVoice } from '../model/voice/file.js';
import { findVoice } from '../model/voice/shipped.js';
import { speakFolder } from '../speech/folder.js';
import { isOnnx, openSpeaker } from '../speech/open.js';
import type { SpokenFile } from '../synthesis/folder_files.js';
import { readLexicon } from '../text/load.js';
import { type ClusterOptions, withQueue } from './cluster_options.js';
import { fileReporter, outputFolder, reportFolder } from './folder.js';

/** Options of `tts-speak`. */
export interface SpeakOptions extends ClusterOptions {
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
  const how = { speed, pitch, seed, temperature, correction, force, onFile: fileReporter(json) };
  const { lexicon, tokens, cluster } = options;
  let begun: number;
  let files: SpokenFile[];
  if (cluster === undefined) {
    const atOnce = SIDE_BY_SIDE * kernels.threads;
    const own = { acoustic: acoustic.path, tokens, voice: voice.path, lexicon, kernels, slots: atOnce };
    const speaker = await openSpeaker(own);
    begun = performance.now();
    files = await speakFolder(speaker, input, folder, { ...how, atOnce });
  } else {
    if (isOnnx(acoustic.path) || tokens !== undefined)
      throw new TtsError(
        'ERR_ARGUMENT',
        `--cluster is for acoustic models of the toolkit, ${acoustic.path} is in ONNX`,
      );
    const parts = { acoustic: await loadAcoustic(acoustic.path), voice: await loadVoice(voice.path), lexicon };
    checkVoiceFits(parts.acoustic, parts.voice, { model: acoustic.name, voice: voice.name });
    if (lexicon !== undefined) await readLexicon(lexicon);
    begun = performance.now();
    files = await withQueue(cluster, options, (link, note) =>
      speakByWorkers(link, parts, input, folder, { ...how, kernels, note }),
    );
  }
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
