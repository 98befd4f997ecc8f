import type { Mask } from '../../sparsity/mask.js';
import type { LearnerStep } from '../learner.js';
import { MaskedLearner, type MaskedParameters } from '../masked_learner.js';
import { learningRateAt } from '../recipe/schedule.js';
import type { PartedLead } from './generations.js';
import { type Generation, membersOf, type NamedArrays, type Share, type TrainedPart, whole } from './part.js';

/** Parameters that can be trained apart and brought together again. */
export interface PartedParameters extends MaskedParameters {
  /** The members' masks: [member][matrix]. */
  masks(): Mask[][];
  /**
   * Takes the mean of copies that were trained apart, in float64 and in their order: of a block over the copies that
   * hold it, of everything else over all. Throws RangeError, before anything is changed, where an array is missing or
   * has another size, or a copy has a block that no member has.
   */
  average(copies: readonly NamedArrays[]): void;
}

/**
 * A learner whose steps can be done in parts: each part has members of its own, or the one mask that there is, and its
 * share of every step's examples. Parts train apart for a generation, then weights, moments and moving averages become
 * the means of theirs (local SGD: Stich 2019, arXiv 1805.09767; moments are averaged and never begun anew). One part is
 * the same as no parts, to the bit.
 *
 * A part of n sees an n-th of the examples: its gradients are noisier by √n, and Adam, which divides by their size, goes
 * √n less far; the mean of the parts has the noise of all examples again, but not their pace. So parts learn at √n times
 * the rate (the square root rule of Malladi et al. 2022, arXiv 2205.10287).
 */
export abstract class PartedLearner extends MaskedLearner implements PartedLead {
  protected abstract override readonly parameters: PartedParameters;
  /** What this learner has of each step. */
  protected share: Share = whole;

  /** Chooses the masks of the coming generation, and says where it begins; `arrays` are the learner's own. */
  beginGeneration(steps: number): Generation {
    const { step } = this;
    this.updateMasks();
    return {
      step,
      steps,
      members: this.members,
      paired: Array.from({ length: steps }, (_, s) => this.chooser?.paired(step + s) ?? false),
      arrays: without(this.parameters.toArrays(), /\/store\//),
    };
  }

  /**
   * Trains a part: a pure function of its arguments, the recipe, the examples and the kernels. Afterwards the learner
   * holds that part. A step whose loss or gradients are not finite is dropped.
   */
  trainPart(generation: Generation, share: Share): TrainedPart {
    const { parameters } = this;
    const [first, end] = membersOf(share, generation.members);
    parameters.fromArrays(generation.arrays, generation.members);
    parameters.remask(parameters.masks().slice(first, end));
    this.masksChanged();
    this.share = share;
    this.rateScale = scaleFor(share.count);
    const losses = new Float64Array(generation.steps * (end - first));
    const norms = new Float64Array(generation.steps);
    for (let s = 0; s < generation.steps; s++) {
      this.step = generation.step + s;
      const done = this.learn(generation.paired[s]);
      losses.set(done.losses, s * (end - first));
      norms[s] = done.norm;
    }
    const arrays = without(parameters.toArrays(), /\/(store\/.*|member\d+)$/);
    return { arrays: new Map([...arrays].map(([name, array]) => [name, array.slice()])), losses, norms };
  }

  /** Brings the parts together, in their order, and tells the chooser what the members lost. */
  endGeneration(generation: Generation, parts: readonly TrainedPart[]): LearnerStep {
    const { chooser, parameters } = this;
    const { step, steps, members } = generation;
    parameters.average(parts.map(({ arrays }) => arrays));
    let sum = 0;
    let applied = 0;
    for (let s = 0; s < steps; s++) {
      if (s > 0 && chooser?.update(step + s, this.view()))
        throw new RangeError(`masks change at step ${step + s}, within a generation of ${steps} steps from ${step} on`);
      const losses = new Float64Array(members);
      for (const [p, part] of parts.entries()) {
        const own = part.losses.subarray((s * part.losses.length) / steps, ((s + 1) * part.losses.length) / steps);
        if (members === 1) losses[0] += own[0] / parts.length;
        else losses.set(own, p * own.length);
        const loss = mean(own);
        if (!Number.isFinite(loss) || !Number.isFinite(part.norms[s])) continue;
        sum += loss;
        applied++;
      }
      chooser?.observe(step + s, losses);
    }
    this.step = step + steps;
    this.masksChanged();
    return {
      loss: applied > 0 ? sum / applied : NaN,
      applied: applied > 0,
      steps,
      figures: {
        'train/gradient_norm': mean(parts.map(({ norms }) => norms[steps - 1])),
        'train/learning_rate': scaleFor(parts.length) * learningRateAt(this.step - 1, this.optimiser),
        ...(applied < steps * parts.length && { 'train/dropped_steps': steps * parts.length - applied }),
      },
    };
  }
}

/** What so many parts multiply the learning rate by. */
const scaleFor = (parts: number): number => Math.sqrt(parts);

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const without = (arrays: NamedArrays, names: RegExp): Map<string, Float32Array | Int32Array> =>
  new Map([...arrays].filter(([name]) => !names.test(name)));
