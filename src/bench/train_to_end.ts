import { TtsError } from '../errors.js';

const badStepsAllowed = 10;

/**
 * Trains up to a number of steps and returns the seconds that it took.
 * @throws {TtsError} ERR_NOT_FINITE after ten steps in a row whose loss or gradients were not finite
 */
export function trainToEnd(trainer: { readonly step: number; advance(): { readonly applied: boolean } }, steps: number): number {
  const begun = performance.now();
  let badSteps = 0;
  while (trainer.step < steps) {
    badSteps = trainer.advance().applied ? 0 : badSteps + 1;
    if (badSteps >= badStepsAllowed) throw new TtsError('ERR_NOT_FINITE', `${badSteps} steps in a row up to ${trainer.step} gave a loss or gradient that is not finite. Try a lower training.learningRate`);
  }
  return (performance.now() - begun) / 1000;
}
