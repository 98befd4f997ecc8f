import { TtsError } from '../../base/errors.js';
import { drawExamples, type Examples } from '../../data/images/examples.js';
import type { ClassifierGradients, ClassifierNetwork, Kernels } from '../../kernels/index.js';
import { maskedLayers } from '../../model/classifiers/shapes.js';
import type { BlockView, ChooserState, MaskChooser, MaskedMatrix } from '../../sparsity/chooser.js';
import { underPrefix, withPrefix } from '../../sparsity/chooser.js';
import type { Mask } from '../../sparsity/mask.js';
import { createChooser } from '../../sparsity/settings.js';
import type { ClassifierRecipe } from '../recipe/classifier_schema.js';
import { learningRateAt } from '../recipe/schedule.js';
import { checkInput } from './input.js';
import type { ClassifierLearner, LearnerStep } from './learner.js';
import { classifierOf } from './model.js';
import { ClassifierParameters, gradientsFor } from './parameters.js';

/**
 * Weights by backpropagation, masks by a chooser (Lenc et al. 2019, arXiv 1906.03139, section 4, where it is a
 * population). In every step each member runs on its own masks; together they see as many examples as one set of masks
 * would, those of a pair the same ones in the steps that count.
 */
export class ClassifierTrainer implements ClassifierLearner {
  step = 0;
  private readonly matrices: MaskedMatrix[];
  private readonly chooser: MaskChooser | undefined;
  private readonly parameters: ClassifierParameters;
  private current: readonly (readonly Mask[])[];
  private networks: ClassifierNetwork[] = [];
  private buffers: ClassifierGradients[] = [];

  /** Throws ERR_RECIPE when the net does not fit the images, or the examples do not divide among the members. */
  constructor(
    private readonly recipe: ClassifierRecipe,
    private readonly examples: Examples,
    private readonly kernels: Kernels,
  ) {
    const { config, shapes } = classifierOf(recipe);
    const { seed, steps, initial, examples: perStep } = recipe.training;
    checkInput(config, examples);
    this.matrices = maskedLayers(shapes);
    // Where nothing is masked there is nothing to choose.
    this.chooser = this.matrices.length > 0 ? createChooser(recipe.sparsity, this.matrices, seed, steps) : undefined;
    if (perStep % this.members !== 0)
      throw new TtsError(
        'ERR_RECIPE',
        `training.examples is ${perStep}, expected a multiple of the ${this.members} members of the population`,
      );
    this.current = this.chooser?.initial() ?? [[]];
    this.parameters = new ClassifierParameters(config.input, shapes, this.current, {
      seed,
      initial,
      revive: this.chooser?.revive ?? 'zero',
    });
    this.split();
  }

  private get members(): number {
    return this.chooser?.members ?? 1;
  }

  advance(): LearnerStep {
    const { parameters, kernels, recipe, step } = this;
    const { adam, ema } = recipe.training;
    const masks = this.chooser?.update(step, this.view());
    if (masks) {
      this.current = masks;
      parameters.remask(masks);
      this.split();
    }
    parameters.gather();
    const losses = this.gradientsOf(this.networks, this.buffers, this.chooser?.paired(step) ?? false);
    const gradients = parameters.combine(this.buffers);
    const loss = losses.reduce((sum, value) => sum + value, 0) / this.members;
    const gradientNorm = Math.hypot(...gradients.map(norm));
    const learningRate = learningRateAt(step, recipe.training);
    const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    this.chooser?.observe(step, losses);
    this.step++;
    if (applied) {
      // Early on the average follows fast, so that it does not carry the random start along.
      const average = Math.min(ema, (1 + this.step) / (10 + this.step));
      let i = 0;
      for (const [, state] of parameters.named())
        kernels.adam({ learningRate, ...adam, step: this.step, gradientScale: 1, average }, gradients[i++], state);
    }
    return { loss, applied, figures: { 'train/gradient_norm': gradientNorm, 'train/learning_rate': learningRate } };
  }

  deployed(): ClassifierNetwork {
    return this.parameters.deployed(this.chooser?.deployed() ?? [], 'average');
  }

  masks(): ReturnType<ClassifierLearner['masks']> {
    return this.matrices.length > 0 ? { matrices: this.matrices, masks: this.current } : undefined;
  }

  diagnostics(): Record<string, number> {
    return this.chooser?.diagnostics() ?? {};
  }

  save(): ChooserState {
    const { arrays, state } = this.chooser?.save() ?? { arrays: new Map<string, Float32Array>(), state: {} };
    return { arrays: new Map([...this.parameters.toArrays(), ...withPrefix('sparsity', arrays)]), state };
  }

  restore({ arrays, state }: ChooserState, step: number): void {
    this.chooser?.restore({ arrays: underPrefix('sparsity', arrays), state });
    this.parameters.fromArrays(arrays, this.members);
    this.current = this.parameters.masks();
    this.split();
    this.step = step;
  }

  /**
   * Mean nats of each network, one per member, and its gradients, on the examples of the step: `paired` members, 2p and
   * 2p+1, see the same.
   */
  private gradientsOf(
    networks: readonly ClassifierNetwork[],
    gradients: readonly ClassifierGradients[],
    paired: boolean,
  ): Float64Array {
    const { examples, seed } = this.recipe.training;
    const count = examples / this.members;
    const draws = Array.from({ length: this.members }, (_, member) => (paired ? member >>> 1 : member));
    const batch = drawExamples(this.examples, { count, draws, augment: this.recipe.data.augment }, seed, this.step);
    return this.kernels.classifierGradients(networks, batch, 1 / count, gradients).loss.map((nats) => nats / count);
  }

  /** Takes the members apart again after their masks have changed. */
  private split(): void {
    this.networks = this.parameters.networks();
    this.buffers = this.networks.map(gradientsFor);
  }

  /** What the chooser may ask about the weights. */
  private view(): BlockView {
    const { parameters } = this;
    return {
      magnitudes: () => parameters.masked.map((weights) => weights.magnitudes()),
      gradients: () => {
        const probes = this.current.map((masks) => parameters.probe(masks));
        const gradients = probes.map(gradientsFor);
        this.gradientsOf(probes, gradients, false);
        return mean(gradients.map(({ weights }) => parameters.ofMasked(weights)));
      },
    };
  }
}

/** Mean over the members, [member][matrix]; the first member's arrays are overwritten. */
function mean([first, ...others]: readonly Float32Array[][]): Float32Array[] {
  first.forEach((sum, i) => {
    for (const other of others) for (let k = 0; k < sum.length; k++) sum[k] += other[i][k];
    for (let k = 0; k < sum.length; k++) sum[k] /= 1 + others.length;
  });
  return first;
}

function norm(array: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i] * array[i];
  return Math.sqrt(sum);
}
