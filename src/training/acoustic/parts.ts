import type { Kernels } from '../../kernels/index.js';
import type { Learner } from '../learner.js';
import { computeInProcess, GenerationLearner } from '../parts/generations.js';
import type { ComputeParts } from '../parts/part.js';
import { acousticConfigOf } from '../recipe/acoustic_schema.js';
import { acousticPartSettings } from '../recipe/parts.js';
import type { AcousticRecipe } from '../recipe/recipe.js';
import type { AcousticData } from './examples.js';
import { AcousticTrainer } from './trainer.js';

/** What the parts of an acoustic model are made from, on any machine. */
export interface AcousticMaterial {
  readonly recipe: AcousticRecipe;
  readonly data: AcousticData;
  readonly kernels: Kernels;
}

/** A trainer that holds one part after the other: weights come with each generation. */
export const acousticOfParts = ({ recipe, data, kernels }: AcousticMaterial): AcousticTrainer =>
  new AcousticTrainer(acousticConfigOf(recipe), recipe.training, data, kernels, 'generations');

/**
 * What trains the model: the trainer itself, or, with parts or where they are computed elsewhere, a generation at a
 * time.
 * @param compute where parts are computed; in this process unless given
 * @throws {TtsError} ERR_RECIPE for parts that the recipe does not allow
 */
export function acousticLearner(trainer: AcousticTrainer, material: AcousticMaterial, compute?: ComputeParts): Learner {
  const { recipe } = material;
  const { parts = 1, steps } = recipe.training;
  if (parts === 1 && !compute) return trainer;
  const inProcess = () => computeInProcess(acousticOfParts(material));
  return new GenerationLearner(trainer, compute ?? inProcess(), acousticPartSettings(recipe), steps);
}
