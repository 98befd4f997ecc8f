import { TtsError } from '../../base/errors.js';
import { drawExamples, type Examples } from '../../data/images/examples.js';
import type { ClassifierGradients, ClassifierNetwork, Kernels } from '../../kernels/index.js';
import type { GradientBlocks } from '../../kernels/interface/blocks.js';
import { maskedLayers } from '../../model/classifiers/shapes.js';
import type { BlockView, MaskedMatrix } from '../../sparsity/chooser.js';
import type { Mask } from '../../sparsity/mask.js';
import { maskPicture } from '../../sparsity/mask_picture.js';
import { createChooser } from '../../sparsity/settings.js';
import { sumInto } from '../adam_states.js';
import { MaskedLearner, type MemberGradients } from '../masked_learner.js';
import type { ClassifierRecipe } from '../recipe/classifier_schema.js';
import { checkInput, classifierOf } from './model.js';
import { ClassifierParameters, countWeights, gradientsFor } from './parameters.js';

/** Groups of the examples on which masks are judged: enough to tell how noisy a judgement is. */
const judgedGroups = 8;

/** A classifier in training. The members of a pair see the same examples in the steps that count. */
export class ClassifierTrainer extends MaskedLearner {
  readonly parameters: ClassifierParameters;
  private readonly matrices: MaskedMatrix[];
  private networks: ClassifierNetwork[] = [];
  private buffers: ClassifierGradients[] = [];

  /** Throws ERR_RECIPE when the net does not fit the images, or the examples do not divide among the members. */
  constructor(
    private readonly recipe: ClassifierRecipe,
    private readonly examples: Examples,
    kernels: Kernels,
  ) {
    const { config, shapes } = classifierOf(recipe);
    const { seed, steps, initial, examples: perStep } = recipe.training;
    checkInput(config, examples);
    const matrices = maskedLayers(shapes);
    // Where nothing is masked there is nothing to choose.
    const chooser = matrices.length > 0 ? createChooser(recipe.sparsity, matrices, seed, steps) : undefined;
    super(kernels, recipe.training, chooser);
    if (perStep % this.members !== 0)
      throw new TtsError(
        'ERR_RECIPE',
        `training.examples is ${perStep}, expected a multiple of the ${this.members} members of the population`,
      );
    this.matrices = matrices;
    const revive = chooser?.revive ?? 'zero';
    this.parameters = new ClassifierParameters(config.input, shapes, chooser?.initial() ?? [[]], {
      seed,
      initial,
      revive,
    });
    this.masksChanged();
  }

  get nonZeros(): number {
    return this.networks.reduce((sum, network) => sum + countWeights(network), 0) / this.networks.length;
  }

  deployed(): ClassifierNetwork {
    return this.parameters.deployed(this.deployedMasks(), 'average');
  }

  picture(): Uint8Array | undefined {
    return this.matrices.length > 0 ? maskPicture(this.matrices, this.parameters.masks()) : undefined;
  }

  protected gradients(paired: boolean): MemberGradients {
    this.parameters.gather();
    const losses = this.gradientsOf(this.buffers, paired);
    return { losses, gradients: this.parameters.combine(this.buffers) };
  }

  /**
   * Mean nats of each member and its gradients, on the examples of the step: `paired` members, 2p and 2p+1, see the
   * same.
   */
  private gradientsOf(
    gradients: readonly ClassifierGradients[],
    paired: boolean,
    blocks?: GradientBlocks,
  ): Float64Array {
    const { examples, seed } = this.recipe.training;
    const count = examples / this.members;
    const draws = Array.from({ length: this.members }, (_, member) => (paired ? member >>> 1 : member));
    const batch = drawExamples(this.examples, { count, draws, augment: this.recipe.data.augment }, seed, this.step);
    const { loss } = this.kernels.classifierGradients(this.networks, batch, 1 / count, gradients, blocks);
    return loss.map((nats) => nats / count);
  }

  /** The losses of a `BlockView`, on as many examples as a step has; not those that the coming step trains on. */
  private judge(masks: readonly (readonly Mask[])[]): Float64Array[] {
    const { recipe, parameters, members } = this;
    const { examples, seed } = recipe.training;
    const count = Math.ceil(examples / judgedGroups);
    const draws = Array.from({ length: judgedGroups }, (_, group) => members + group);
    const batch = drawExamples(this.examples, { count, draws, augment: recipe.data.augment }, seed, this.step);
    const losses = masks.map((mask) => {
      const network = parameters.deployed(mask, 'weights');
      return this.kernels.classifierLoss(Array<ClassifierNetwork>(judgedGroups).fill(network), batch).loss;
    });
    return draws.map((_, group) => Float64Array.from(losses, (loss) => loss[group] / count));
  }

  /** Takes the members apart again. */
  protected override masksChanged(): void {
    this.networks = this.parameters.networks();
    this.buffers = this.networks.map((network) => gradientsFor(network));
  }

  view(): BlockView {
    const { parameters } = this;
    return {
      magnitudes: () => parameters.masked.map((weights) => weights.magnitudes()),
      gradients: () => {
        parameters.gather();
        const gradients = this.networks.map((network) => gradientsFor(network, 'all'));
        this.gradientsOf(gradients, false, 'all');
        return mean(gradients.map(({ weights }) => parameters.ofMasked(weights)));
      },
      losses: (masks) => this.judge(masks),
    };
  }
}

/** Mean over the members, [member][matrix]; the first member's arrays are overwritten. */
function mean(members: readonly Float32Array[][]): Float32Array[] {
  return members[0].map((_, i) => {
    const sum = sumInto(members.map((arrays) => arrays[i]));
    for (let k = 0; k < sum.length; k++) sum[k] /= members.length;
    return sum;
  });
}
