import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { TtsError } from '../../base/errors.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Kernels, SampleRateNetwork } from '../../kernels/index.js';
import type { TensorFlow } from '../../model/backend/backend.js';
import { type SymbolCodec } from '../../model/wavernn/codec.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import { conditioningForward } from '../../model/wavernn/conditioning.js';
import { sparseNames, type WaveRnnConfig } from '../../model/wavernn/config.js';
import { GradientPool, sampleRateNll } from '../../model/wavernn/sample_rate_op.js';
import type { BlockView, ChooserState, MaskChooser } from '../../sparsity/chooser.js';
import { maskPicture } from '../../sparsity/mask_picture.js';
import { underPrefix, withPrefix } from '../../sparsity/named_arrays.js';
import { createChooser } from '../../sparsity/settings.js';
import { type Recipe, waveRnnConfig } from '../recipe/recipe.js';
import { learningRateAt } from '../recipe/schedule.js';
import { maskedMatrices, Parameters } from './parameters.js';
import { drawSegments, type Segments } from './segments.js';

/** What a step did. */
export interface StepResult {
  /** Mean nats per 16-bit sample, over the members too. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** False when the loss or a gradient was not finite: no weight was changed then. */
  readonly applied: boolean;
}

/**
 * A dense gradient costs as much as ten sparse ones: it is taken over so many samples, give or take. Those who ask
 * average over several.
 */
const probeSamples = 7680;

/**
 * Turns batches into better weights, one step at a time: the weights by gradients that are averaged over the members of
 * a population of masks, the masks by whoever chooses them. Everything a step does is a pure function of the weights,
 * the state of the chooser, the recipe and the step.
 */
export class Trainer {
  readonly config: WaveRnnConfig;
  readonly parameters: Parameters;
  private readonly chooser: MaskChooser;
  private readonly pool = new GradientPool();
  private readonly codec: SymbolCodec;
  /** Gradients of the shared block-sparse weights. */
  private shared: Float32Array[] = [];

  /** Steps done. */
  step = 0;

  /** @throws {TtsError} ERR_RECIPE when the lanes cannot be shared out to the members */
  constructor(
    private readonly recipe: Recipe,
    private readonly store: FeatureStore,
    private readonly kernels: Kernels,
    private readonly tf: TensorFlow,
  ) {
    this.config = waveRnnConfig(recipe);
    const { seed, steps, lanes } = recipe.training;
    this.codec = symbolCodec(this.config.encoding, store.settings);
    this.chooser = createChooser(recipe.sparsity, maskedMatrices(this.config), seed, steps);
    const { members, revive } = this.chooser;
    if (lanes % members !== 0)
      throw new TtsError(
        'ERR_RECIPE',
        `training.lanes is ${lanes}, expected a multiple of the ${members} members of ` +
          `sparsity.${recipe.sparsity.method}`,
      );
    this.parameters = new Parameters(this.config, store.bins, this.chooser.initial(), revive, seed);
  }

  /** Masks that are trained side by side. */
  get members(): number {
    return this.chooser.members;
  }

  /** The network that is validated and shipped: the deployed masks, the averaged weights. */
  deployed(): SampleRateNetwork {
    return this.parameters.deployed(this.chooser.deployed(), 'average');
  }

  /** Share of the block-sparse weights that the deployed masks keep. */
  get density(): number {
    const masks = this.chooser.deployed();
    return (
      masks.reduce((sum, mask) => sum + mask.reduce((kept, bit) => kept + bit, 0), 0) /
      masks.reduce((sum, { length }) => sum + length, 0)
    );
  }

  /** Figures of the masks and their search since the last call; see `MaskChooser`. */
  diagnostics(): Record<string, number> {
    return this.chooser.diagnostics();
  }

  /** A PNG of the deployed masks. */
  picture(): Uint8Array {
    return maskPicture(maskedMatrices(this.config), [this.chooser.deployed()]);
  }

  /** Draws the step's batch, computes its gradients and updates the weights. */
  advance(): StepResult {
    const { adam, clip, ema } = this.recipe.training;
    const masks = this.chooser.update(this.step, this.view());
    if (masks) this.parameters.remask(masks);

    const { losses, gradients } = this.gradients(
      this.segments(
        this.recipe.training.lanes,
        this.recipe.training.segment,
        this.chooser.paired(this.step) ? this.chooser.members / 2 : 0,
      ),
    );
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const gradientNorm = globalNorm(gradients);
    const learningRate = learningRateAt(this.step, this.recipe.training);
    const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    this.chooser.observe(this.step, losses);
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
    return { arrays: new Map([...this.parameters.toArrays(), ...withPrefix('sparsity', arrays)]), state };
  }

  /** Goes on where `save` was called, after `step` steps. */
  restore({ arrays, state }: ChooserState, step: number): void {
    this.chooser.restore({ arrays: underPrefix('sparsity', arrays), state });
    this.parameters.fromArrays(arrays, this.chooser.members);
    this.step = step;
  }

  private segments(lanes: number, steps: number, pairs = 0): Segments {
    const { seed, noise } = this.recipe.training;
    return drawSegments(
      this.store,
      this.config,
      this.codec,
      this.kernels,
      { lanes, steps, noise, seed },
      this.step,
      pairs,
    );
  }

  /** What the chooser may ask about the weights. */
  private view(): BlockView {
    return {
      magnitudes: () => this.parameters.sparse.map((weights) => weights.magnitudes()),
      gradients: () => {
        const probes = this.parameters.probes();
        const { lanes, segment } = this.recipe.training;
        const { sequence, features, rows } = this.segments(
          lanes,
          Math.min(segment, Math.max(16, Math.round(probeSamples / lanes))),
        );
        const conditioning = new Map(
          [...this.parameters.conditioning].map(([name, { shape, state }]) => [
            name,
            this.tf.tensor(state.weights, shape),
          ]),
        );
        const gate = this.tf.tidy(
          () =>
            conditioningForward(
              this.tf,
              this.config,
              Object.fromEntries(conditioning),
              this.featureTensor(features, rows),
            ).dataSync() as Float32Array,
        );
        this.tf.dispose([...conditioning.values()]);
        const gradients = new GradientPool().take(probes, gate.length);
        this.kernels.memberGradients(probes, { ...sequence, gate }, 1 / (sequence.lanes * sequence.steps), gradients);
        return gradients[0].sparse.map((_, i) => total(gradients.map(({ sparse }) => sparse[i])));
      },
    };
  }

  private featureTensor(features: Float32Array, rows: number): Tensor3D {
    return this.tf.tensor3d(features, [features.length / (rows * this.store.bins), rows, this.store.bins]);
  }

  /** Mean loss of each member, and gradients of the mean over them in the order of `Parameters.named()`. */
  private gradients({ sequence, features, rows, logWidths }: Segments): {
    losses: Float64Array;
    gradients: Float32Array[];
  } {
    const { tf, kernels, config, pool, parameters } = this;
    const members = parameters.members();
    const names = [...parameters.conditioning.keys()];
    const sparse = members.flatMap((network) => network.sparse.map(({ values }) => values));
    const { dense } = members[0];
    let nats: Float64Array = new Float64Array(0);
    // Arrays do not leave through tidy's return value: it would look for tensors in every element.
    let all: Float32Array[] = [];
    tf.tidy(() => {
      const input = this.featureTensor(features, rows);
      const loss = (...tensors: Tensor[]) => {
        const own = (m: number) => tensors.slice(m * sparseNames.length, (m + 1) * sparseNames.length);
        const common = tensors.slice(sparse.length, sparse.length + dense.length);
        const conditioning = Object.fromEntries(
          names.map((name, i) => [name, tensors[sparse.length + dense.length + i]]),
        );
        const gate = conditioningForward(tf, config, conditioning, input);
        return sampleRateNll(
          tf,
          kernels,
          members,
          sequence,
          gate,
          members.flatMap((_, m) => [...own(m), ...common]),
          pool,
          (lanes) => (nats = lanes),
        );
      };
      const inputs = [
        ...[...sparse, ...dense].map((values) => tf.tensor1d(values)),
        ...[...parameters.conditioning.values()].map(({ shape, state }) => tf.tensor(state.weights, shape)),
      ];
      all = tf
        .valueAndGrads(loss)(inputs)
        .grads.map((gradient) => gradient.dataSync() as Float32Array);
    });
    this.shared = parameters.sparse.map(({ matrix }, i) =>
      this.shared[i]?.length === matrix.values.length ? this.shared[i] : new Float32Array(matrix.values.length),
    );
    parameters.sparse.forEach((weights, i) =>
      weights.scatter(
        members.map((_, m) => all[m * sparseNames.length + i]),
        this.shared[i],
        members.length,
      ),
    );
    return {
      losses: memberLosses(nats, logWidths, sequence.steps, members.length),
      gradients: [...this.shared, ...all.slice(sparse.length)],
    };
  }
}

/** Mean nats per 16-bit sample of each member from those of its lanes. */
function memberLosses(nats: Float64Array, logWidths: Float64Array, steps: number, members: number): Float64Array {
  const lanes = nats.length / members;
  return Float64Array.from({ length: members }, (_, m) => {
    let sum = 0;
    for (let lane = m * lanes; lane < (m + 1) * lanes; lane++) sum += nats[lane] / steps + logWidths[lane];
    return sum / lanes;
  });
}

/** The sum of arrays; the first is overwritten. */
function total([first, ...others]: readonly Float32Array[]): Float32Array {
  for (const other of others) for (let i = 0; i < first.length; i++) first[i] += other[i];
  return first;
}

function globalNorm(arrays: readonly Float32Array[]): number {
  let sum = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i++) sum += array[i] * array[i];
  return Math.sqrt(sum);
}
