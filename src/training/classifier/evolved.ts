import { streams } from '../../base/random.js';
import { ExampleShares } from '../../data/images/example_shares.js';
import { drawExamples, type Examples } from '../../data/images/examples.js';
import type { ClassifierLayer, ClassifierNetwork, Kernels } from '../../kernels/index.js';
import { type ClassifierConfig, classifiers } from '../../model/classifiers/classifiers.js';
import { classifierNetwork, initialWeights } from '../../model/classifiers/network.js';
import { classifierShapes } from '../../model/classifiers/shapes.js';
import type { ChooserState } from '../../sparsity/chooser.js';
import { generationNoise, pairUtilities } from '../../sparsity/snes.js';
import type { Learner, LearnerStep } from '../learner.js';
import type { EvolvedRecipe } from '../recipe/classifier_schema.js';
import { learningRateAt } from '../recipe/schedule.js';
import { checkInput } from './model.js';
import { natsOf } from './validation.js';

/** Dense layers run fastest in these blocks, where they fit. */
const block = { rows: 16, columns: 1 };

/**
 * All weights and biases of a dense classifier by an evolution strategy alone (Lenc et al. 2019, arXiv 1906.03139,
 * section 3): no gradients, one forward pass per member and generation. The members of a pair see the same examples;
 * their fitness is minus the mean loss, less the mean of the pair: how hard the examples of a pair are says nothing
 * about it. Examples that the mean gets wrong are drawn more often, and count less: see `ExampleShares`.
 */
export class EvolvedClassifier implements Learner {
  step = 0;
  private readonly mean: Float32Array;
  /** Sigma of each weight at the start. */
  private readonly sigma: Float32Array;
  /** The moving average of the mean. */
  private readonly average: Float32Array;
  /** The step of the mean, in units of sigma. */
  private readonly direction: Float32Array;
  /** Nats of all examples when the mean was last tried on them, and how often they are drawn since. */
  private nll: Float32Array | undefined;
  private shares: ExampleShares | undefined;
  /** [population, weights]. */
  private readonly weights: Float32Array[];
  private readonly networks: ClassifierNetwork[];
  private readonly plan: ClassifierNetwork;

  /** Throws ERR_RECIPE when the net does not fit the images. */
  constructor(
    private readonly recipe: EvolvedRecipe,
    private readonly examples: Examples,
    private readonly kernels: Kernels,
  ) {
    const config: ClassifierConfig = classifiers[recipe.sizes[recipe.size].model];
    const { population, sigma, seed } = recipe.training;
    checkInput(config, examples);
    const shapes = classifierShapes(config, { density: 1, block });
    this.plan = classifierNetwork(config.input, shapes, [], initialWeights(shapes, [], seed));
    this.mean = endToEnd(this.plan);
    this.sigma = deviations(this.plan).map((deviation) => sigma * deviation);
    this.average = this.mean.slice();
    this.direction = new Float32Array(this.mean.length);
    this.weights = Array.from({ length: population }, () => new Float32Array(this.mean.length));
    this.networks = this.weights.map((weights) => networkOf(this.plan, weights));
  }

  advance(): LearnerStep {
    const { step, recipe, kernels, mean, sigma, average, direction } = this;
    const { population, workers, examples: count, learningRate, ema, seed, steps, decay } = recipe.training;
    const scale = learningRateAt(step, { learningRate: 1, warmup: 0, decay, steps });
    const noise = generationNoise(seed, streams.es, step, population / 2, mean.length);
    kernels.mirroredMembers(noise, mean, sigma, scale, this.weights);
    const draws = Array.from({ length: population }, (_, member) => member >>> 1);
    const shares = this.look();
    const drawing = { count, draws, augment: recipe.data.augment, choose: shares.choose };
    const batch = drawExamples(this.examples, drawing, seed, step);
    const nll = new Float32Array(population * count);
    kernels.classifierLoss(this.networks, { ...batch, nll });
    const losses = new Float64Array(population);
    nll.forEach((nats, i) => (losses[Math.floor(i / count)] += (shares.weights[batch.chosen[i]] * nats) / count));
    const loss = losses.reduce((sum, value) => sum + value, 0) / population;
    const applied = Number.isFinite(loss);
    this.step++;
    if (applied) {
      const fitness = losses.map((own, member) => (losses[member ^ 1] - own) / 2);
      kernels.noiseSum(noise, pairUtilities(fitness, workers), direction);
      // Early on the average follows fast, so that it does not carry the random start along.
      const kept = Math.min(ema, (1 + this.step) / (10 + this.step));
      for (let i = 0; i < mean.length; i++) {
        mean[i] += learningRate * scale * sigma[i] * direction[i];
        average[i] = kept * average[i] + (1 - kept) * mean[i];
      }
    }
    return { loss, applied, figures: { 'train/sigma': recipe.training.sigma * scale } };
  }

  /** How often examples are drawn in this generation. */
  private look(): ExampleShares {
    const { uniform, every } = this.recipe.training.importance;
    if (uniform < 1 && this.step % every === 0) {
      this.nll = natsOf(this.kernels, networkOf(this.plan, this.mean), this.examples);
      this.shares = undefined;
    }
    return (this.shares ??= new ExampleShares(this.nll ?? new Float32Array(this.examples.count), uniform));
  }

  deployed(): ClassifierNetwork {
    return networkOf(this.plan, this.average);
  }

  picture(): undefined {}

  diagnostics(): Record<string, number> {
    return {};
  }

  save(): ChooserState {
    const { mean, average, nll } = this;
    const arrays = { mean: mean.slice(), average: average.slice(), ...(nll && { nll: nll.slice() }) };
    return { arrays: new Map(Object.entries(arrays)), state: {} };
  }

  restore({ arrays }: ChooserState, step: number): void {
    const take = (name: string, own: Float32Array) => {
      const saved = arrays.get(name);
      if (saved?.length !== own.length)
        throw new RangeError(`the checkpoint's ${name} has ${saved?.length ?? 0} numbers, expected ${own.length}`);
      own.set(saved);
      return own;
    };
    take('mean', this.mean);
    take('average', this.average);
    this.nll = arrays.has('nll') ? take('nll', new Float32Array(this.examples.count)) : undefined;
    this.shares = undefined;
    this.step = step;
  }
}

/** The arrays of a network that are learned, in order: of each layer the weights, then the biases. */
function arraysOf({ layers }: ClassifierNetwork): Float32Array[][] {
  return layers.map((layer) =>
    layer.kind === 'convolution'
      ? [layer.matrix.values, layer.bias]
      : layer.kind === 'depthwise'
        ? [layer.weights]
        : [],
  );
}

function endToEnd(network: ClassifierNetwork): Float32Array {
  return Float32Array.from(arraysOf(network).flatMap((arrays) => arrays.flatMap((array) => [...array])));
}

/** For each weight and bias the deviation of the initial weights of its layer. */
function deviations(network: ClassifierNetwork): Float32Array {
  return Float32Array.from(
    arraysOf(network).flatMap(([weights, ...rest]) => {
      if (!weights) return [];
      const deviation = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length);
      return Array<number>([weights, ...rest].reduce((sum, { length }) => sum + length, 0)).fill(deviation);
    }),
  );
}

/** A network like `plan` whose arrays are parts of `weights`. */
function networkOf(plan: ClassifierNetwork, weights: Float32Array): ClassifierNetwork {
  let at = 0;
  const take = ({ length }: Float32Array) => weights.subarray(at, (at += length));
  const layers = plan.layers.map((layer): ClassifierLayer => {
    if (layer.kind === 'pool') return layer;
    if (layer.kind === 'depthwise') return { ...layer, weights: take(layer.weights) };
    return { ...layer, matrix: { ...layer.matrix, values: take(layer.matrix.values) }, bias: take(layer.bias) };
  });
  return { input: plan.input, layers };
}
