import type { BlockMatrix, GradientBlocks, StoredMatrix } from './blocks.js';
import type { ClassifierKernels } from './classifier.js';
import type { ConditioningNetwork } from './conditioning.js';
import type { EvolutionKernels } from './evolution.js';
import type { ExcitationBatch, ExcitationCodes } from './excitation.js';
import type { FramePredictors, Hearing } from './listener.js';

/** Lanes are worked on in groups of 16; a vector of a group is stored [rows, 16], the lane fastest. */
export const LANES = 16;

/**
 * What the kernels can run on: C++ for an instruction set, the same as WebAssembly, the slow, plain TypeScript
 * reference, or a GPU for what training does most and C++ for the rest.
 */
export type KernelName =
  'generic' | 'avx2' | 'avxvnni' | 'avx512' | 'avx512vnni' | 'neon' | 'neondot' | 'wasm' | 'reference' | 'webgpu';

/**
 * The sample-rate network as the kernels see it. Shapes and order of the tensors: `sparseNames`, `denseNames` in
 * src/model/wavernn/config.ts.
 */
export interface SampleRateNetwork {
  /** H. */
  readonly hidden: number;
  /** P. */
  readonly projection: number;
  /** Q, classes of each softmax. */
  readonly classes: number;
  /**
   * recurrent [3H,H], coarseHidden [P,H/2], coarseLogits [Q,P], fineHidden [P,H/2], fineLogits [Q,P]; all with the same
   * block shape.
   */
  readonly sparse: readonly BlockMatrix[];
  /** input [3H,3+cues], coarseHiddenBias [P], coarseLogitsBias [Q], fineHiddenBias [P], fineLogitsBias [Q]. */
  readonly dense: readonly Float32Array[];
}

/** Scalars that the network hears besides symbols. */
export function cuesOf({ hidden, dense }: Pick<SampleRateNetwork, 'hidden' | 'dense'>): number {
  return dense[0].length / (3 * hidden) - 3;
}

/** The same network for the sampler, whose matrices may be rounded; see precision.ts. */
export interface SamplerNetwork extends Omit<SampleRateNetwork, 'sparse'> {
  readonly sparse: readonly StoredMatrix[];
}

/**
 * Parts of a sequence's work, in the order of `SequenceBatch.profile`. Products with the recurrent matrix ("state") and
 * with the four after it ("output"): forwards, back to the inputs, and for the gradients of weights; the GRU's gates
 * forwards and backwards; both softmaxes; what is left (sums of biases and conditioning, clearing).
 */
export const sequenceParts = [
  'stateProducts',
  'outputProducts',
  'stateProductsBack',
  'outputProductsBack',
  'stateWeights',
  'outputWeights',
  'gates',
  'gatesBack',
  'softmax',
  'rest',
] as const;

/** Teacher-forced audio, any number of lanes. All lanes stand at the same phase of their frames. */
export interface SequenceBatch {
  readonly lanes: number;
  /** Samples per lane. */
  readonly steps: number;
  /** Samples per frame. */
  readonly hop: number;
  /** Position of the first sample in its frame, 0 … hop-1. */
  readonly phase: number;
  /** ceil((phase + steps) / hop). */
  readonly frames: number;
  /** [lanes, steps+1] symbol pairs coarse·Q + fine; the first is the sample before the segment. */
  readonly codes: Uint16Array;
  /** [lanes, steps] symbol pairs that each step hears as the sample before it; default: that sample, from `codes`. */
  readonly heard?: Uint16Array;
  /** [lanes, steps, cues]: what each step hears besides symbols; needed if the network hears any. */
  readonly cues?: Float32Array;
  /** [lanes, frames, 3H] gate conditioning. */
  readonly gate: Float32Array;
  /** [lanes] samples that count, from the start; default: all. */
  readonly lengths?: Int32Array;
  /** [lanes, H] state before the first sample, overwritten by the state after the last; default: zeros. */
  readonly state?: Float32Array;
  /** [lanes, steps] receives the nats of each sample (coarse + fine; 0 past the length). */
  readonly nll?: Float32Array;
  /**
   * The seconds that all threads together spent on each of `sequenceParts` are added to it, by kernels that can tell; on
   * each of `Kernels.parts` instead, where the kernels have parts of their own.
   */
  readonly profile?: Float64Array;
  /** Called while a device works, by kernels that would only wait for it; others do not call it. */
  readonly meanwhile?: () => void;
}

/** Receives the gradients of `scale` · (sum of nats); every array is overwritten. */
export interface SequenceGradients {
  /** [lanes, frames, 3H]. */
  readonly gate: Float32Array;
  /** In the order of each BlockMatrix's values, or of all blocks. */
  readonly sparse: readonly Float32Array[];
  readonly dense: readonly Float32Array[];
}

/** Teacher-forced audio whose gate conditioning comes from features. Every lane starts from a state of zeros. */
export interface VocoderBatch extends Omit<SequenceBatch, 'gate' | 'state'> {
  /** [lanes, rows, bins], normalised: the frames of each lane with the context that the network sees around them. */
  readonly features: Float32Array;
  readonly rows: number;
  /**
   * Of the gate conditionings that the features give, counted from the beginning of the first whole frame, the one that
   * every lane begins in; `frames` of them are heard. With one per frame 0, and all of them.
   */
  readonly first: number;
}

/** Receives the gradients of `scale` · (sum of nats); every array is overwritten. */
export interface VocoderGradients {
  /** Of each member. */
  readonly members: readonly Omit<SequenceGradients, 'gate'>[];
  /** Of the tensors of the frame-rate network, by the lanes of all members. */
  readonly conditioning: readonly Float32Array[];
}

/** One Adam step (Kingma and Ba 2015, algorithm 1). */
export interface AdamSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** t, from 1. */
  readonly step: number;
  /** The gradient is multiplied by this first (clipping). */
  readonly gradientScale: number;
  /** Decay of the moving average of the weights. */
  readonly average: number;
}

export interface AdamState {
  readonly weights: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** Exponential moving average of the weights. */
  readonly average: Float32Array;
}

export interface SamplerSettings {
  readonly seed: number;
  /** Logits are divided by it; 1 samples the model's own distribution. */
  readonly temperature: number;
  /** Symbol pair of the sample before the first. */
  readonly firstCode: number;
  /** How the network hears its own voice; needed if it hears cues. */
  readonly hearing?: Hearing;
}

/** Draws audio sample by sample; keeps its state between calls. One call at a time. */
export interface Sampler {
  /**
   * gate [frames, 3H] → the drawn symbol pairs [frames · hop]. Native samplers work beside the JavaScript thread, those
   * of `wasm` and `reference` on it.
   * @param predictors of the frames; needed if the network hears cues
   */
  run(gate: Float32Array, frames: number, hop: number, predictors?: FramePredictors): Promise<Uint16Array>;
  /**
   * Feeds given symbol pairs [frames · hop] instead of drawing, and returns the probabilities [frames · hop, 2Q]
   * (coarse, then fine).
   */
  forced(
    gate: Float32Array,
    frames: number,
    hop: number,
    codes: Uint16Array,
    predictors?: FramePredictors,
  ): Float32Array;
  /**
   * Draws as `run` does, but on the calling thread, and returns the seconds that it took, and if asked the share of
   * each of `samplerParts`; native samplers only.
   */
  timed?(
    gate: Float32Array,
    frames: number,
    hop: number,
    parts: boolean,
    predictors?: FramePredictors,
  ): { readonly seconds: number; readonly shares: readonly number[] };
}

/**
 * Utterances that native kernels take through one pass over the weights (kSamplerSlots in native/sample/sampler.h): a
 * group is best a multiple of it for each thread.
 */
export const SIDE_BY_SIDE = 4;

/** Some frames of the utterance in one slot of a group. */
export interface SlotFrames {
  readonly slot: number;
  /** [frames, 3H]. */
  readonly gate: Float32Array;
  readonly frames: number;
  readonly predictors?: FramePredictors;
}

/**
 * Several utterances side by side, each in a slot with a state of its own: they share the weights, and all cores. What
 * is drawn in a slot is what a sampler by itself draws. One call at a time.
 */
export interface SamplerGroup {
  readonly slots: number;
  /** Begins an utterance in a slot, whatever was there before. */
  begin(slot: number, settings: SamplerSettings): void;
  /** Draws in some of the slots, all of them begun, each once: the symbol pairs [frames · hop] of each. */
  run(parts: readonly SlotFrames[], hop: number): Promise<Uint16Array[]>;
}

/** The parts of a step, in the order of `Sampler.timed`. */
export const samplerParts = ['recurrent product and gates', 'hidden layers', 'logits', 'softmax and draw'] as const;

/**
 * Every implementation passes the same tests; nothing else knows which one runs. What `chooseKernels` gives checks all
 * arguments: ERR_ARGUMENT for a wrong type, length, index or range, ERR_MEMORY where there is no more memory.
 */
export interface Kernels extends ClassifierKernels, EvolutionKernels {
  readonly name: KernelName;
  readonly threads: number;
  /** What the work of a sequence is made of, where it is not `sequenceParts`: the order of `SequenceBatch.profile`. */
  readonly parts?: readonly string[];
  /** y [rows,16] = M x [columns,16]. */
  product(matrix: BlockMatrix, x: Float32Array, y: Float32Array): void;
  /** dx [columns,16] += Mᵀ dy [rows,16]. */
  productTransposed(matrix: BlockMatrix, dy: Float32Array, dx: Float32Array): void;
  /**
   * dw += Σ dy xᵀ over steps and lanes, at the stored blocks; dy [steps,rows,16], x [steps,columns,16], dw like
   * matrix.values.
   */
  productWeights(matrix: BlockMatrix, dy: Float32Array, x: Float32Array, steps: number, dw: Float32Array): void;
  /** Sum of nats of each lane. */
  sequenceLoss(network: SampleRateNetwork, batch: SequenceBatch): Float64Array;
  /** The same, with the gradients of `scale` times the sum over all lanes, through all steps. */
  sequenceGradients(
    network: SampleRateNetwork,
    batch: SequenceBatch,
    scale: number,
    gradients: SequenceGradients,
  ): Float64Array;
  /**
   * `sequenceGradients` of several networks of one size, side by side in one call: the lanes are shared out equally, in
   * order, and each member fills gradients of its own, whose `gate` is [lanes / members, frames, 3H].
   * @param blocks that have gradients; default: those stored
   */
  memberGradients(
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[],
    blocks?: GradientBlocks,
  ): Float64Array;
  /**
   * `memberGradients` with the gradients of the frame-rate network, which all members hear: the gate conditioning and its
   * gradients stay where the work is done. Only kernels of a device have it.
   */
  vocoderGradients?(
    members: readonly SampleRateNetwork[],
    conditioning: ConditioningNetwork,
    batch: VocoderBatch,
    scale: number,
    gradients: VocoderGradients,
  ): Float64Array;
  adam(settings: AdamSettings, gradient: Float32Array, state: AdamState): void;
  /** c [m,n] = a·b; a is [m,k] ([k,m] when transposeA), b is [k,n] ([n,k] when transposeB); row-major. */
  matMul(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void;
  /**
   * Up to `threads` native threads (default 1) share the work of each sample, as long as that turns out to be faster;
   * what is drawn does not depend on them.
   */
  createSampler(network: SamplerNetwork, settings: SamplerSettings, threads?: number): Sampler;
  createSamplerGroup(network: SamplerNetwork, slots: number): SamplerGroup;
  /** See `codeExcitation` in excitation.ts. */
  codeExcitation(batch: ExcitationBatch): ExcitationCodes;
  /**
   * y [rows] = M x [columns] as the sampler computes it; for int8, x is within ±1 and rounded to 1/128. Returns the
   * seconds of the fastest of `repetitions` (default 1).
   */
  samplerProduct(matrix: StoredMatrix, x: Float32Array, y: Float32Array, repetitions?: number): number;
  /** The least seconds of `repetitions` readings of so many floats, once they are in a cache; native kernels only. */
  readSeconds?(floats: number, repetitions: number): number;
  /** The sampler's sigmoid and tanh of each x; any number of them. */
  activations(x: Float32Array): { readonly sigmoid: Float32Array; readonly tanh: Float32Array };
}
