import { TtsError } from '../base/errors.js';
import type { ChooserState } from '../sparsity/chooser.js';

/** What a step did. */
export interface LearnerStep {
  /** Mean nats per sample or example, over the members too. */
  readonly loss: number;
  /** False when the loss or a gradient was not finite: no weight was changed then. */
  readonly applied: boolean;
  /** Steps that were taken at once; 1 unless given. */
  readonly steps?: number;
  /** For the log, such as `train/learning_rate`. */
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * Something that gets better a step at a time, by whatever method. Everything a step does is a pure function of the
 * state, the recipe and the step, so that a run resumes exactly.
 */
export interface Learner {
  /** Steps done. */
  readonly step: number;
  /**
   * Draws the step's batch and learns from it; some learners take several steps at once, and may be told to stop
   * waiting for them.
   */
  advance(signal?: AbortSignal): LearnerStep | Promise<LearnerStep>;
  /** Figures for the log since the last call: of masks, of the search. */
  diagnostics(): Record<string, number>;
  /** Everything that a step depends on, for a checkpoint. */
  save(): ChooserState;
  /** Goes on where `save` was called, after `step` steps. */
  restore(saved: ChooserState, step: number): void;
}

/** Steps in a row that may be dropped. */
const badStepsAllowed = 10;

/** Counts the steps in a row whose loss or gradients were not finite. */
export class BadSteps {
  private count = 0;

  /** @throws {TtsError} ERR_NOT_FINITE at the tenth in a row; `saved` says what happened to the state before them */
  add({ applied, steps = 1 }: LearnerStep, step: number, saved = ''): void {
    this.count = applied ? 0 : this.count + steps;
    if (this.count >= badStepsAllowed)
      throw new TtsError(
        'ERR_NOT_FINITE',
        `${this.count} steps in a row up to ${step} gave a loss or gradient that is not finite${saved}. Try a lower ` +
          'training.learningRate',
      );
  }
}
