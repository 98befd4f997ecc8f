import type { Examples } from '../../data/images/examples.js';
import type { Kernels } from '../../kernels/index.js';
import type { ClassifierNetwork } from '../../kernels/interface/classifier.js';
import type { Learner } from '../learner.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../recipe/classifier_schema.js';
import { EvolvedClassifier } from './evolved.js';
import { ClassifierTrainer } from './trainer.js';

/** A classifier that learns, by whatever method. */
export interface ClassifierLearner extends Learner {
  /** The model as it would be shipped: averaged weights, deployed masks. */
  deployed(): ClassifierNetwork;
  /** A PNG of the masks that are trained now; undefined where nothing is masked. */
  picture(): Uint8Array | undefined;
}

/**
 * The learner of a recipe, and how many examples pass through a network in each of its steps. Throws ERR_RECIPE where
 * the recipe does not fit the images.
 */
export function createLearner(
  recipe: ClassifierRecipe | EvolvedRecipe,
  train: Examples,
  kernels: Kernels,
): { learner: ClassifierLearner; examplesPerStep: number } {
  if (recipe.task === 'classifier')
    return { learner: new ClassifierTrainer(recipe, train, kernels), examplesPerStep: recipe.training.examples };
  const { examples, population } = recipe.training;
  return { learner: new EvolvedClassifier(recipe, train, kernels), examplesPerStep: examples * population };
}
