import type { TrainingSettings } from './vocoder_schema.js';

export type Schedule = Pick<TrainingSettings, 'learningRate' | 'warmup' | 'decay' | 'steps'>;

/**
 * The learning rate of a step (from 0). It grows linearly over `warmup` steps to `learningRate`, then falls to
 * `decay.final` times that at step `steps` and stays there: along half a cosine (Loshchilov and Hutter 2017, arXiv
 * 1608.03983, eq. 5, without restarts), exponentially, or as the square root of the steps that are left. A pure
 * function of the step, so a resumed run goes on as if it had never stopped.
 */
export function learningRateAt(step: number, { learningRate, warmup, decay, steps }: Schedule): number {
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const progress = steps > warmup ? Math.min(1, (step - warmup) / (steps - warmup)) : 1;
  return learningRate * decayed(progress, decay);
}

function decayed(progress: number, { kind, final }: Schedule['decay']): number {
  if (kind === 'exponential') return final ** progress;
  return final + (1 - final) * (kind === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * progress)) : Math.sqrt(1 - progress));
}
