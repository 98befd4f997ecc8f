import { TtsError } from '../errors.js';
import type { AnyRecipe } from '../training/recipe.js';
import { classifierTask } from './sparsity_classifier.js';
import type { SparsityTask } from './sparsity_task.js';
import { vocoderTask } from './sparsity_vocoder.js';

/** By the `task` of the recipe. */
const tasks: Readonly<Partial<Record<AnyRecipe['task'], SparsityTask<AnyRecipe>>>> = {
  classifier: classifierTask,
  vocoder: vocoderTask,
};

/** What the comparison knows about a recipe's task. Throws ERR_RECIPE for a task that it does not know. */
export function sparsityTask({ task, name }: AnyRecipe): SparsityTask<AnyRecipe> {
  const known = tasks[task];
  if (!known)
    throw new TtsError(
      'ERR_RECIPE',
      `recipe ${name} has task: ${task}; methods of sparsity can be compared for ${Object.keys(tasks).join(', ')}`,
    );
  return known;
}
