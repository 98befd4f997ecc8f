import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { MelSettings } from '../audio/mel_settings.js';
import { melPreset, melPresets } from '../audio/presets.js';
import { TtsError } from '../base/errors.js';
import { checkOutput, keepInputs, makeFolder } from '../base/output.js';
import { featuresByWorkers } from '../cluster/features.js';
import { openCorpus } from '../data/corpora/corpus.js';
import { checkFeatureOutput, writeFeatures } from '../data/features/files.js';
import { featuresOfRecording, type RecordingFeatures } from '../data/features/of_recording.js';
import { clusterHelp, type ClusterOptions, withCredentials, withQueue } from './cluster_options.js';
import { forceHelp } from './options.js';
import { examples, printer } from './program.js';
import { aboveBars, bar } from './progress.js';

interface Options extends ClusterOptions {
  preset: string;
  force?: boolean;
  json?: boolean;
}

/** `tts-prepare features`: the mel spectrograms of a recording, or of a corpus. */
export function addFeaturesCommand(command: Command): void {
  withCredentials(command.command('features'))
    .description(
      'compute the mel spectrogram of a recording (WAV, FLAC, MP3, Ogg Vorbis) and write it as .npy, float32 ' +
        '[frames, bins], with its settings as .json beside it; of a folder, those of all its recordings',
    )
    .argument(
      '<recording>',
      'the recording, - for standard input; it is mixed to mono and resampled if need be; or a folder, or one like LJSpeech',
    )
    .argument('<features.npy>', 'where the features go; - is standard output, without the .json; a folder for a folder')
    .option('-p, --preset <name>', `the convention: ${Object.keys(melPresets).join(', ')}`, 'hifigan')
    .option('--cluster <url>', `${clusterHelp}: a recording of a folder a job`)
    .option('--force', forceHelp)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      examples(
        'tts-prepare features recording.wav features.npy',
        'tts-prepare features my-recordings features --preset espnet',
      ),
    )
    .action(async (input: string, output: string, options: Options) => {
      const settings = melPreset(options.preset);
      if (existsSync(input) && statSync(input).isDirectory()) return folderFeatures(input, output, settings, options);
      if (options.cluster !== undefined)
        throw new TtsError('ERR_ARGUMENT', `--cluster is for folders of recordings, ${input} is none`);
      await oneRecording(input, output, settings, options);
    });
}

async function oneRecording(
  recording: string,
  path: string,
  settings: MelSettings,
  { preset, force, json }: Options,
): Promise<void> {
  keepInputs([path], [recording]);
  const beside = checkFeatureOutput(path, { force });
  if (beside !== undefined) checkOutput(beside, { force, inputs: [recording] });
  const { data, frames, bins, seconds, notes } = await featuresOfRecording(recording, settings);
  for (const note of notes) console.error(`note: ${note}`);
  await writeFeatures(path, { data, frames, bins, settings }, { force });
  const { sampleRate, hop } = settings;
  const result = { features: path, settings: beside ?? null, preset, frames, bins, seconds, sampleRate, hop };
  printer(path)(
    json
      ? JSON.stringify(result)
      : `${path}: ${frames} frames of ${bins} bins (${preset}, ${sampleRate} Hz, hop ${hop}) from ` +
          `${seconds.toFixed(2)} s`,
  );
}

/** Exits with 2 where some recordings cannot be used. */
async function folderFeatures(
  input: string,
  output: string,
  settings: MelSettings,
  { preset, force, json, cluster, ...credentials }: Options,
): Promise<void> {
  const corpus = await openCorpus(input);
  for (const note of corpus.notes ?? []) console.error(`note: ${note}`);
  const jobs = corpus.clips.map(({ id, path }) => ({ path, out: join(output, `${id}.npy`) }));
  keepInputs([output, ...jobs.map(({ out }) => out)], [input, ...jobs.map(({ path }) => path)]);
  // Refuse these now, not after minutes of work.
  for (const folder of new Set(jobs.map(({ out }) => dirname(out)))) makeFolder(folder);
  for (const { out } of jobs) checkFeatureOutput(out, { force });
  const show = bar('recordings');
  const files: object[] = [];
  let [seconds, refused] = [0, 0];
  const onFeatures = async (index: number, found: RecordingFeatures | TtsError) => {
    const { path, out } = jobs[index];
    aboveBars();
    if (found instanceof TtsError) {
      console.error(`error ${found.code}: ${found.message}`);
      files.push({ input: path, error: found.code });
      refused++;
    } else {
      const { data, frames, bins, notes } = found;
      for (const note of notes) console.error(`note: ${note}`);
      await writeFeatures(out, { data, frames, bins, settings }, { force });
      files.push({ input: path, features: out, frames, seconds: found.seconds });
      seconds += found.seconds;
    }
    show(files.length, jobs.length);
  };
  if (cluster === undefined)
    for (const [index, { path }] of jobs.entries())
      await onFeatures(
        index,
        await featuresOfRecording(path, settings).catch((error: unknown) => {
          if (error instanceof TtsError) return error;
          throw error;
        }),
      );
  else
    await withQueue(cluster, credentials, (link, note) =>
      featuresByWorkers(
        link,
        jobs.map(({ path }) => path),
        settings,
        onFeatures,
        note,
      ),
    );
  const { sampleRate, hop, bins } = settings;
  console.log(
    json
      ? JSON.stringify({ files, preset, seconds, sampleRate, hop, bins })
      : `${output}: features of ${jobs.length - refused} of ${jobs.length} recordings, ${bins} bins (${preset}, ` +
          `${sampleRate} Hz, hop ${hop}) from ${seconds.toFixed(2)} s`,
  );
  if (refused > 0) process.exitCode = 2;
}
