import { join } from 'node:path';
import { openTrainingImages } from '../data/images/training_images.js';
import { chooseKernels } from '../kernels/index.js';
import { trainClassifier } from '../training/classifier/task.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../training/recipe/classifier_schema.js';
import { formatDuration } from '../training/run_folder/progress.js';
import { bar, type TrainOptions, untilStopped } from './train_options.js';

/** tts-train for a classifier's recipe. */
export async function trainClassifierCommand(
  recipe: ClassifierRecipe | EvolvedRecipe,
  options: TrainOptions,
): Promise<void> {
  const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
  const out = options.out ?? join('runs', `${recipe.name}-${recipe.size}`);
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
  console.log(
    `${result.step < result.steps ? 'stopped at' : 'done after'} step ${result.step} of ${result.steps}, ` +
      `${formatDuration(result.seconds)} of training${test}`,
  );
  console.log(`model: ${result.model}`);
  if (result.step < result.steps) console.log('the same command goes on from here');
}
