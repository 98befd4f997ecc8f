import { TtsError } from '../../base/errors.js';

/**
 * How long training took, by the clock and in time of one core: on a machine that does other things too only the second
 * can be compared.
 */
export interface TrainingTime {
  readonly seconds: number;
  readonly coreSeconds: number;
}

const badStepsAllowed = 10;

/**
 * Trains up to a number of steps.
 * @throws {TtsError} ERR_NOT_FINITE after ten steps in a row whose loss or gradients were not finite
 */
export function trainToEnd(
  trainer: { readonly step: number; advance(): { readonly applied: boolean } },
  steps: number,
): TrainingTime {
  const begun = performance.now();
  const before = process.cpuUsage();
  let badSteps = 0;
  while (trainer.step < steps) {
    badSteps = trainer.advance().applied ? 0 : badSteps + 1;
    if (badSteps >= badStepsAllowed)
      throw new TtsError(
        'ERR_NOT_FINITE',
        `${badSteps} steps in a row up to ${trainer.step} gave a loss or gradient that is not finite. Try a ` +
          'lower training.learningRate',
      );
  }
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - begun) / 1000, coreSeconds: (user + system) / 1e6 };
}
