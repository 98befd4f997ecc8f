import type { BlockMatrix } from './blocks.js';

/**
 * A feed-forward network over small images as the kernels see it. 16 examples side by side are the lanes; activations are stored
 * [height, width, channels, 16], the lane fastest. A fully connected layer is a convolution whose kernel covers all of its input.
 */
export type ClassifierLayer =
  | {
      readonly kind: 'convolution';
      /** [outputs, kernelHeight · kernelWidth · channels], block-sparse; columns ordered (ky, kx, channel). */
      readonly matrix: BlockMatrix;
      /** [outputs]. */
      readonly bias: Float32Array;
      readonly kernel: readonly [height: number, width: number];
      readonly stride: number;
      /** Zeros around the input, on every side. */
      readonly padding: number;
      readonly relu: boolean;
    }
  | {
      /** One filter per channel, dense; no bias, no ReLU. */
      readonly kind: 'depthwise';
      /** [kernelHeight · kernelWidth, channels]. */
      readonly weights: Float32Array;
      readonly kernel: readonly [height: number, width: number];
      readonly stride: number;
      readonly padding: number;
    }
  | { readonly kind: 'pool'; readonly how: 'max' | 'mean'; /** Height and width of a window; windows do not overlap, and what is left over at the edge is dropped. */ readonly size: number };

export interface ClassifierNetwork {
  readonly input: readonly [height: number, width: number, channels: number];
  /** The last layer's output is [1, 1, classes]: the logits. */
  readonly layers: readonly ClassifierLayer[];
}

/** Examples for `members` networks: each member has its own `examples`. */
export interface ClassifierBatch {
  readonly examples: number;
  /** [members, examples, height, width, channels]. */
  readonly images: Float32Array;
  /** [members, examples]. */
  readonly labels: Uint8Array;
}

export interface ClassifierResult {
  /** Per member: sum of nats over its examples. */
  readonly loss: Float64Array;
  /** Per member: examples whose most likely class is the label. */
  readonly correct: Int32Array;
}

/** Gradients of one member, an array per layer in order; overwritten. `weights` goes beside matrix.values or depthwise weights. Pools have empty arrays. */
export interface ClassifierGradients {
  readonly weights: readonly Float32Array[];
  readonly biases: readonly Float32Array[];
}

/** What the kernels offer for classifiers. All members run side by side on all threads inside one call; they have equal layers but for the masks and weights. */
export interface ClassifierKernels {
  classifierLoss(members: readonly ClassifierNetwork[], batch: ClassifierBatch): ClassifierResult;
  /** The same, with the gradients of `scale` · (sum of nats) of each member. */
  classifierGradients(members: readonly ClassifierNetwork[], batch: ClassifierBatch, scale: number, gradients: readonly ClassifierGradients[]): ClassifierResult;
}
