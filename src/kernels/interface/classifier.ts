import { type BlockMatrix, type GradientBlocks, gradientLength } from './blocks.js';

/**
 * Every output sees a window of the input and has its own bias. A fully connected layer is a convolution whose kernel
 * covers all of its input. Blocks of 16×1 are the fastest, for full matrices too; a full matrix of 1×1 blocks works, at
 * a fraction of the speed.
 */
export interface ConvolutionLayer {
  readonly kind: 'convolution';
  /**
   * [outputs, kernelHeight · kernelWidth · channels], block-sparse; columns ordered (ky, kx, channel). Blocks of 4×4
   * need channels in fours, unless the kernel is one row high or as wide as its padded input: a block may not straddle
   * rows of the image.
   */
  readonly matrix: BlockMatrix;
  /** [outputs]. */
  readonly bias: Float32Array;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  /** Zeros around the input, on every side. */
  readonly padding: number;
  readonly relu: boolean;
}

/** One filter per channel, dense; no bias, no ReLU. */
export interface DepthwiseLayer {
  readonly kind: 'depthwise';
  /** [kernelHeight · kernelWidth, channels]. */
  readonly weights: Float32Array;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: number;
  /** Zeros around the input, on every side. */
  readonly padding: number;
}

/**
 * Windows do not overlap, and what is left over at the edge is dropped. Of equal maxima the first, row by row, gets the
 * gradient.
 */
export interface PoolLayer {
  readonly kind: 'pool';
  readonly how: 'max' | 'mean';
  /** Height and width of a window. */
  readonly size: number;
}

export type ClassifierLayer = ConvolutionLayer | DepthwiseLayer | PoolLayer;

/** Height, width and channels of an image; its pixels are stored row by row, the channel fastest. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** A feed-forward network over small images as the kernels see it. */
export interface ClassifierNetwork {
  readonly input: ImageShape;
  /** The last layer's output is [1, 1, classes], up to 256 classes: the logits. */
  readonly layers: readonly ClassifierLayer[];
}

/** Examples for `members` networks: each has its own `examples`, or shares them with those next to it. */
export interface ClassifierBatch {
  readonly examples: number;
  /**
   * Members in a row that see the same examples; default 1. Where their first layers have the same arrays too, compiled
   * kernels work these out once, for the loss alone.
   */
  readonly shared?: number;
  /** [members / shared, examples, height, width, channels]. */
  readonly images: Float32Array;
  /** [members / shared, examples]. */
  readonly labels: Uint8Array;
  /** [members, examples] receives the nats of each example. */
  readonly nll?: Float32Array;
}

export interface ClassifierResult {
  /** Per member: sum of nats over its examples. */
  readonly loss: Float64Array;
  /** Per member: examples whose most likely class is the label; of equally likely ones the first counts. */
  readonly correct: Int32Array;
}

/**
 * Gradients of one member, an array per layer in order; overwritten. `weights` goes beside matrix.values, or all blocks
 * of the matrix, or depthwise weights. Only convolutions have biases; pools have empty arrays.
 */
export interface ClassifierGradients {
  readonly weights: readonly Float32Array[];
  readonly biases: readonly Float32Array[];
}

/**
 * What the kernels offer for classifiers. All members run side by side on all threads inside one call; they have equal
 * layers but for the masks and weights. A member's results are those of a call with it alone, to the bit.
 */
export interface ClassifierKernels {
  classifierLoss(members: readonly ClassifierNetwork[], batch: ClassifierBatch): ClassifierResult;
  /**
   * The same, with the gradients of `scale` · (sum of nats) of each member.
   * @param blocks of matrices that have gradients; default: those stored
   */
  classifierGradients(
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[],
    blocks?: GradientBlocks,
  ): ClassifierResult;
}

/** Lengths of the arrays of a layer in `ClassifierGradients`. */
export function classifierGradientLengths(
  layer: ClassifierLayer,
  blocks?: GradientBlocks,
): { readonly weights: number; readonly biases: number } {
  if (layer.kind === 'convolution') return { weights: gradientLength(layer.matrix, blocks), biases: layer.bias.length };
  return { weights: layer.kind === 'depthwise' ? layer.weights.length : 0, biases: 0 };
}

/** What goes into each layer, and after the last the logits: layers + 1 shapes. */
export function imageShapes({ input, layers }: ClassifierNetwork): ImageShape[] {
  const shapes = [input];
  for (const layer of layers) {
    const [height, width, channels] = shapes[shapes.length - 1];
    const { kernel, stride, padding } = windowOf(layer);
    const outputs = layer.kind === 'convolution' ? layer.matrix.rows : channels;
    shapes.push([
      Math.floor((height + 2 * padding - kernel[0]) / stride) + 1,
      Math.floor((width + 2 * padding - kernel[1]) / stride) + 1,
      outputs,
    ]);
  }
  return shapes;
}

/** The window that a layer slides over its input. */
export function windowOf(layer: ClassifierLayer): Pick<DepthwiseLayer, 'kernel' | 'stride' | 'padding'> {
  return layer.kind === 'pool' ? { kernel: [layer.size, layer.size], stride: layer.size, padding: 0 } : layer;
}
