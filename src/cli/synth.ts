#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs';
import { wavKind } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { checkOutput } from '../base/output.js';
import { settingsPath } from '../data/features/files.js';
import { chooseKernels } from '../kernels/index.js';
import { loadVoice } from '../model/voice/file.js';
import { voicePrecision } from '../model/voice/network.js';
import { defaultVoice, findVoice } from '../model/voice/shipped.js';
import { type Voice } from '../model/voice/voice.js';
import { readSynthesisInput } from '../synthesis/input.js';
import { synthesize } from '../synthesis/synthesize.js';
import { clusterHelp, type ClusterOptions, withCredentials } from './cluster_options.js';
import { forceHelp, kernelsHelp, positiveNumber, wholeNumber } from './options.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { checkStandardOutput, openSinks } from './sinks.js';
import { synthFolder } from './synth_folder.js';
import { voiceHelp, voiceName } from './voices.js';

interface Options extends ClusterOptions {
  voice: string;
  seed: number;
  temperature: number;
  correction: boolean;
  kernels?: string;
  play?: boolean;
  stdout?: boolean | string;
  json?: boolean;
  force?: boolean;
  threads?: number;
}

function densityOf({ sparse }: Voice): number {
  const matrices = Object.values(sparse);
  return (
    matrices.reduce((sum, { values }) => sum + values.length, 0) /
    matrices.reduce((sum, { rows, columns }) => sum + rows * columns, 0)
  );
}

const command = withCredentials(
  createCommand('tts-synth', 'Turn acoustic features (.npy), or a recording by copy synthesis, into speech.'),
)
  .argument(
    '<input>',
    'features.npy, or a recording (WAV, FLAC, MP3, Ogg Vorbis), or a folder of them; - is standard input',
  )
  .argument(
    '[out.wav]',
    'where the speech goes, a folder for a folder, - for standard output; not needed with --stdout or --play',
  )
  .option('--voice <name|file>', `${voiceHelp}; list prints those that ship`, voiceName, defaultVoice)
  .option('--seed <n>', 'seed of the random numbers: the same seed gives the same WAV', wholeNumber, 1)
  .option('--temperature <t>', 'below 1 calmer and duller, 1 as the voice has learned', positiveNumber, 1)
  .option('--no-correction', 'leave the spectrum as it was drawn, and do not bring it nearer to the features')
  .option('--play', 'play it while it is made')
  .option(
    '--stdout [format]',
    'write it to stdout while it is made, as wav (default) or pcm (16-bit little-endian mono)',
  )
  .option('--kernels <name>', kernelsHelp)
  .option(
    '--threads <n>',
    'threads at most (default: one per core); one file uses several where the network is wide and that is faster',
    wholeNumber,
  )
  .option('--cluster <url>', `for a folder: ${clusterHelp}, a file a job`)
  .option('--force', forceHelp)
  .option('--json', 'print the figures as JSON (on stderr if the speech goes to stdout)')
  .addHelpText(
    'after',
    examples(
      'tts-synth features.npy out.wav',
      'tts-synth my-recordings spoken --voice runs/my-voice/voice.safetensors',
    ),
  )
  .action(async (input: string, path: string | undefined, options: Options) => {
    const isFolder = existsSync(input) && statSync(input).isDirectory();
    if (path === undefined && !isFolder && !options.stdout && !options.play)
      throw new TtsError('ERR_ARGUMENT', 'nowhere to put the speech: expected out.wav, --stdout or --play');
    const { stdout } = options;
    checkStandardOutput(path, stdout);
    const { name, path: voicePath } = findVoice(options.voice);
    if (path !== undefined && !isFolder)
      checkOutput(path, {
        kind: wavKind,
        force: options.force,
        inputs: [input, settingsPath(input) ?? input, voicePath],
      });
    const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
    const voice = await loadVoice(voicePath);
    if (options.cluster !== undefined && !isFolder)
      throw new TtsError('ERR_ARGUMENT', `--cluster is for folders, ${input} is one file`);
    if (isFolder) return synthFolder(voice, name, input, path, kernels, options);
    const { data, frames, notes } = await readSynthesisInput(input, voice, name);
    for (const note of notes) console.error(`note: ${note}`);

    const { sampleRate, hop } = voice.features;
    const sinks = await openSinks(path, options, sampleRate);
    const begun = performance.now();
    let first = 0;
    try {
      for await (const pcm of synthesize(
        voice,
        { data, frames },
        { seed: options.seed, temperature: options.temperature, correction: options.correction, kernels },
      )) {
        first ||= performance.now() - begun;
        await sinks.write(pcm);
      }
      await sinks.close();
    } catch (error) {
      await sinks.abort();
      throw error;
    }
    const seconds = (performance.now() - begun) / 1000;
    const audio = (frames * hop) / sampleRate;
    const figures = {
      out: path ?? null,
      audioSeconds: audio,
      seconds,
      realTimeFactor: seconds / audio,
      samplesPerSecond: (frames * hop) / seconds,
      firstSoundSeconds: first / 1000,
      kernels: kernels.name,
      precision: voicePrecision(voice),
      density: densityOf(voice),
      seed: options.seed,
    };
    const text = options.json
      ? JSON.stringify(figures)
      : `${path ?? 'spoken'}: ${audio.toFixed(2)} s of speech in ${seconds.toFixed(2)} s, real-time factor ` +
        `${figures.realTimeFactor.toFixed(3)} (below 1 is faster than real time), first sound after ` +
        `${(first / 1000).toFixed(2)} s, kernels ${kernels.name}, ${figures.precision}, density ` +
        `${(100 * figures.density).toFixed(1)}%`;
    printer(path, stdout === undefined ? undefined : '-')(text);
  });

await runCommand(command);
