#!/usr/bin/env node
import { loadAnyRecipe } from '../training/recipe/recipe.js';
import { collect, kernelsHelp, positiveNumber, wholeNumber } from './options.js';
import { createCommand, examples, runCommand } from './program.js';
import { trainClassifierCommand } from './train_classifier.js';
import type { TrainOptions } from './train_options.js';
import { trainVocoder } from './train_vocoder.js';

const command = createCommand(
  'tts-train',
  'Train a voice from recordings, or a classifier from images. The same command again resumes where it stopped.',
)
  .argument('<recipe>', 'a recipe.yaml, or a folder with one')
  .option('--size <name>', 'one of the sizes that the recipe lists')
  .option(
    '--data <dir>',
    'train on this folder instead of the data of the recipe: recordings (WAV, FLAC, MP3, Ogg Vorbis), or ' +
      'images in the format of the data set',
  )
  .option('--out <dir>', 'folder of the run: checkpoints, samples, logs, voice or model (default: runs/NAME-SIZE)')
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
  .option('--kernels <name>', kernelsHelp)
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-train recipes/ljspeech --data my-recordings --out runs/my-voice',
      'tts-train recipes/mnist --set sparsity.method=rigl --out runs/mnist-rigl',
    ),
  )
  .action(async (recipePath: string, options: TrainOptions) => {
    const set = [...options.set];
    if (options.steps !== undefined) set.push(`training.steps=${options.steps}`);
    if (options.seed !== undefined) set.push(`training.seed=${options.seed}`);
    const recipe = loadAnyRecipe(recipePath, { size: options.size, set, data: options.data });
    if (recipe.task === 'vocoder') await trainVocoder(recipe, options);
    else await trainClassifierCommand(recipe, options);
  });

await runCommand(command);
