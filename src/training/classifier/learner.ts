import type { ClassifierNetwork } from '../../kernels/interface/classifier.js';
import type { ChooserState, MaskedMatrix } from '../../sparsity/chooser.js';
import type { Mask } from '../../sparsity/mask.js';

/** What a step did. */
export interface LearnerStep {
  /** Mean nats per example, over all members. */
  readonly loss: number;
  /** False when the loss or a gradient was not finite: no weight was changed then. */
  readonly applied: boolean;
  /** For the log, such as `train/learning_rate`. */
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * A classifier that gets better a step at a time, by whatever method. Everything a step does is a pure function of the
 * state, the recipe and the step.
 */
export interface ClassifierLearner {
  /** Steps done. */
  readonly step: number;
  advance(): LearnerStep;
  /** The model as it would be shipped: averaged weights, deployed masks. */
  deployed(): ClassifierNetwork;
  /** The masks that are trained now, [member][matrix]; undefined where nothing is masked. */
  masks(): { readonly matrices: readonly MaskedMatrix[]; readonly masks: readonly (readonly Mask[])[] } | undefined;
  /** Figures for the log since the last call. */
  diagnostics(): Record<string, number>;
  /** Everything that a step depends on, for a checkpoint. */
  save(): ChooserState;
  /** Goes on where `save` was called, after `step` steps. */
  restore(saved: ChooserState, step: number): void;
}
