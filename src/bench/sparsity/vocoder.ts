import { availableParallelism } from 'node:os';
import { openTrainingCorpus } from '../../data/corpora/training_corpus.js';
import { type FeatureStore, openFeatureStore } from '../../data/store/feature_store.js';
import type { Kernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import type { Recipe } from '../../training/recipe/recipe.js';
import { heldOutNll } from '../../training/vocoder/held_out.js';
import { vocoderLearner } from '../../training/vocoder/parts.js';
import { VocoderTrainer } from '../../training/vocoder/trainer.js';
import { type SparsityFigures, type SparsityTask, trainToEnd } from './task.js';

/** Features are computed once for all runs. */
const cacheDir = 'runs/cache';

/** The vocoder in the comparison: NLL on the clips that the recipe holds out. */
export const vocoderTask: SparsityTask<Recipe> = {
  quality: [{ name: 'nll', title: 'held-out NLL, nats per sample', digits: 4 }],
  dense: (recipe) => withSize(recipe, recipe.sizes[recipe.size]),
  smallDense(recipe) {
    // A dense state of H·√density has as many recurrent weights; the kernels want multiples of 32 and 16.
    const { hidden, projection, density } = recipe.sizes[recipe.size];
    const nearest = (width: number, of: number) => Math.max(of, of * Math.round(width / of));
    return withSize(recipe, {
      hidden: nearest(hidden * Math.sqrt(density.recurrent), 32),
      projection: nearest(projection * Math.sqrt(density.output), 16),
    });
  },
  async prepare(recipe) {
    const { train, validation } = await openStore(recipe, availableParallelism());
    return `${[recipe.data.corpus].flat().join(', ')}: ${train.length} clips to train on, ${validation.length} held out`;
  },
  runOnce: async (recipe, kernels) => runVocoderTrial(recipe, await openStore(recipe, kernels.threads), kernels),
};

/** A run on a store that is open. */
export async function runVocoderTrial(recipe: Recipe, store: FeatureStore, kernels: Kernels): Promise<SparsityFigures> {
  const { tf } = await loadTensorFlow(kernels);
  const trainer = new VocoderTrainer(recipe, store, kernels, tf);
  const learner = vocoderLearner(trainer, { recipe, store, kernels }, tf);
  const cost = await trainToEnd(learner, recipe.training.steps, () => trainer.nonZeros);
  const nonZeros = trainer.deployed().sparse.reduce((sum, { values }) => sum + values.length, 0);
  return { quality: { nll: heldOutNll(tf, kernels, trainer, store) }, nonZeros, ...cost };
}

function withSize(recipe: Recipe, { hidden, projection }: { hidden: number; projection: number }): Recipe {
  return {
    ...recipe,
    sizes: { [recipe.size]: { hidden, projection, density: { recurrent: 1, output: 1 } } },
    sparsity: { method: 'fixed' },
  };
}

/** The features that the recipe's runs are on. */
export async function openStore(recipe: Recipe, threads: number): Promise<FeatureStore> {
  const corpus = await openTrainingCorpus(recipe.data, () => undefined);
  const { treatment, augmentation, validation } = recipe.data;
  return openFeatureStore({
    corpus,
    settings: recipe.features,
    treatment,
    augmentation,
    cacheDir,
    threads,
    validation,
  });
}
