import type { ChooserState } from '../../sparsity/chooser.js';
import type { Learner, LearnerStep } from '../learner.js';
import type { PartSettings } from '../recipe/parts.js';
import type { ComputeParts, Generation, Share, TrainedPart } from './part.js';

/** Something whose steps can be done in parts; see `PartedLearner`. */
export interface PartedLead extends Pick<Learner, 'step' | 'diagnostics' | 'save' | 'restore'> {
  /** Says where a generation of so many steps begins, or of fewer. */
  beginGeneration(most: number): Generation;
  /** Trains a part: a pure function of its arguments, the recipe, the examples and the kernels. */
  trainPart(generation: Generation, share: Share): TrainedPart;
  /** Brings the parts together, in their order. */
  endGeneration(generation: Generation, parts: readonly TrainedPart[]): LearnerStep;
}

/**
 * A learner that takes a generation at a time, of parts that are trained elsewhere. Generations end at multiples of
 * their length, so that a run goes on exactly where it stopped.
 */
export class GenerationLearner implements Learner {
  /** @param steps of the run: the last generation ends there */
  constructor(
    private readonly lead: PartedLead,
    private readonly compute: ComputeParts,
    private readonly settings: PartSettings,
    private readonly steps: number,
  ) {}

  get step(): number {
    return this.lead.step;
  }

  /** Where the parts cannot be had, the learner is as it was before. */
  async advance(signal?: AbortSignal): Promise<LearnerStep> {
    const { lead, compute, settings, steps } = this;
    const { step } = lead;
    const before = copied(lead.save());
    const length = Math.min(settings.generation - (step % settings.generation), steps - step);
    try {
      const generation = lead.beginGeneration(length);
      const { parts, figures } = await compute(generation, settings.parts, signal);
      const done = lead.endGeneration(generation, parts);
      return { ...done, figures: { ...done.figures, ...figures } };
    } catch (error) {
      lead.restore(before, step);
      throw error;
    }
  }

  diagnostics(): Record<string, number> {
    return this.lead.diagnostics();
  }

  save(): ChooserState {
    return this.lead.save();
  }

  restore(saved: ChooserState, step: number): void {
    this.lead.restore(saved, step);
  }
}

const copied = ({ arrays, state }: ChooserState): ChooserState => ({
  arrays: new Map([...arrays].map(([name, array]) => [name, array.slice()])),
  state: structuredClone(state),
});

/** Trains the parts one after the other in this process, by one learner that holds each in turn. */
export function computeInProcess(learner: Pick<PartedLead, 'trainPart'>): ComputeParts {
  return (generation, count) =>
    Promise.resolve({
      parts: Array.from({ length: count }, (_, index) => learner.trainPart(generation, { index, count })),
    });
}
