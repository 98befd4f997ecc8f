import { examplesOf } from '../../data/images/examples.js';
import type { ImageSet } from '../../data/images/images.js';
import { openTrainingImages } from '../../data/images/training_images.js';
import type { Kernels } from '../../kernels/index.js';
import { type ClassifierName, classifiers } from '../../model/classifiers/classifiers.js';
import { classifierShapes, type LayerShape } from '../../model/classifiers/shapes.js';
import { keptBlocks } from '../../sparsity/mask.js';
import { classifierConfig, classifierOf, ownWidths } from '../../training/classifier/model.js';
import { countWeights } from '../../training/classifier/parameters.js';
import { ClassifierTrainer } from '../../training/classifier/trainer.js';
import { scoreClassifier } from '../../training/classifier/validation.js';
import type { ClassifierRecipe } from '../../training/recipe/classifier_schema.js';
import { type SparsityFigures, type SparsityTask, trainToEnd } from './task.js';

/** Dense matrices run fastest in the largest blocks that fit most of them. */
const denseBlock: [number, number] = [4, 4];

/** The classifiers in the comparison: accuracy and NLL on the test images. */
export const classifierTask: SparsityTask<ClassifierRecipe> = {
  quality: [
    { name: 'accuracy', title: 'accuracy, %', digits: 2 },
    { name: 'nll', title: 'NLL, nats', digits: 4 },
  ],
  dense: (recipe) => withoutMasks(recipe, recipe.sizes[recipe.size].widths),
  smallDense: (recipe) =>
    withoutMasks(recipe, narrowWidths(recipe.sizes[recipe.size].model, weightsOf(classifierOf(recipe).shapes))),
  prepare: async (recipe) => (await openTrainingImages(recipe.data)).description,
  runOnce: async (recipe, kernels) => runClassifierTrial(recipe, await openTrainingImages(recipe.data), kernels),
};

/** A run on images that are open. */
export async function runClassifierTrial(
  recipe: ClassifierRecipe,
  images: ImageSet,
  kernels: Kernels,
): Promise<SparsityFigures> {
  const trainer = new ClassifierTrainer(recipe, examplesOf(images, 'train'), kernels);
  const cost = await trainToEnd(trainer, recipe.training.steps, () => trainer.nonZeros);
  const network = trainer.deployed();
  const { accuracy, nll } = scoreClassifier(kernels, network, examplesOf(images, 'test'));
  return { quality: { accuracy: 100 * accuracy, nll }, nonZeros: countWeights(network), ...cost };
}

function withoutMasks(recipe: ClassifierRecipe, widths: number[] | undefined): ClassifierRecipe {
  const { model } = recipe.sizes[recipe.size];
  return {
    ...recipe,
    sizes: { [recipe.size]: { model, widths, density: 1, block: denseBlock } },
    sparsity: { method: 'fixed' },
  };
}

/** Weights that a net keeps, biases apart. */
function weightsOf(shapes: readonly LayerShape[]): number {
  return shapes.reduce((sum, shape) => {
    if (shape.kind === 'pool') return sum;
    if (shape.kind === 'depthwise') return sum + shape.kernel[0] * shape.kernel[1] * shape.channels;
    const { matrix } = shape;
    return sum + keptBlocks(matrix, matrix.density) * matrix.block.rows * matrix.block.columns;
  }, 0);
}

/**
 * Widths of a dense net of the same kind with nearly so many weights: all layers are made narrower by one factor, but
 * after the first no fully connected one narrower than the classes that must pass through it.
 */
export function narrowWidths(model: ClassifierName, weights: number): number[] {
  const own = ownWidths(model);
  const { layers } = classifiers[model];
  const last = layers[layers.length - 1];
  const classes = 'outputs' in last ? last.outputs : 1;
  const connected = layers.filter((layer) => 'outputs' in layer).map(({ kind }) => kind === 'dense');
  let best = own;
  let leastOff = Infinity;
  for (let factor = 1; factor > 1e-3; factor *= 0.998) {
    const least = (width: number, i: number) => (i > 0 && connected[i] ? Math.min(width, classes) : 1);
    const widths = own.map((width, i) => Math.max(least(width, i), Math.round(factor * width)));
    const off = Math.abs(weightsOf(classifierShapes(classifierConfig(model, widths))) - weights);
    if (off < leastOff) [best, leastOff] = [widths, off];
  }
  return best;
}
