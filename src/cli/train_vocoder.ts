import { dirname, join } from 'node:path';
import { openTrainingCorpus } from '../data/corpora/training_corpus.js';
import { openFeatureStore } from '../data/store/feature_store.js';
import { chooseKernels } from '../kernels/index.js';
import type { Recipe } from '../training/recipe/recipe.js';
import { formatDuration } from '../training/run_folder/progress.js';
import { trainVoice } from '../training/vocoder/task.js';
import { bar, type TrainOptions, untilStopped } from './train_options.js';

/** tts-train for a vocoder's recipe. */
export async function trainVocoder(recipe: Recipe, options: TrainOptions): Promise<void> {
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

  const result = await untilStopped((signal) =>
    trainVoice({ recipe, store, kernels, out, minutes: options.minutes, signal }),
  );
  if (options.json) return console.log(JSON.stringify({ ...result, out }));
  const held = result.validationNll === null ? '' : `, held-out NLL ${result.validationNll.toFixed(3)} nats per sample`;
  console.log(
    `${result.step < result.steps ? 'stopped at' : 'done after'} step ${result.step} of ${result.steps}, ` +
      `${formatDuration(result.seconds)} of training${held}`,
  );
  console.log(`voice: ${result.voice}`);
  if (result.step < result.steps) console.log('the same command goes on from here');
}
