import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Kernels } from '../../kernels/index.js';
import type { TensorFlow } from '../../model/backend/backend.js';
import type { Learner } from '../learner.js';
import { computeInProcess, GenerationLearner } from '../parts/generations.js';
import type { ComputeParts } from '../parts/part.js';
import { partSettings } from '../recipe/parts.js';
import type { Recipe } from '../recipe/recipe.js';
import { VocoderTrainer } from './trainer.js';

/** What the parts of a vocoder are made from, on any machine. */
export interface PartMaterial {
  readonly recipe: Recipe;
  /** With the statistics by which the network hears its features. */
  readonly store: FeatureStore;
  readonly kernels: Kernels;
}

/**
 * A trainer that holds one part after the other: masks, weights and statistics come with each generation, so that it
 * needs no voice to begin from, and chooses no masks.
 */
export function vocoderOfParts({ recipe, store, kernels }: PartMaterial, tf: TensorFlow): VocoderTrainer {
  const rest = { ...recipe, from: undefined };
  return new VocoderTrainer({ ...rest, sparsity: { method: 'fixed' } }, store, kernels, tf);
}

/**
 * What trains the voice: the trainer itself, or, with parts or where they are computed elsewhere, a generation at a
 * time.
 * @param compute where parts are computed; in this process unless given
 * @throws {TtsError} ERR_RECIPE for parts that the recipe does not allow
 */
export function vocoderLearner(
  trainer: VocoderTrainer,
  { recipe, store, kernels }: PartMaterial,
  tf: TensorFlow,
  compute?: ComputeParts,
): Learner {
  const { parts = 1, steps } = recipe.training;
  if (parts === 1 && !compute) return trainer;
  const material = { recipe, store: { ...store, statistics: trainer.statistics }, kernels };
  const inProcess = () => computeInProcess(vocoderOfParts(material, tf));
  return new GenerationLearner(trainer, compute ?? inProcess(), partSettings(recipe), steps);
}
