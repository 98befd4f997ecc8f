import type { AdamState, Kernels } from '../kernels/index.js';
import { type BlockView, type ChooserState, type MaskChooser, underPrefix, withPrefix } from '../sparsity/chooser.js';
import type { Mask } from '../sparsity/mask.js';
import { globalNorm } from './adam_states.js';
import type { Learner, LearnerStep } from './learner.js';
import { learningRateAt, type Schedule } from './recipe/schedule.js';

/** Every weight of a network in training, shared by the members of a population under masks of their own. */
export interface MaskedParameters {
  /** Gives the members other masks: [member][matrix]. */
  remask(masks: readonly (readonly Mask[])[]): void;
  /** All states with a name, in a fixed order. */
  named(): Iterable<[name: string, state: AdamState]>;
  /** Everything as named arrays, for a checkpoint. */
  toArrays(): Map<string, Float32Array | Int32Array>;
  /** Takes over the arrays of a checkpoint of so many members. */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>, members: number): void;
}

/** Of the state of a checkpoint, that the masks of the coming step have been chosen. */
const chosenKey = 'chosen';

/** How gradients become steps. */
export interface OptimiserSettings extends Schedule {
  readonly adam: { readonly beta1: number; readonly beta2: number; readonly epsilon: number };
  /** Largest norm of all gradients together; default: any. */
  readonly clip?: number;
  /** Decay of the moving average of the weights. */
  readonly ema: number;
}

/** What the members of a population found in a step. */
export interface MemberGradients {
  /** [members] mean nats. */
  readonly losses: Float64Array;
  /** Of the mean over the members, in the order of `MaskedParameters.named`. */
  readonly gradients: readonly Float32Array[];
}

/**
 * Weights by backpropagation, masks by a chooser (Lenc et al. 2019, arXiv 1906.03139, section 4, where it is a
 * population). In every step each member runs forwards and backwards on its own masks; together they see as many
 * examples as one set of masks would. A subclass says what a batch is and what its gradients are.
 */
export abstract class MaskedLearner implements Learner {
  step = 0;
  /** The step that the masks were last chosen for: once only, even if the step fails after it and is tried again. */
  private chosenFor = -1;
  protected abstract readonly parameters: MaskedParameters;
  /** By which the learning rate is multiplied. */
  protected rateScale = 1;

  /** @param chooser undefined where nothing is masked */
  protected constructor(
    protected readonly kernels: Kernels,
    protected readonly optimiser: OptimiserSettings,
    protected readonly chooser: MaskChooser | undefined,
  ) {}

  /** Masks that are trained side by side. */
  get members(): number {
    return this.chooser?.members ?? 1;
  }

  /** Weights that an example passes through now, biases apart: the mean over the members. */
  abstract get nonZeros(): number;

  advance(): LearnerStep {
    const { chooser, step } = this;
    this.updateMasks();
    const { losses, loss, norm, learningRate, applied } = this.learn(chooser?.paired(step) ?? false);
    chooser?.observe(step, losses);
    return { loss, applied, figures: { 'train/gradient_norm': norm, 'train/learning_rate': learningRate } };
  }

  /** Gives the members the masks of the coming step. */
  protected updateMasks(): void {
    const masks = this.chosenFor === this.step ? undefined : this.chooser?.update(this.step, this.view());
    this.chosenFor = this.step;
    if (!masks) return;
    this.parameters.remask(masks);
    this.masksChanged();
  }

  /** The step itself, under the masks that there are. Nothing is learned from what is not finite. */
  protected learn(paired: boolean) {
    const { losses, gradients } = this.gradients(paired);
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const norm = globalNorm(gradients);
    const learningRate = this.rateScale * learningRateAt(this.step, this.optimiser);
    const applied = Number.isFinite(loss) && Number.isFinite(norm);
    this.step++;
    if (applied) this.update(gradients, norm, learningRate);
    return { losses, loss, norm, learningRate, applied };
  }

  diagnostics(): Record<string, number> {
    return this.chooser?.diagnostics() ?? {};
  }

  save(): ChooserState {
    const { arrays, state } = this.chooser?.save() ?? { arrays: new Map<string, Float32Array>(), state: {} };
    return {
      arrays: new Map([...this.parameters.toArrays(), ...withPrefix('sparsity', arrays)]),
      // In the middle of a step that failed, as when a GPU is lost, the masks are those of the coming step.
      state: this.chosenFor === this.step ? { ...state, [chosenKey]: true } : state,
    };
  }

  restore({ arrays, state }: ChooserState, step: number): void {
    const { [chosenKey]: chosen, ...own } = state;
    this.chooser?.restore({ arrays: underPrefix('sparsity', arrays), state: own });
    this.parameters.fromArrays(arrays, this.members);
    this.step = step;
    this.chosenFor = chosen === true ? step : -1;
    this.masksChanged();
  }

  /** The masks of the model that is validated and shipped: [matrix]. */
  protected deployedMasks(): Mask[] {
    return this.chooser?.deployed() ?? [];
  }

  /** The gradients of this step's batch; when `paired`, members 2p and 2p+1 see the same examples. */
  protected abstract gradients(paired: boolean): MemberGradients;

  /** What the chooser may ask about the weights. */
  abstract view(): BlockView;

  /** Called after the members have got other masks. */
  protected masksChanged(): void {}

  private update(gradients: readonly Float32Array[], norm: number, learningRate: number): void {
    const { adam, ema, clip = Infinity } = this.optimiser;
    // Early on the average follows fast, so that it does not carry the random start along.
    const average = Math.min(ema, (1 + this.step) / (10 + this.step));
    const gradientScale = norm > clip ? clip / norm : 1;
    let i = 0;
    for (const [, state] of this.parameters.named())
      this.kernels.adam({ learningRate, ...adam, step: this.step, gradientScale, average }, gradients[i++], state);
  }
}
