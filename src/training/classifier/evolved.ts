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

/** Examples are drawn so many times in a generation for the search of the last layer: work for as many threads. */
const lastDraws = 8;

/** A search for some of the weights. */
interface Search {
  /** Views of those weights in the arrays over all. */
  readonly mean: Float32Array;
  readonly sigma: Float32Array;
  /** What each member has of its own, and the networks that they are. */
  readonly weights: readonly Float32Array[];
  readonly networks: readonly ClassifierNetwork[];
  /** Number of its first pair and of its first draw of examples: no two searches share noise or examples. */
  readonly from: number;
  /** Draws of a generation, which the members share out, and examples of each. */
  readonly draws: number;
  readonly examples: number;
  /** Step of the mean in units of sigma. */
  readonly learningRate: number;
}

/**
 * All weights and biases of a dense classifier by an evolution strategy alone (Lenc et al. 2019, arXiv 1906.03139,
 * section 3): no gradients, one forward pass per member and generation. The members of a pair see the same examples;
 * their fitness is minus the mean loss, less the mean of the pair: how hard the examples of a pair are says nothing
 * about it. Examples that the mean gets wrong are drawn more often, and count less: see `ExampleShares`.
 *
 * The last layer is searched apart: its members have the mean's other layers, which are worked out once for all of
 * them, so that there can be many, and the members of the others have its last layer, so that the noise of its weights,
 * half of all, does not hide what theirs are worth.
 */
export class EvolvedClassifier implements Learner {
  step = 0;
  private readonly mean: Float32Array;
  /** The moving average of the mean. */
  private readonly average: Float32Array;
  /** Nats of all examples when the mean was last tried on them, and how often they are drawn since. */
  private nll: Float32Array | undefined;
  private shares: ExampleShares | undefined;
  private readonly searches: readonly Search[];
  /** Weights before the last layer's. */
  private readonly before: number;
  private readonly plan: ClassifierNetwork;

  /** Throws ERR_RECIPE when the net does not fit the images. */
  constructor(
    private readonly recipe: EvolvedRecipe,
    private readonly examples: Examples,
    private readonly kernels: Kernels,
  ) {
    const config: ClassifierConfig = classifiers[recipe.sizes[recipe.size].model];
    const { population, last, sigma: share, seed, ...training } = recipe.training;
    checkInput(config, examples);
    const shapes = classifierShapes(config, { density: 1, block });
    this.plan = classifierNetwork(config.input, shapes, [], initialWeights(shapes, [], seed));
    this.mean = endToEnd(this.plan);
    this.average = this.mean.slice();
    this.before = this.mean.length - endToEnd({ ...this.plan, layers: this.plan.layers.slice(-1) }).length;
    const [mean, lastMean] = this.parts(this.mean);
    const [sigma, lastSigma] = this.parts(deviations(this.plan).map((deviation) => share * deviation));
    const members = (count: number, { length }: Float32Array, network: (own: Float32Array) => ClassifierNetwork) => {
      const weights = Array.from({ length: count }, () => new Float32Array(length));
      return { weights, networks: weights.map(network) };
    };
    const pairs = population / 2;
    this.searches = [
      {
        ...members(population, mean, (own) => networkOf(this.plan, own, lastMean)),
        mean,
        sigma,
        from: 0,
        draws: pairs,
        examples: training.examples,
        learningRate: training.learningRate,
      },
      {
        ...members(last.population, lastMean, (own) => networkOf(this.plan, mean, own)),
        mean: lastMean,
        sigma: lastSigma,
        from: pairs,
        draws: lastDraws,
        examples: last.examples,
        learningRate: last.learningRate,
      },
    ];
  }

  advance(): LearnerStep {
    const { step, searches, mean: all, average } = this;
    const { sigma: share, ema, steps, decay } = this.recipe.training;
    const scale = learningRateAt(step, { learningRate: 1, warmup: 0, decay, steps });
    const shares = this.look();
    // All are judged before anything moves.
    const judged = searches.map((search) => this.judge(search, shares, scale));
    const { loss } = judged[0];
    const applied = judged.every((each) => Number.isFinite(each.loss));
    this.step++;
    if (applied) {
      searches.forEach(({ mean, sigma, learningRate }, s) => {
        const { direction } = judged[s];
        for (let i = 0; i < mean.length; i++) mean[i] += learningRate * scale * sigma[i] * direction[i];
      });
      // Early on the average follows fast, so that it does not carry the random start along.
      const kept = Math.min(ema, (1 + this.step) / (10 + this.step));
      for (let i = 0; i < all.length; i++) average[i] = kept * average[i] + (1 - kept) * all[i];
    }
    return { loss, applied, figures: { 'train/sigma': share * scale } };
  }

  /** The mean loss of a search's members, and the step of its mean in units of sigma. */
  private judge(search: Search, shares: ExampleShares, scale: number): { loss: number; direction: Float32Array } {
    const { recipe, kernels, step } = this;
    const { seed, workers } = recipe.training;
    const { mean, sigma, weights, networks, from, draws, examples: count } = search;
    const population = weights.length;
    const noise = generationNoise(seed, streams.es, step, from + population / 2, mean.length, from);
    kernels.mirroredMembers(noise, mean, sigma, scale, weights);
    const drawing = {
      count,
      draws: Array.from({ length: draws }, (_, i) => from + i),
      augment: recipe.data.augment,
      choose: shares.choose,
    };
    const batch = drawExamples(this.examples, drawing, seed, step);
    const shared = population / draws;
    const nll = new Float32Array(population * count);
    kernels.classifierLoss(networks, { ...batch, shared, nll });
    const losses = new Float64Array(population);
    for (let member = 0; member < population; member++) {
      const drawn = Math.floor(member / shared) * count;
      for (let i = 0; i < count; i++)
        losses[member] += (shares.weights[batch.chosen[drawn + i]] * nll[member * count + i]) / count;
    }
    const loss = losses.reduce((sum, value) => sum + value, 0) / population;
    const direction = new Float32Array(mean.length);
    if (Number.isFinite(loss)) {
      const fitness = losses.map((own, member) => (losses[member ^ 1] - own) / 2);
      kernels.noiseSum(noise, pairUtilities(fitness, workers), direction);
    }
    return { loss, direction };
  }

  /** What an array over all weights has for the first layers, and for the last. */
  private parts(all: Float32Array): [first: Float32Array, last: Float32Array] {
    return [all.subarray(0, this.before), all.subarray(this.before)];
  }

  /** How often examples are drawn in this generation. */
  private look(): ExampleShares {
    const { uniform, every } = this.recipe.training.importance;
    if (uniform < 1 && this.step % every === 0) {
      this.nll = natsOf(this.kernels, networkOf(this.plan, ...this.parts(this.mean)), this.examples);
      this.shares = undefined;
    }
    return (this.shares ??= new ExampleShares(this.nll ?? new Float32Array(this.examples.count), uniform));
  }

  deployed(): ClassifierNetwork {
    return networkOf(this.plan, ...this.parts(this.average));
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

/** A network like `plan` whose arrays are parts of those given: all layers' but the last, and the last's. */
function networkOf(plan: ClassifierNetwork, first: Float32Array, last: Float32Array): ClassifierNetwork {
  let at = 0;
  const take = ({ length }: Float32Array) => {
    const part =
      at < first.length
        ? first.subarray(at, at + length)
        : last.subarray(at - first.length, at - first.length + length);
    at += length;
    return part;
  };
  const layers = plan.layers.map((layer): ClassifierLayer => {
    if (layer.kind === 'pool') return layer;
    if (layer.kind === 'depthwise') return { ...layer, weights: take(layer.weights) };
    return { ...layer, matrix: { ...layer.matrix, values: take(layer.matrix.values) }, bias: take(layer.bias) };
  });
  return { input: plan.input, layers };
}
