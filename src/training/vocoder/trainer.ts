import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { TtsError } from '../../base/errors.js';
import type { FeatureStatistics } from '../../data/features/fit.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import { inFloat32, type Kernels, type SampleRateNetwork } from '../../kernels/index.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import type { TensorFlow } from '../../model/backend/backend.js';
import { voiceNetwork } from '../../model/voice/network.js';
import type { Provenance, Voice } from '../../model/voice/voice.js';
import { type SymbolCodec } from '../../model/wavernn/codec.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import { conditioningForward } from '../../model/wavernn/conditioning.js';
import {
  type DenseName,
  denseNames,
  type SparseName,
  sparseNames,
  vectorsPerFrame,
  type WaveRnnConfig,
} from '../../model/wavernn/config.js';
import { countedSamples, GradientPool, sampleRateNll } from '../../model/wavernn/sample_rate_op.js';
import type { BlockView } from '../../sparsity/chooser.js';
import { type Mask, maskOf } from '../../sparsity/mask.js';
import { maskPicture } from '../../sparsity/mask_picture.js';
import { createChooser } from '../../sparsity/settings.js';
import { sumInto } from '../adam_states.js';
import type { MemberGradients } from '../masked_learner.js';
import type { Share } from '../parts/part.js';
import { PartedLearner } from '../parts/parted_learner.js';
import { checkFits } from '../recipe/from_voice.js';
import { type Recipe, waveRnnConfig } from '../recipe/recipe.js';
import { drawingThreads } from './drawing_threads.js';
import { openOrigin, type Origin } from './origin.js';
import { maskedMatrices, VocoderParameters } from './parameters.js';
import { drawSegments, type Segments } from './segments.js';
import { fitUpperBands } from './upper_bands.js';

/**
 * The gradient of all blocks costs three to seven times that of those stored, and masks are judged by the dozen: both
 * see so many samples, give or take. Those who ask average over several.
 */
const probeSamples = 7680;

/**
 * A vocoder in training. A batch is drawn from the clips of a feature store; the sample-rate network is
 * differentiated by the kernels, all members of a population in one call, the frame-rate network by TensorFlow.js or in
 * that same call.
 */
export class VocoderTrainer extends PartedLearner {
  readonly config: WaveRnnConfig;
  /** The voice that the recipe says to begin from. */
  readonly origin: Origin | undefined;
  readonly parameters: VocoderParameters;
  private readonly pool = new GradientPool();
  private readonly codec: SymbolCodec;
  /** Segments that were drawn while a device worked, and what for. */
  private drawn:
    { readonly step: number; readonly pairs: number; readonly share: Share; readonly segments: Segments } | undefined;
  /** Gradients of the frame-rate network, where the kernels compute them. */
  private conditioning: Float32Array[] | undefined;
  /** Gradients of the shared block-sparse weights. */
  private shared: Float32Array[] = [];
  /** With the statistics that the network hears its features by. */
  private readonly store: FeatureStore;
  /** Fitted to the store when a voice is first asked for. */
  private fittedUpper: { readonly weights: Float32Array | undefined } | undefined;

  /**
   * @throws {TtsError} ERR_RECIPE when the lanes cannot be shared out to the members, or the method cannot begin from
   * the masks of a voice; ERR_VOICE_MISMATCH when the network or the features are not those of the voice to begin from
   */
  constructor(
    private readonly recipe: Recipe,
    store: FeatureStore,
    kernels: Kernels,
    private readonly tf: TensorFlow,
  ) {
    const config = waveRnnConfig(recipe);
    const { seed, steps, lanes } = recipe.training;
    const origin = recipe.from === undefined ? undefined : openOrigin(recipe.from);
    if (origin) checkFits(origin.name, origin.voice, { config, features: store.settings });
    const masks = origin && inFloat32(voiceNetwork(origin.voice)).sparse.map(maskOf);
    const chooser = createChooser(recipe.sparsity, maskedMatrices(config), seed, steps, masks);
    super(kernels, recipe.training, chooser);
    const { members, revive } = chooser;
    if (lanes % members !== 0)
      throw new TtsError(
        'ERR_RECIPE',
        `training.lanes is ${lanes}, expected a multiple of the ${members} members of sparsity.${recipe.sparsity.method}`,
      );
    this.config = config;
    this.origin = origin;
    this.store = origin ? { ...store, statistics: continued(origin.voice.statistics, store.statistics) } : store;
    this.codec = symbolCodec(config, store.settings);
    this.parameters = new VocoderParameters(config, store.bins, chooser.initial(), revive, seed);
    if (origin) this.parameters.beginWith(origin.voice);
  }

  /** Of the features, as the network hears them and the voice will say. */
  get statistics(): FeatureStatistics {
    return this.store.statistics;
  }

  /** The network that is validated and shipped: the deployed masks, the averaged weights. */
  deployed(): SampleRateNetwork {
    return this.parameters.deployed(this.deployedMasks(), 'average');
  }

  /** The voice that would be shipped now. */
  voice(provenance: Provenance): Voice {
    const { config, store } = this;
    const { sparse, dense } = this.deployed();
    return {
      config,
      features: store.settings,
      treatment: store.treatment,
      statistics: store.statistics,
      upper: this.upper,
      sparse: Object.fromEntries(sparseNames.map((name, i) => [name, sparse[i]])) as Record<SparseName, BlockMatrix>,
      dense: Object.fromEntries(denseNames.map((name, i) => [name, dense[i]])) as Record<DenseName, Float32Array>,
      conditioning: this.parameters.averagedConditioning(),
      provenance,
    };
  }

  private get upper(): Float32Array | undefined {
    if (this.fittedUpper === undefined) this.fittedUpper = { weights: fitUpperBands(this.store) };
    return this.fittedUpper.weights;
  }

  /** Share of the block-sparse weights that the deployed masks keep. */
  get density(): number {
    const masks = this.deployedMasks();
    return (
      masks.reduce((sum, mask) => sum + mask.reduce((kept, bit) => kept + bit, 0), 0) /
      masks.reduce((sum, { length }) => sum + length, 0)
    );
  }

  get nonZeros(): number {
    const { members, parameters } = this;
    const stored = parameters.sparse.flatMap((weights) => weights.members.map(({ values }) => values.length));
    return stored.reduce((sum, length) => sum + length, 0) / members;
  }

  override diagnostics(): Record<string, number> {
    return { 'train/density': this.density, ...super.diagnostics() };
  }

  /** A PNG of the deployed masks. */
  picture(): Uint8Array {
    return maskPicture(maskedMatrices(this.config), [this.deployedMasks()]);
  }

  protected gradients(paired: boolean): MemberGradients {
    const { lanes, segment } = this.recipe.training;
    const pairs = paired ? this.parameters.sparse[0].members.length / 2 : 0;
    const { step, share, drawn } = this;
    const ready = drawn?.step === step && drawn.pairs === pairs && drawn.share === share ? drawn.segments : undefined;
    // The next step most often wants its segments as this one does; what it gets does not depend on when they are drawn.
    // A device works meanwhile, and the processor's cores are free.
    const ahead = () => {
      const threads = drawingThreads(this.kernels, lanes / share.count);
      const segments = this.segments(lanes, segment, pairs, step + 1, threads);
      this.drawn = { step: step + 1, pairs, share, segments };
    };
    return this.gradientsOf(ready ?? this.segments(lanes, segment, pairs), ahead);
  }

  private segments(lanes: number, steps: number, pairs = 0, step = this.step, threads = 1): Segments {
    const { seed, noise } = this.recipe.training;
    return drawSegments(
      this.store,
      this.config,
      this.codec,
      this.kernels,
      { lanes, steps, noise, seed, share: this.share },
      step,
      pairs,
      threads,
    );
  }

  view(): BlockView {
    return {
      magnitudes: () => this.parameters.sparse.map((weights) => weights.magnitudes()),
      gradients: () => {
        const members = this.parameters.members();
        const { sequence, features, rows, part } = this.probeSegments();
        const gate = this.gateOf(features, rows, part);
        const gradients = new GradientPool().take(members, gate.length, 'all');
        const scale = 1 / (sequence.lanes * sequence.steps);
        this.kernels.memberGradients(members, { ...sequence, gate }, scale, gradients, 'all');
        return gradients[0].sparse.map((_, i) => sumInto(gradients.map(({ sparse }) => sparse[i])));
      },
      losses: (masks) => this.judge(masks),
    };
  }

  /** The losses of a `BlockView`: a group is a lane. */
  private judge(masks: readonly (readonly Mask[])[]): Float64Array[] {
    const { sequence, features, rows, part } = this.probeSegments(this.recipe.training.steps + this.step);
    const gate = this.gateOf(features, rows, part);
    const nats = masks.map((mask) =>
      this.kernels.sequenceLoss(this.parameters.deployed(mask, 'weights'), { ...sequence, gate }),
    );
    return Array.from({ length: sequence.lanes }, (_, lane) =>
      Float64Array.from(nats, (lanes) => lanes[lane] / sequence.steps),
    );
  }

  /** Short segments: those of the coming step, or of one past the run's end, which no step is trained on. */
  private probeSegments(step = this.step): Segments {
    const { lanes, segment } = this.recipe.training;
    return this.segments(lanes, Math.min(segment, Math.max(16, Math.round(probeSamples / lanes))), 0, step);
  }

  /** The conditioning of segments by the present weights. */
  private gateOf(features: Float32Array, rows: number, part: Segments['part']): Float32Array {
    const conditioning = new Map(
      [...this.parameters.conditioning].map(([name, { shape, state }]) => [name, this.tf.tensor(state.weights, shape)]),
    );
    // Not as tidy's return value: see `gradientsByTensorFlow`.
    let gate: Float32Array = new Float32Array(0);
    this.tf.tidy(() => {
      const input = this.featureTensor(features, rows);
      const output = conditioningForward(this.tf, this.config, Object.fromEntries(conditioning), input, part);
      gate = output.dataSync() as Float32Array;
    });
    this.tf.dispose([...conditioning.values()]);
    return gate;
  }

  private featureTensor(features: Float32Array, rows: number): Tensor3D {
    return this.tf.tensor3d(features, [features.length / (rows * this.store.bins), rows, this.store.bins]);
  }

  private gradientsOf(segments: Segments, meanwhile: () => void): MemberGradients {
    const { parameters } = this;
    const members = parameters.members();
    const { nats, sparse, others } = this.kernels.vocoderGradients
      ? this.gradientsByKernels(members, segments, meanwhile)
      : this.gradientsByTensorFlow(members, segments, meanwhile);
    this.shared = parameters.sparse.map(({ matrix }, i) =>
      this.shared[i]?.length === matrix.values.length ? this.shared[i] : new Float32Array(matrix.values.length),
    );
    parameters.sparse.forEach((weights, i) =>
      weights.scatter(
        sparse.map((arrays) => arrays[i]),
        this.shared[i],
        members.length,
      ),
    );
    return {
      losses: memberLosses(nats, segments.logWidths, segments.sequence.steps, members.length),
      gradients: [...this.shared, ...others],
    };
  }

  /** Both networks in one call, on the device of the kernels. */
  private gradientsByKernels(
    members: readonly SampleRateNetwork[],
    { sequence, features, rows, part }: Segments,
    meanwhile: () => void,
  ): NetworkGradients {
    const { kernels, config, parameters, store, pool } = this;
    const { channels, kernel, residualBlocks } = config.conditioning;
    const tensors = [...parameters.conditioning.values()].map(({ state }) => state.weights);
    this.conditioning ??= tensors.map(({ length }) => new Float32Array(length));
    const gradients = { members: pool.take(members, 0), conditioning: this.conditioning };
    const nats = kernels.vocoderGradients!(
      members,
      { bins: store.bins, channels, kernel, residualBlocks, vectors: vectorsPerFrame(config), tensors },
      { ...sequence, features, rows, first: part.first, meanwhile },
      1 / countedSamples(sequence),
      gradients,
    );
    return {
      nats,
      sparse: gradients.members.map(({ sparse }) => sparse),
      others: [
        ...gradients.members[0].dense.map((_, i) => sumInto(gradients.members.map(({ dense }) => dense[i]))),
        ...gradients.conditioning,
      ],
    };
  }

  /** The frame-rate network by TensorFlow.js, the sample-rate network by the kernels. */
  private gradientsByTensorFlow(
    members: readonly SampleRateNetwork[],
    { sequence, features, rows, part }: Segments,
    meanwhile: () => void,
  ): NetworkGradients {
    const { tf, kernels, config, pool, parameters } = this;
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
        const gate = conditioningForward(tf, config, conditioning, input, part);
        return sampleRateNll(
          tf,
          kernels,
          members,
          { ...sequence, meanwhile },
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
    return {
      nats,
      sparse: members.map((_, m) => all.slice(m * sparseNames.length, (m + 1) * sparseNames.length)),
      others: all.slice(sparse.length),
    };
  }
}

/** Of a step. */
interface NetworkGradients {
  /** [lanes] sums. */
  readonly nats: Float64Array;
  /** Of each member, those of its block-sparse matrices. */
  readonly sparse: readonly (readonly Float32Array[])[];
  /** Of all members together: dense tensors, then the frame-rate network. */
  readonly others: readonly Float32Array[];
}

/**
 * The statistics of a voice that is trained on: by its means and deviations it has learned to hear, and they stay; its
 * range grows by that of the new features.
 */
function continued(voice: FeatureStatistics, store: FeatureStatistics): FeatureStatistics {
  return { ...voice, min: Math.min(voice.min, store.min), max: Math.max(voice.max, store.max) };
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
