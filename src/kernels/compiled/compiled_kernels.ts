import type { BlockMatrix, GradientBlocks, StoredMatrix } from '../interface/blocks.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierNetwork,
  ClassifierResult,
} from '../interface/classifier.js';
import type { PairNoise } from '../interface/evolution.js';
import { codeExcitation, type ExcitationBatch, type ExcitationCodes } from '../interface/excitation.js';
import type {
  AdamSettings,
  AdamState,
  KernelName,
  Kernels,
  Sampler,
  SampleRateNetwork,
  SamplerGroup,
  SamplerNetwork,
  SamplerSettings,
  SequenceBatch,
  SequenceGradients,
  SlotFrames,
} from '../interface/kernels.js';
import type { FramePredictors, Hearing } from '../interface/listener.js';
import { separateSamplers } from '../reference/separate_samplers.js';

/** A sampler in C++. */
export interface NativeSampler {
  run(gate: Float32Array, frames: number, hop: number, predictors?: FramePredictors): Promise<Uint16Array>;
  forced(
    gate: Float32Array,
    frames: number,
    hop: number,
    codes: Uint16Array,
    probabilities: Float32Array,
    predictors?: FramePredictors,
  ): void;
  /** Where there is a clock. */
  timed?(gate: Float32Array, frames: number, hop: number, parts: boolean, predictors?: FramePredictors): number[];
}

/** A sampler group in C++. */
export interface NativeSamplerGroup {
  begin(
    slot: number,
    seedLow: number,
    seedHigh: number,
    inverseTemperature: number,
    coarse: number,
    fine: number,
    hearing?: Hearing,
  ): void;
  run(parts: readonly SlotFrames[], hop: number, threads: number): Promise<Uint16Array[]>;
}

/**
 * The kernels' C++ as JavaScript sees it: compiled for the instruction sets of the machine (native/bindings/node.cc),
 * or as WebAssembly (native/bindings/wasm.cc). `name` says which of its instruction sets. Nothing is checked here.
 */
export interface Addon {
  /** Instruction sets that run on this processor, best first. */
  available(): KernelName[];
  product(name: string, matrix: BlockMatrix, x: Float32Array, y: Float32Array): void;
  productTransposed(name: string, matrix: BlockMatrix, dy: Float32Array, dx: Float32Array): void;
  productWeights(
    name: string,
    matrix: BlockMatrix,
    dy: Float32Array,
    x: Float32Array,
    steps: number,
    dw: Float32Array,
  ): void;
  sequence(
    name: string,
    threads: number,
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch & { scale?: number },
    gradients: readonly SequenceGradients[] | null,
    all: boolean,
    loss: Float64Array,
  ): void;
  classifier(
    name: string,
    threads: number,
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[] | null,
    all: boolean,
    loss: Float64Array,
    correct: Int32Array,
  ): void;
  /** Noise: the words of the seed, the stream, the index of the first pair, and from one pair to the next. */
  mirrored(
    name: string,
    threads: number,
    noise: Float64Array,
    mean: Float32Array,
    sigma: Float32Array,
    scale: number,
    members: readonly Float32Array[],
  ): void;
  noiseSum(name: string, threads: number, noise: Float64Array, pairs: Float32Array, sum: Float32Array): void;
  adam(
    name: string,
    settings: NativeAdam,
    weights: Float32Array,
    gradient: Float32Array,
    first: Float32Array,
    second: Float32Array,
    average: Float32Array,
  ): void;
  matmul(
    name: string,
    threads: number,
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void;
  samplerProduct(name: string, matrix: StoredMatrix, x: Float32Array, y: Float32Array, repetitions: number): number;
  readSeconds?(name: string, floats: number, repetitions: number): number;
  activations(name: string, x: Float32Array, sigmoid: Float32Array, tanh: Float32Array): void;
  /** Where it is compiled too. */
  codeExcitation?(
    threads: number,
    batch: ExcitationBatch,
    seedLow: number,
    seedHigh: number,
    codes: Uint16Array,
    heard: Uint16Array | null,
    cues: Float32Array | null,
  ): void;
  Sampler: new (
    name: string,
    network: SamplerNetwork,
    threads: number,
    seedLow: number,
    seedHigh: number,
    inverseTemperature: number,
    coarse: number,
    fine: number,
    hearing?: Hearing,
  ) => NativeSampler;
  /** Where samplers can share their work. */
  SamplerGroup?: new (name: string, network: SamplerNetwork, slots: number) => NativeSamplerGroup;
}

/** `Adam` in native/targets/kernel_table.h. */
export interface NativeAdam {
  /** With the correction of the first moment's bias. */
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly gradientScale: number;
  readonly correction2: number;
  readonly average: number;
}

/** Kernels in C++, for one of the instruction sets of an addon. Nothing is checked here: see `guarded`. */
export class NativeKernels implements Kernels {
  constructor(
    private readonly addon: Addon,
    readonly name: KernelName,
    readonly threads: number,
  ) {}

  product(matrix: BlockMatrix, x: Float32Array, y: Float32Array): void {
    this.addon.product(this.name, matrix, x, y);
  }

  productTransposed(matrix: BlockMatrix, dy: Float32Array, dx: Float32Array): void {
    this.addon.productTransposed(this.name, matrix, dy, dx);
  }

  productWeights(matrix: BlockMatrix, dy: Float32Array, x: Float32Array, steps: number, dw: Float32Array): void {
    this.addon.productWeights(this.name, matrix, dy, x, steps, dw);
  }

  sequenceLoss(network: SampleRateNetwork, batch: SequenceBatch): Float64Array {
    const loss = new Float64Array(batch.lanes);
    this.addon.sequence(this.name, this.threads, [network], batch, null, false, loss);
    return loss;
  }

  sequenceGradients(
    network: SampleRateNetwork,
    batch: SequenceBatch,
    scale: number,
    gradients: SequenceGradients,
  ): Float64Array {
    return this.memberGradients([network], batch, scale, [gradients]);
  }

  memberGradients(
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[],
    blocks?: GradientBlocks,
  ): Float64Array {
    const loss = new Float64Array(batch.lanes);
    this.addon.sequence(this.name, this.threads, members, { ...batch, scale }, gradients, blocks === 'all', loss);
    return loss;
  }

  classifierLoss(members: readonly ClassifierNetwork[], batch: ClassifierBatch): ClassifierResult {
    return this.classifier(members, batch, 1, null, false);
  }

  classifierGradients(
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[],
    blocks?: GradientBlocks,
  ): ClassifierResult {
    return this.classifier(members, batch, scale, gradients, blocks === 'all');
  }

  private classifier(
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[] | null,
    all: boolean,
  ): ClassifierResult {
    const result = { loss: new Float64Array(members.length), correct: new Int32Array(members.length) };
    const { loss, correct } = result;
    this.addon.classifier(this.name, this.threads, members, batch, scale, gradients, all, loss, correct);
    return result;
  }

  mirroredMembers(
    noise: PairNoise,
    mean: Float32Array,
    sigma: Float32Array,
    scale: number,
    members: readonly Float32Array[],
  ): void {
    this.addon.mirrored(this.name, this.threads, placeOf(noise), mean, sigma, scale, members);
  }

  noiseSum(noise: PairNoise, pairs: Float32Array, sum: Float32Array): void {
    this.addon.noiseSum(this.name, this.threads, placeOf(noise), pairs, sum);
  }

  adam(settings: AdamSettings, gradient: Float32Array, state: AdamState): void {
    const { learningRate, beta1, beta2, epsilon, step, gradientScale, average } = settings;
    const native: NativeAdam = {
      rate: learningRate / (1 - beta1 ** step),
      beta1,
      beta2,
      epsilon,
      gradientScale,
      correction2: 1 / (1 - beta2 ** step),
      average,
    };
    this.addon.adam(this.name, native, state.weights, gradient, state.first, state.second, state.average);
  }

  matMul(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void {
    this.addon.matmul(this.name, this.threads, transposeA, transposeB, m, n, k, a, b, c);
  }

  samplerProduct(matrix: StoredMatrix, x: Float32Array, y: Float32Array, repetitions = 1): number {
    return this.addon.samplerProduct(this.name, matrix, x, y, repetitions);
  }

  get readSeconds(): Kernels['readSeconds'] {
    const { addon, name } = this;
    return addon.readSeconds && ((floats, repetitions) => addon.readSeconds!(name, floats, repetitions));
  }

  activations(x: Float32Array): { sigmoid: Float32Array; tanh: Float32Array } {
    // The kernels take whole vectors.
    const [padded, sigmoid, tanh] = [x, [], []].map((from) => {
      const array = new Float32Array(Math.ceil(x.length / 16) * 16);
      array.set(from);
      return array;
    });
    this.addon.activations(this.name, padded, sigmoid, tanh);
    return { sigmoid: sigmoid.slice(0, x.length), tanh: tanh.slice(0, x.length) };
  }

  codeExcitation(batch: ExcitationBatch): ExcitationCodes {
    if (!this.addon.codeExcitation) return codeExcitation(batch);
    const { lanes, length, history, noise } = batch;
    const codes = new Uint16Array(lanes * (1 + length - history));
    const heard = noise ? new Uint16Array(lanes * (length - history)) : null;
    const cues = batch.cues > 0 ? new Float32Array(lanes * (length - history) * batch.cues) : null;
    this.addon.codeExcitation(
      this.threads,
      batch,
      (noise?.seed ?? 0) >>> 0,
      Math.floor((noise?.seed ?? 0) / 2 ** 32),
      codes,
      heard,
      cues,
    );
    return { codes, ...(heard && { heard }), ...(cues && { cues }) };
  }

  createSamplerGroup(network: SamplerNetwork, slots: number): SamplerGroup {
    if (!this.addon.SamplerGroup) return separateSamplers(this, network, slots);
    const native = new this.addon.SamplerGroup(this.name, network, slots);
    const { classes } = network;
    return {
      slots,
      begin: (slot, { seed, temperature, firstCode, hearing }) =>
        native.begin(
          slot,
          seed >>> 0,
          Math.floor(seed / 2 ** 32),
          1 / temperature,
          Math.floor(firstCode / classes),
          firstCode % classes,
          hearing?.cues ? hearing : undefined,
        ),
      run: (parts, hop) => native.run(parts, hop, this.threads),
    };
  }

  createSampler(network: SamplerNetwork, settings: SamplerSettings, threads = 1): Sampler {
    const { seed, temperature, firstCode, hearing } = settings;
    const { classes } = network;
    const native = new this.addon.Sampler(
      this.name,
      network,
      threads,
      seed >>> 0,
      Math.floor(seed / 2 ** 32),
      1 / temperature,
      Math.floor(firstCode / classes),
      firstCode % classes,
      hearing?.cues ? hearing : undefined,
    );
    return {
      run: (gate, frames, hop, predictors) => native.run(gate, frames, hop, predictors),
      forced(gate, frames, hop, codes, predictors) {
        const probabilities = new Float32Array(frames * hop * 2 * classes);
        native.forced(gate, frames, hop, codes, probabilities, predictors);
        return probabilities;
      },
      ...(native.timed && {
        timed(gate: Float32Array, frames: number, hop: number, parts: boolean, predictors?: FramePredictors) {
          const [seconds, ...shares] = native.timed!(gate, frames, hop, parts, predictors);
          return { seconds, shares };
        },
      }),
    };
  }
}

const placeOf = ({ seed, stream, first, stride }: PairNoise): Float64Array =>
  Float64Array.of(seed >>> 0, Math.floor(seed / 2 ** 32), stream, first, stride);
