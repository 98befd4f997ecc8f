import { TtsError } from '../base/errors.js';
import { synthesizeByWorkers } from '../cluster/speech.js';
import type { Kernels } from '../kernels/index.js';
import { voicePrecision } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import { synthesizeFolder } from '../synthesis/folder.js';
import { type ClusterOptions, withQueue } from './cluster_options.js';
import { fileReporter, outputFolder, reportFolder, secondsOf } from './folder.js';

interface Options extends ClusterOptions {
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
  { seed, temperature, correction, play, stdout, json, force, cluster, ...credentials }: Options,
): Promise<void> {
  if (play || stdout !== undefined)
    throw new TtsError('ERR_ARGUMENT', `--play and --stdout are for one file, ${input} is a folder`);
  const folder = outputFolder(input, output);
  const begun = performance.now();
  const how = { seed, temperature, correction };
  const options = { ...how, voiceName, kernels, force, onFile: fileReporter(json) };
  const files =
    cluster === undefined
      ? await synthesizeFolder(voice, input, folder, options)
      : await withQueue(cluster, credentials, (link, note) =>
          synthesizeByWorkers(link, voice, input, folder, { ...options, note }),
        );
  const seconds = (performance.now() - begun) / 1000;
  const samplesPerSecond = (secondsOf(files) * voice.features.sampleRate) / seconds;
  const precision = voicePrecision(voice);
  reportFolder(
    files,
    seconds,
    json,
    { samplesPerSecond, kernels: kernels.name, precision, threads: kernels.threads, seed },
    `${Math.round(samplesPerSecond).toLocaleString('en-US')} samples/s, kernels ${kernels.name}, ${precision}, ` +
      `${kernels.threads} threads`,
  );
}
