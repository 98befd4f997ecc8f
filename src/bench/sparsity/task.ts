import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kernels } from '../../kernels/index.js';
import { BadSteps, type Learner } from '../../training/learner.js';
import type { AnyRecipe } from '../../training/recipe/recipe.js';

/**
 * What training took, by the clock and in time of one core: on a machine that does other things too only the second
 * can be compared.
 */
export interface TrainingCost {
  readonly seconds: number;
  readonly coreSeconds: number;
  /** Weights that an example passed through, the mean over the steps: what looks at masks beside the steps is not in it. */
  readonly trainedNonZeros: number;
}

/** A figure of quality, and how it is shown. */
export interface QualityFigure {
  readonly name: string;
  /** With its unit, such as `NLL, nats`. */
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
}

/** What came of one run. */
export interface SparsityFigures extends TrainingCost {
  /** A value for each of the task's figures. */
  readonly quality: Readonly<Record<string, number>>;
  /** Weights of the finished model that are not zero. */
  readonly nonZeros: number;
}

/**
 * What the comparison of sparsity methods must know about a task. A recipe is plain data: it travels to the process
 * that runs it.
 */
export interface SparsityTask<R extends AnyRecipe> {
  readonly quality: readonly QualityFigure[];
  /** The recipe with all weights. */
  dense(recipe: R): R;
  /** The recipe of a narrower dense net that has as many weights as this one keeps, or nearly. */
  smallDense(recipe: R): R;
  /** Makes sure that the data are there, and says in a line which they are. */
  prepare(recipe: R): Promise<string>;
  /** Trains from the start to the recipe's last step, and measures. Writes nothing. */
  runOnce(recipe: R, kernels: Kernels): Promise<SparsityFigures>;
}

/**
 * Trains up to a number of steps.
 * @param nonZeros weights that an example passes through now
 * @throws {TtsError} ERR_NOT_FINITE after ten steps in a row whose loss or gradients were not finite
 */
export async function trainToEnd(
  learner: Pick<Learner, 'step' | 'advance'>,
  steps: number,
  nonZeros: () => number,
): Promise<TrainingCost> {
  const begun = performance.now();
  const before = process.cpuUsage();
  const badSteps = new BadSteps();
  let trained = 0;
  while (learner.step < steps) {
    const { step } = learner;
    badSteps.add(await learner.advance(), learner.step);
    trained += nonZeros() * (learner.step - step);
    // The process hears whether its parent is still there.
    await nextTurn();
  }
  const { user, system } = process.cpuUsage(before);
  return {
    seconds: (performance.now() - begun) / 1000,
    coreSeconds: (user + system) / 1e6,
    trainedNonZeros: trained / steps,
  };
}
