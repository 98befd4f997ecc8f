import type { TrainingSettings } from './recipe_schema.js';

type Schedule = Pick<TrainingSettings, 'learningRate' | 'warmup' | 'decay' | 'steps'>;

/**
 * The learning rate of a step (from 0). It grows linearly over `warmup` steps to `learningRate`, then falls to `decay.final` times that at
 * step `steps` and stays there: along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5, without restarts) or exponentially.
 * A pure function of the step, so a resumed run goes on as if it had never stopped.
 */
export function learningRateAt(step: number, { learningRate, warmup, decay, steps }: Schedule): number {
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const progress = steps > warmup ? Math.min(1, (step - warmup) / (steps - warmup)) : 1;
  const share = decay.kind === 'cosine' ? decay.final + (1 - decay.final) * 0.5 * (1 + Math.cos(Math.PI * progress)) : decay.final ** progress;
  return learningRate * share;
}
