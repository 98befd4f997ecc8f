import { RandomStream, streams } from '../../base/random.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import type { ClassifierLayer, ClassifierNetwork } from '../../kernels/interface/classifier.js';
import { blockCount, forEachBlock, type Mask, type MatrixShape, pack } from '../../sparsity/mask.js';
import { type LayerShape, maskedLayers } from './shapes.js';

/**
 * All weights of a classifier, those outside the masks too; an array per layer, empty for pools (and biases of
 * depthwise layers).
 */
export interface ClassifierWeights {
  /**
   * Convolutions: every block of the whole matrix, block row by block row, each as in BlockMatrix. Depthwise layers:
   * [kernelHeight · kernelWidth, channels].
   */
  readonly weights: readonly Float32Array[];
  /** [outputs]. */
  readonly biases: readonly Float32Array[];
}

/** Of the initial random numbers, those of layer i begin here times i. */
const blocksPerLayer = 2 ** 40;

/** For each layer its mask, a full one for convolutions that have none, undefined for other layers. */
function masksOfLayers(shapes: readonly LayerShape[], masks: readonly Mask[]): (Mask | undefined)[] {
  const expected = maskedLayers(shapes).length;
  if (masks.length !== expected) throw new RangeError(`there are ${masks.length} masks, expected ${expected}`);
  let next = 0;
  return shapes.map((shape) => {
    if (shape.kind !== 'convolution') return undefined;
    return shape.matrix.density < 1 ? masks[next++] : new Uint8Array(blockCount(shape.matrix)).fill(1);
  });
}

/**
 * Fresh weights: normal, of variance 2/fan-in after a ReLU (He et al. 2015, eq. 10) and 1/fan-in elsewhere; the fan-in
 * is the mean number of inputs that `masks` (one for each of `maskedLayers`) leave to an output. Weights outside the
 * masks are drawn alike: what a block begins with does not depend on which others are kept. Biases are zero, scales
 * one. Throws RangeError for another number of masks.
 */
export function initialWeights(shapes: readonly LayerShape[], masks: readonly Mask[], seed: number): ClassifierWeights {
  const layerMasks = masksOfLayers(shapes, masks);
  const weights = shapes.map((shape, i) => {
    if (shape.kind === 'pool') return new Float32Array(0);
    if (shape.kind === 'depthwise' && shape.scale) return new Float32Array(shape.channels).fill(1);
    const [size, fanIn] =
      shape.kind === 'depthwise'
        ? [shape.kernel[0] * shape.kernel[1] * shape.channels, shape.kernel[0] * shape.kernel[1]]
        : [shape.matrix.rows * shape.matrix.columns, keptInputs(shape.matrix, layerMasks[i] as Mask)];
    const deviation = Math.sqrt((shape.afterRelu ? 2 : 1) / fanIn);
    const random = new RandomStream(seed, streams.initialisation, i * blocksPerLayer);
    return Float32Array.from({ length: size }, () => deviation * random.normal());
  });
  return {
    weights,
    biases: shapes.map((shape) => new Float32Array(shape.kind === 'convolution' ? shape.matrix.rows : 0)),
  };
}

/** Mean number of inputs that a mask leaves to an output, at least one. */
function keptInputs(shape: MatrixShape, mask: Mask): number {
  const kept = mask.reduce((sum, bit) => sum + bit, 0);
  return Math.max(1, (shape.columns * kept) / blockCount(shape));
}

/**
 * The packed matrix of a mask with its values out of `all`, every block of the whole matrix, block row by block row.
 */
export function packWeights(shape: MatrixShape, mask: Mask, all: Float32Array): BlockMatrix {
  const matrix = pack(shape, mask);
  const size = shape.block.rows * shape.block.columns;
  forEachBlock(matrix, (block, position) =>
    matrix.values.set(all.subarray(block * size, (block + 1) * size), position * size),
  );
  return matrix;
}

/**
 * The network that the kernels run, for one choice of masks (one for each of `maskedLayers`). Packed values are copies;
 * biases and depthwise weights are the arrays themselves. Throws RangeError for another number of masks.
 */
export function classifierNetwork(
  input: ClassifierNetwork['input'],
  shapes: readonly LayerShape[],
  masks: readonly Mask[],
  { weights, biases }: ClassifierWeights,
): ClassifierNetwork {
  const layerMasks = masksOfLayers(shapes, masks);
  const layers = shapes.map((shape, i): ClassifierLayer => {
    if (shape.kind === 'pool') return shape;
    const { kernel, stride, padding } = shape;
    if (shape.kind === 'depthwise') return { kind: 'depthwise', weights: weights[i], kernel, stride, padding };
    return {
      kind: 'convolution',
      matrix: packWeights(shape.matrix, layerMasks[i] as Mask, weights[i]),
      bias: biases[i],
      kernel,
      stride,
      padding,
      relu: shape.relu,
    };
  });
  return { input, layers };
}
