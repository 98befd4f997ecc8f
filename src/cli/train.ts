#!/usr/bin/env node
import { dirname, join } from 'node:path';
import cliProgress from 'cli-progress';
import { openFeatureStore } from '../data/feature_store.js';
import { openTrainingCorpus } from '../data/training_corpus.js';
import { chooseKernels } from '../kernels/index.js';
import { formatDuration } from '../training/progress.js';
import { loadRecipe } from '../training/recipe.js';
import { trainVoice } from '../training/run.js';
import { collect, positiveNumber, wholeNumber } from './options.js';
import { createCommand, runCommand } from './program.js';

interface Options {
  size?: string;
  data?: string;
  out?: string;
  set: string[];
  steps?: number;
  minutes?: number;
  seed?: number;
  threads?: number;
  kernels?: string;
  json?: boolean;
}

/** Of a folder that has none of the clips that the recipe holds out, this share is held out. */
const defaultValidationShare = 0.05;

function bar(title: string): (done: number, total: number) => void {
  const shown = new cliProgress.SingleBar({ format: `${title} {bar} {percentage}% · {value}/{total} · {eta_formatted} left`, stream: process.stderr, clearOnComplete: true }, cliProgress.Presets.shades_classic);
  return (done, total) => {
    if (!shown.isActive) shown.start(total, done);
    shown.update(done);
    if (done >= total) shown.stop();
  };
}

const command = createCommand('tts-train', 'Train a voice from recordings. The same command again resumes where it stopped.')
  .argument('<recipe>', 'a recipe.yaml, or a folder with one')
  .option('--size <name>', 'one of the sizes that the recipe lists')
  .option('--data <dir>', 'train on this folder of recordings (WAV, FLAC, MP3, Ogg Vorbis) instead of the corpus of the recipe')
  .option('--out <dir>', 'folder of the run: checkpoints, samples, logs, voice (default: runs/NAME-SIZE)')
  .option('--set <key=value>', 'change a value of the recipe, such as training.learningRate=5e-4; may be repeated', collect, [])
  .option('--steps <n>', 'stop after this many steps (the learning rate falls until then)', wholeNumber)
  .option('--minutes <n>', 'stop after this many minutes of training', positiveNumber)
  .option('--seed <n>', 'seed of the initial weights, the masks and the batches', wholeNumber)
  .option('--threads <n>', 'threads; the result does not depend on it (default: one per core)', wholeNumber)
  .option('--kernels <name>', 'reference, generic, avx2, avx512 or neon (default: the fastest of this machine)')
  .option('--json', 'print the result as JSON')
  .action(async (recipePath: string, options: Options) => {
    const set = [...options.set];
    if (options.steps !== undefined) set.push(`training.steps=${options.steps}`);
    if (options.seed !== undefined) set.push(`training.seed=${options.seed}`);
    if (options.data !== undefined) set.push(`data.corpus=${JSON.stringify(options.data)}`);
    const loaded = loadRecipe(recipePath, { size: options.size, set });
    const share = loaded.data.validation.share ?? defaultValidationShare;
    const recipe = options.data === undefined ? loaded : { ...loaded, data: { ...loaded.data, validation: { ...loaded.data.validation, share } } };
    const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
    const out = options.out ?? join('runs', `${recipe.name}-${recipe.size}`);

    const bars = { download: bar('downloading'), unpack: bar('unpacking') };
    const corpus = await openTrainingCorpus(recipe.data, (stage, done, total) => bars[stage](done, total ?? done + 1));
    const store = await openFeatureStore({
      corpus,
      settings: recipe.features,
      cacheDir: join(dirname(out), 'cache'),
      threads: kernels.threads,
      validation: recipe.data.validation,
      onProgress: bar('features'),
    });

    // The first Ctrl-C saves and stops, the second one is not caught.
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    const result = await trainVoice({ recipe, store, kernels, out, minutes: options.minutes, signal: stop.signal });
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);

    if (options.json) console.log(JSON.stringify({ ...result, out }));
    else {
      const held = result.validationNll === null ? '' : `, held-out NLL ${result.validationNll.toFixed(3)} nats per sample`;
      console.log(`${result.step < result.steps ? 'stopped at' : 'done after'} step ${result.step} of ${result.steps}, ${formatDuration(result.seconds)} of training${held}`);
      console.log(`voice: ${result.voice}`);
      if (result.step < result.steps) console.log('the same command goes on from here');
    }
  });

await runCommand(command);
