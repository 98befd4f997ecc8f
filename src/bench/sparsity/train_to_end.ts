import { BadSteps, type Learner } from '../../training/learner.js';

/**
 * How long training took, by the clock and in time of one core: on a machine that does other things too only the second
 * can be compared.
 */
export interface TrainingTime {
  readonly seconds: number;
  readonly coreSeconds: number;
}

/**
 * Trains up to a number of steps.
 * @throws {TtsError} ERR_NOT_FINITE after ten steps in a row whose loss or gradients were not finite
 */
export function trainToEnd(learner: Pick<Learner, 'step' | 'advance'>, steps: number): TrainingTime {
  const begun = performance.now();
  const before = process.cpuUsage();
  const badSteps = new BadSteps();
  while (learner.step < steps) badSteps.add(learner.advance(), learner.step);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - begun) / 1000, coreSeconds: (user + system) / 1e6 };
}
