#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { TtsError } from '../base/errors.js';
import { endingSignals } from '../base/temporary.js';
import { readWholeFile } from '../base/whole_file.js';
import type { Coordinator } from '../cluster/coordinator.js';
import { partsByWorkers, type RunOfParts } from '../cluster/parts.js';
import type { Corpus } from '../data/corpora/corpus.js';
import { openTrainingCorpus } from '../data/corpora/training_corpus.js';
import { openTrainingImages } from '../data/images/training_images.js';
import { type FeatureStore, openFeatureStore } from '../data/store/feature_store.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadAcoustic } from '../model/acoustic/file.js';
import { checkVoiceFits } from '../model/acoustic/predict.js';
import { findAcoustic } from '../model/acoustic/shipped.js';
import { findVoice } from '../model/voice/shipped.js';
import { openPronouncer } from '../text/load.js';
import { openAcousticData } from '../training/acoustic/open.js';
import { predictedStore } from '../training/acoustic/predicted_store.js';
import { checkAcousticFolder, type PartedAcousticRun, trainAcoustic } from '../training/acoustic/task.js';
import { checkClassifierFolder, trainClassifier } from '../training/classifier/task.js';
import type { ComputeParts } from '../training/parts/part.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../training/recipe/classifier_schema.js';
import { type AcousticRecipe, loadAnyRecipe, type Recipe } from '../training/recipe/recipe.js';
import { formatDuration } from '../training/run_folder/progress.js';
import { checkVoiceFolder, type RunOptions, trainVoice } from '../training/vocoder/task.js';
import { clusterHelp, type ClusterOptions, withCredentials, withQueue } from './cluster_options.js';
import { collect, positiveNumber, trainingKernelsHelp, wholeNumber } from './options.js';
import { createCommand, examples, runCommand } from './program.js';
import { bar } from './progress.js';
import { voiceHelp, voiceName } from './voices.js';

interface TrainOptions extends ClusterOptions {
  parts?: number;
  size?: string;
  data: string[];
  from?: string;
  out?: string;
  set: string[];
  steps?: number;
  minutes?: number;
  seed?: number;
  threads?: number;
  kernels?: string;
  json?: boolean;
}

const command = withCredentials(
  createCommand(
    'tts-train',
    'Train a voice or an acoustic model from recordings, or a classifier from images. The same command again resumes where it stopped.',
  )
    .argument('<recipe>', 'a recipe.yaml, or a folder with one')
    .option('--size <name>', 'one of the sizes that the recipe lists')
    .option(
      '--data <dir>',
      'train on this folder instead of the data of the recipe: recordings (WAV, FLAC, MP3, Ogg Vorbis), or ' +
        'images in the format of the data set; may be repeated, to train on several speakers at once',
      collect,
      [],
    )
    .option(
      '--from <name|file>',
      `begin from a voice, with its model and its features: ${voiceHelp}; list prints those that ship; an acoustic model begins from another`,
      voiceName,
    )
    .option(
      '--out <dir>',
      'folder of the run: checkpoints, samples, logs, voice or model (default: runs/NAME-SIZE, or runs/NAME-from-VOICE)',
    )
    .option(
      '--set <key=value>',
      'change a value of the recipe, such as training.learningRate=5e-4; may be repeated',
      collect,
      [],
    )
    .option('--steps <n>', 'stop after this many steps (the learning rate falls until then)', wholeNumber)
    .option('--minutes <n>', 'stop after this many minutes of training', positiveNumber)
    .option('--seed <n>', 'seed of the initial weights, the masks and the batches', wholeNumber)
    .option('--threads <n>', 'threads; the result does not depend on it (default: one per core)', wholeNumber)
    .option('--kernels <name>', trainingKernelsHelp)
    .option(
      '--parts <n>',
      'train a voice or an acoustic model in so many equal parts, which workers share out; it changes the result, the number of workers does not ' +
        '(default: training.parts of the recipe, or 1)',
      wholeNumber,
    )
    .option('--cluster <url>', `${clusterHelp}; local: the same parts in this process`)
    .option('--json', 'print the result as JSON'),
)
  .addHelpText(
    'after',
    examples(
      'tts-train recipes/ljspeech --data my-recordings --out runs/my-voice',
      'tts-train recipes/ljspeech --data my-recordings --from ljspeech --out runs/my-voice',
    ),
  )
  .action(async (recipePath: string, options: TrainOptions) => {
    const set = [...options.set];
    if (options.steps !== undefined) set.push(`training.steps=${options.steps}`);
    if (options.seed !== undefined) set.push(`training.seed=${options.seed}`);
    if (options.parts !== undefined) set.push(`training.parts=${options.parts}`);
    const { size, from } = options;
    const data = options.data.length > 1 ? options.data : options.data[0];
    const recipe = loadAnyRecipe(recipePath, { size, set, data, from });
    if (options.cluster !== undefined && recipe.task !== 'vocoder' && recipe.task !== 'acoustic')
      throw new TtsError(
        'ERR_ARGUMENT',
        `--cluster is for task: vocoder and task: acoustic, and the recipe has task: ${recipe.task}: workers of the ` +
          'queue do not know its parts',
      );
    if (recipe.task === 'vocoder') await trainOnSpeech(recipe, options);
    else if (recipe.task === 'acoustic') await trainOnText(recipe, options);
    else await trainOnImages(recipe, options);
  });

async function trainOnSpeech(recipe: Recipe, options: TrainOptions): Promise<void> {
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const from = recipe.from === undefined ? undefined : findVoice(recipe.from).name;
  const out = options.out ?? join('runs', `${recipe.name}-${from === undefined ? recipe.size : `from-${from}`}`);
  checkVoiceFolder(out, recipe);

  const { corpus, store: recorded } = await openStore(recipe, out, kernels);
  const { predictedBy } = recipe.data;
  const store = predictedBy === undefined ? recorded : await openPredicted(predictedBy, corpus, recorded, out, kernels);
  const train = (compute?: RunOptions['compute']) =>
    untilStopped((signal) => trainVoice({ recipe, store, kernels, out, minutes: options.minutes, signal, compute }));
  const result = await withWorkers(options, train);
  if (options.json) return console.log(JSON.stringify({ ...result, out }));
  const held = result.validationNll === null ? '' : `, held-out NLL ${result.validationNll.toFixed(3)} nats per sample`;
  printEnd(result, held, `voice: ${result.voice}`);
}

/** Trains, with parts that the workers of a queue compute where the options name one. */
async function withWorkers<T, Run extends RunOfParts>(
  { cluster = 'local', ...credentials }: ClusterOptions,
  train: (compute?: (run: Run) => Promise<ComputeParts>) => Promise<T>,
): Promise<T> {
  if (cluster === 'local') return train();
  return withQueue(cluster, credentials, async (link, note) => {
    let coordinator: Coordinator | undefined;
    try {
      return await train(async (run) => {
        const parts = await partsByWorkers(link, run, note);
        ({ coordinator } = parts);
        return parts.compute;
      });
    } finally {
      await coordinator?.close();
    }
  });
}

async function trainOnText(recipe: AcousticRecipe, options: TrainOptions): Promise<void> {
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const from = recipe.from === undefined ? undefined : findAcoustic(recipe.from).name;
  const out = options.out ?? join('runs', `${recipe.name}-${from === undefined ? recipe.size : `from-${from}`}`);
  checkAcousticFolder(out, recipe);

  const { corpus, store } = await openStore(recipe, out, kernels);
  const data = await openAcousticData({
    ...(await acousticSources(corpus, store, out, kernels)),
    textGrids: recipe.data.textGrids,
    others: recipe.data.others,
  });
  for (const note of data.notes) console.error(`note: ${note}`);

  const { treatment } = store;
  const { lexicon } = data;
  const { minutes } = options;
  const result = await withWorkers(
    options,
    (compute?: (run: PartedAcousticRun & { store: FeatureStore }) => Promise<ComputeParts>) => {
      const elsewhere = compute && ((run: PartedAcousticRun) => compute({ ...run, store }));
      const run = { recipe, data, treatment, lexicon, kernels, out, minutes, compute: elsewhere };
      return untilStopped((signal) => trainAcoustic({ ...run, signal }));
    },
  );
  if (options.json) return console.log(JSON.stringify({ ...result, out }));
  const { durationCorrelation, f0Correlation, melDistance } = result;
  const shown = (name: string, value: number | null) => (value === null ? '' : `, ${name} ${value.toFixed(3)}`);
  const held =
    shown('held-out durations', durationCorrelation) + shown('pitch', f0Correlation) + shown('mels', melDistance);
  printEnd(result, held, `acoustic model: ${result.model}`);
}

/** What alignments and pitch of a corpus are made of, and where they are kept. */
async function acousticSources(corpus: Corpus, store: FeatureStore, out: string, { threads }: Kernels) {
  const bars = {
    alignment: bar('alignment'),
    'alignments of others': bar('alignments of others'),
    pitch: bar('pitch'),
  };
  return {
    store,
    clips: corpus.clips,
    pronouncer: await openPronouncer(),
    cacheDir: join(dirname(out), 'cache'),
    threads,
    onProgress: (what: keyof typeof bars, done: number, total: number) => bars[what](done, total),
  };
}

/** The store with the mels of an acoustic model in place of the recordings'. */
async function openPredicted(
  nameOrFile: string,
  corpus: Corpus,
  store: FeatureStore,
  out: string,
  kernels: Kernels,
): Promise<FeatureStore> {
  const { name, path } = findAcoustic(nameOrFile);
  const model = await loadAcoustic(path);
  checkVoiceFits(model, { features: store.settings }, { model: name, voice: 'to be trained' });
  const sources = await acousticSources(corpus, store, out, kernels);
  const data = await openAcousticData({ ...sources, others: [], statistics: model.statistics });
  return predictedStore(store, data, model, sha256Of(await readWholeFile(path)), kernels);
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The features of a recipe's corpus, computed where the cache beside the run's folder lacks them. */
async function openStore(
  { data, features }: Pick<Recipe, 'data' | 'features'>,
  out: string,
  kernels: Kernels,
): Promise<{ corpus: Corpus; store: FeatureStore }> {
  const bars = { download: bar('downloading'), unpack: bar('unpacking') };
  const corpus = await openTrainingCorpus(data, (stage, done, total) => bars[stage](done, total ?? done + 1));
  const store = await openFeatureStore({
    corpus,
    settings: features,
    treatment: data.treatment,
    augmentation: data.augmentation,
    cacheDir: join(dirname(out), 'cache'),
    threads: kernels.threads,
    validation: data.validation,
    onLoudness: bar('loudness'),
    onProgress: bar('features'),
  });
  for (const note of [...(corpus.notes ?? []), ...store.notes]) console.error(`note: ${note}`);
  return { corpus, store };
}

async function trainOnImages(recipe: ClassifierRecipe | EvolvedRecipe, options: TrainOptions): Promise<void> {
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const out = options.out ?? join('runs', `${recipe.name}-${recipe.size}`);
  checkClassifierFolder(out);
  const bars = new Map<string, (done: number, total: number) => void>();
  const images = await openTrainingImages(recipe.data, (what, done, total) => {
    if (!bars.has(what)) bars.set(what, bar(what));
    bars.get(what)?.(done, total ?? done + 1);
  });
  const result = await untilStopped((signal) =>
    trainClassifier({ recipe, images, kernels, out, minutes: options.minutes, signal }),
  );
  if (options.json) return console.log(JSON.stringify({ ...result, out }));
  const test =
    result.accuracy === null || result.nll === null
      ? ''
      : `, ${(100 * result.accuracy).toFixed(2)}% of the test images, NLL ${result.nll.toFixed(4)} nats, ` +
        `${result.nonZeros.toLocaleString('en-US')} weights`;
  printEnd(result, test, `model: ${result.model}`);
}

function printEnd(
  { step, steps, seconds }: { readonly step: number; readonly steps: number; readonly seconds: number },
  measured: string,
  file: string,
): void {
  const end = step < steps ? 'stopped at' : 'done after';
  console.log(`${end} step ${step} of ${steps}, ${formatDuration(seconds)} of training${measured}`);
  console.log(file);
  if (step < steps) console.log('the same command goes on from here');
}

/**
 * Runs `work` with a signal that the first Ctrl-C gives, or a terminal that closes: it saves and stops. The second one
 * is not caught.
 */
async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of endingSignals) process.once(signal, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of endingSignals) process.off(signal, onSignal);
  }
}

await runCommand(command);
