import type { Tensor, Tensor3D } from '@tensorflow/tfjs';
import type { FeatureStore } from '../data/feature_store.js';
import { drawBatch, type Batch } from '../data/batches.js';
import type { Kernels } from '../kernels/index.js';
import type { TensorFlow } from '../model/backend.js';
import { conditioningForward, contextFrames } from '../model/conditioning.js';
import { levels, type WaveRnnConfig } from '../model/config.js';
import { normaliseFeatures } from '../model/normalise.js';
import { GradientPool, sampleRateNll } from '../model/sample_rate_op.js';
import { RandomStream, streams } from '../kernels/random.js';
import { symbolCodec, type SymbolCodec, type Symbols } from '../model/codec.js';
import type { BlockView, ChooserState, MaskChooser } from '../sparsity/chooser.js';
import { forEachBlock } from '../sparsity/mask.js';
import { blockMeans } from '../sparsity/masked_weights.js';
import { createChooser } from '../sparsity/settings.js';
import { maskedMatrices, Parameters } from './parameters.js';
import { waveRnnConfig, type Recipe } from './recipe.js';
import { learningRateAt } from './schedule.js';

/** Blocks of random numbers that one step may use for noise: four samples each. */
const noiseBlocksPerStep = 2 ** 24;

/** What a step did. */
export interface StepResult {
  /** Mean nats per 16-bit sample. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** False when the loss or a gradient was not finite: nothing was changed then. */
  readonly applied: boolean;
}

/** Turns batches into better weights, one step at a time. Everything a step does is a pure function of the parameters, the recipe and the step. */
export class Trainer {
  readonly config: WaveRnnConfig;
  readonly parameters: Parameters;
  private readonly chooser: MaskChooser;
  private readonly pool = new GradientPool();
  private readonly codec: SymbolCodec;

  /** Steps done. */
  step = 0;

  constructor(
    private readonly recipe: Recipe,
    private readonly store: FeatureStore,
    private readonly kernels: Kernels,
    private readonly tf: TensorFlow,
  ) {
    this.config = waveRnnConfig(recipe);
    const { seed } = recipe.training;
    this.codec = symbolCodec(this.config.encoding, store.settings);
    this.chooser = createChooser(recipe.sparsity, maskedMatrices(this.config), seed, recipe.training.steps);
    if (this.chooser.members !== 1) throw new RangeError(`the trainer runs one set of masks, the chooser has ${this.chooser.members}`);
    this.parameters = new Parameters(this.config, store.bins, this.chooser.initial()[0], seed);
  }

  /** Draws the step's batch, computes its gradients and updates the weights. */
  advance(): StepResult {
    const { lanes, segment, seed, adam, clip, ema } = this.recipe.training;
    const masks = this.chooser.update(this.step, this.view());
    if (masks) this.parameters.remask(masks[0]);

    const batch = drawBatch(this.store.train, { lanes, steps: segment, context: contextFrames(this.config), hop: this.store.hop, history: this.codec.history }, seed, this.step);
    const { loss, gradients } = this.gradients(batch);
    const gradientNorm = globalNorm(gradients);
    const learningRate = learningRateAt(this.step, this.recipe.training);
    const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    this.chooser.observe(this.step, Float64Array.of(loss));
    this.step++;
    if (applied) {
      // Early on the average follows fast, so that it does not carry the random start along.
      const average = Math.min(ema, (1 + this.step) / (10 + this.step));
      const gradientScale = gradientNorm > clip ? clip / gradientNorm : 1;
      const settings = { learningRate, ...adam, step: this.step, gradientScale, average };
      let i = 0;
      for (const [, state] of this.parameters.named()) this.kernels.adam(settings, gradients[i++], state);
    }
    return { loss, gradientNorm, learningRate, applied };
  }

  /** Everything that a step depends on, for a checkpoint: weights, and the state of the chooser of masks. */
  save(): ChooserState {
    const { arrays, state } = this.chooser.save();
    return { arrays: new Map([...this.parameters.toArrays(), ...[...arrays].map(([name, array]) => [`sparsity/${name}`, array] as const)]), state };
  }

  /** Goes on where `save` was called, after `step` steps. */
  restore({ arrays, state }: ChooserState, step: number): void {
    this.parameters.fromArrays(arrays);
    this.chooser.restore({ arrays: new Map([...arrays].filter(([name]) => name.startsWith('sparsity/')).map(([name, array]) => [name.slice('sparsity/'.length), array])), state });
    this.step = step;
  }

  /** What the chooser may ask about the weights. */
  private view(): BlockView {
    return {
      magnitudes: () =>
        this.parameters.sparse.map(({ matrix }) => {
          const size = matrix.blockRows * matrix.blockColumns;
          const stored = blockMeans(matrix.values, size);
          const all = new Float32Array((matrix.rows * matrix.columns) / size);
          forEachBlock(matrix, (block, position) => (all[block] = stored[position]));
          return all;
        }),
      gradients: () => {
        throw new RangeError('the trainer computes no dense gradients');
      },
    };
  }

  /** All lanes of a batch as symbol pairs [lanes, steps+1]. */
  private symbols({ lanes, steps, history, phase, context, pcm, features }: Batch): Symbols {
    const { noise, seed } = this.recipe.training;
    const random = new RandomStream(seed, streams.heardNoise, this.step * noiseBlocksPerStep);
    const codes = new Uint16Array(lanes * (steps + 1));
    const heard = noise > 0 ? new Uint16Array(lanes * steps) : undefined;
    const perLane = features.length / lanes;
    let logWidth = 0;
    for (let lane = 0; lane < lanes; lane++) {
      const laneFeatures = features.subarray(lane * perLane + (context - 1) * this.store.bins, (lane + 1) * perLane);
      const symbols = this.codec.encode(pcm.subarray(lane * (history + steps), (lane + 1) * (history + steps)), phase, laneFeatures, noise > 0 ? disturbance(random, noise, levels(this.config.encoding) ** 2) : undefined);
      if (symbols.heard) heard?.set(symbols.heard, lane * steps);
      codes.set(symbols.codes, lane * (steps + 1));
      logWidth += symbols.meanLogWidth / lanes;
    }
    return { codes, meanLogWidth: logWidth, heard };
  }

  /** Loss and gradients in the order of `Parameters.named()`. */
  private gradients(batch: Batch): { loss: number; gradients: Float32Array[] } {
    const { tf, kernels, config, pool } = this;
    const network = this.parameters.network();
    const { lanes, steps, hop, phase, frames, context } = batch;
    const { codes, heard, meanLogWidth } = this.symbols(batch);
    const sequence = { lanes, steps, hop, phase, frames, codes, heard };
    const names = [...this.parameters.conditioning.keys()];
    const weights = [...network.sparse.map(({ values }) => values), ...network.dense];
    // Arrays do not leave through tidy's return value: it would look for tensors in every element.
    let result = { loss: NaN, gradients: [] as Float32Array[] };
    tf.tidy(() => {
      const features = tf.tensor3d(normaliseFeatures(batch.features, this.store.statistics), [lanes, frames + 2 * context, this.store.bins]);
      const loss = (...tensors: Tensor[]) => {
        const conditioning = Object.fromEntries(names.map((name, i) => [name, tensors[weights.length + i]]));
        const gate = conditioningForward(tf, config, conditioning, features) as Tensor3D;
        return sampleRateNll(tf, kernels, network, sequence, gate, tensors.slice(0, weights.length), pool);
      };
      const inputs = [...weights.map((values) => tf.tensor1d(values)), ...[...this.parameters.conditioning.values()].map(({ shape, state }) => tf.tensor(state.weights, shape))];
      const { value, grads } = tf.valueAndGrads(loss)(inputs);
      result = { loss: value.dataSync()[0] + meanLogWidth, gradients: grads.map((gradient) => gradient.dataSync() as Float32Array) };
    });
    return result;
  }
}

/** A function that adds rounded noise to codes, of a deviation drawn once between 0 and `most`. */
function disturbance(random: RandomStream, most: number, codes: number): (code: number) => number {
  const deviation = most * random.uniform();
  return (code) => Math.max(0, Math.min(codes - 1, code + Math.round(deviation * nearlyNormal(random.uint32()))));
}

/** The sum of the four bytes of a random word, with mean 0 and variance 1: near enough to a normal number, at a fraction of its cost. */
function nearlyNormal(word: number): number {
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  return (sum - 510) / Math.sqrt((256 ** 2 - 1) / 3);
}

function globalNorm(arrays: readonly Float32Array[]): number {
  let sum = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i++) sum += array[i] * array[i];
  return Math.sqrt(sum);
}
