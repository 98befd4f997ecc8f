import { chooseKernels } from '../../kernels/index.js';
import type { AnyRecipe } from '../../training/recipe/recipe.js';
import { peakMemory } from '../measure.js';
import type { SparsityFigures } from './task.js';
import { sparsityTask } from './tasks.js';

/** What the process is asked to run. */
export interface SparsityJob {
  readonly recipe: AnyRecipe;
  readonly kernels: string | undefined;
}

/** What it answers; an error as its code and message. */
export type SparsityAnswer =
  | (SparsityFigures & { readonly peakMegabytes: number; readonly kernels: string })
  | { readonly error: { readonly code: string | undefined; readonly message: string } };

// A process of its own for every run: one thread, and a peak of memory that is the run's.
async function answerJob({ recipe, kernels: name }: SparsityJob): Promise<void> {
  let answer: SparsityAnswer;
  try {
    const kernels = chooseKernels({ name, threads: 1 });
    answer = {
      ...(await sparsityTask(recipe).runOnce(recipe, kernels)),
      peakMegabytes: peakMemory(),
      kernels: kernels.name,
    };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    answer = { error: { code, message } };
  }
  process.send?.(answer, () => process.disconnect());
}

// Nobody waits for the answer of a process whose parent was killed.
process.once('disconnect', () => process.exit());
process.once('message', (job: SparsityJob) => void answerJob(job));
