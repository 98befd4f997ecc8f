import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageSet } from '../../src/data/images/images.js';
import { readMnist } from '../../src/data/images/mnist.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../../src/training/recipe/classifier_schema.js';
import { loadAnyRecipe } from '../../src/training/recipe/recipe.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The digits that ship with the toolkit. */
export const fewDigits = (): Promise<ImageSet> => readMnist(join(root, 'data', 'mnist-mini'));

/** The recipe for digits with a narrow net, 64 examples a step and what else is set. */
export function tinyRecipe(...set: string[]): ClassifierRecipe {
  return loadAnyRecipe(join(root, 'recipes', 'mnist'), {
    set: ['sizes.mlp.widths=[100, 50]', 'training.examples=64', 'sparsity.method=fixed', ...set],
  }) as ClassifierRecipe;
}

/** The recipe without gradients, with a small population and what else is set. */
export function tinyEvolution(...set: string[]): EvolvedRecipe {
  return loadAnyRecipe(join(root, 'recipes', 'mnist', 'pure-es.yaml'), {
    set: ['training.population=16', 'training.examples=16', 'training.last.population=16', ...set],
  }) as EvolvedRecipe;
}

/** Searches that change masks in nearly every step of a short run. */
export const quickSearches = {
  es: ['sparsity.method=es', 'sparsity.es.population=4', 'sparsity.es.hold=4', 'sparsity.es.stop=1'],
  'es-guided': [
    'sparsity.method=es-guided',
    'sparsity.es-guided.population=4',
    'sparsity.es-guided.every=4',
    'sparsity.es-guided.stop=1',
  ],
} as const;
