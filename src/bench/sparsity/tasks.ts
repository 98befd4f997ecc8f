import { TtsError } from '../../base/errors.js';
import type { AnyRecipe } from '../../training/recipe/recipe.js';
import { classifierTask } from './classifier.js';
import type { SparsityTask } from './task.js';
import { vocoderTask } from './vocoder.js';

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
