import type { BlockMatrix, GradientBlocks } from '../../kernels/interface/blocks.js';
import {
  classifierGradientLengths,
  type ClassifierGradients,
  type ClassifierLayer,
  type ClassifierNetwork,
  type ImageShape,
} from '../../kernels/interface/classifier.js';
import type { AdamState } from '../../kernels/interface/kernels.js';
import { initialWeights, packWeights } from '../../model/classifiers/network.js';
import type { LayerShape } from '../../model/classifiers/shapes.js';
import type { Revival } from '../../sparsity/chooser.js';
import { underPrefix, withPrefix } from '../../sparsity/chooser.js';
import { blockCount, type Mask, maskOf } from '../../sparsity/mask.js';
import { MaskedWeights } from '../../sparsity/masked_weights.js';
import { freshState, statesFromArrays, statesToArrays } from '../adam_states.js';
import type { MaskedParameters } from '../masked_learner.js';

/** What the weights of a fresh classifier are drawn by. */
export interface InitialSettings {
  readonly seed: number;
  /** Factor on the deviation of the weights of masked layers. */
  readonly initial: number;
  /** What a block finds when it comes back. */
  readonly revive: Revival;
}

/** A layer with its weights, but for pools. */
type Layer =
  | { readonly kind: 'masked'; readonly name: string; readonly weights: MaskedWeights; readonly bias: AdamState }
  | {
      readonly kind: 'full';
      readonly name: string;
      readonly matrix: BlockMatrix;
      readonly weights: AdamState;
      readonly bias: AdamState;
    }
  | { readonly kind: 'depthwise'; readonly name: string; readonly weights: AdamState }
  | { readonly kind: 'pool' };

/**
 * Every weight of a classifier in training, with Adam's moments and the moving average beside it. Members share all of
 * it but for their masks.
 */
export class ClassifierParameters implements MaskedParameters {
  private readonly layers: Layer[];
  private members: number;

  /** `masks`: [member][matrix]. */
  constructor(
    private readonly input: ImageShape,
    private readonly shapes: readonly LayerShape[],
    masks: readonly (readonly Mask[])[],
    { seed, initial, revive }: InitialSettings,
  ) {
    this.members = masks.length;
    const { weights, biases } = initialWeights(shapes, masks[0], seed);
    let next = 0;
    this.layers = shapes.map((shape, i): Layer => {
      if (shape.kind === 'pool') return { kind: 'pool' };
      if (shape.kind === 'depthwise') return { kind: 'depthwise', name: shape.name, weights: freshState(weights[i]) };
      const { matrix } = shape;
      const bias = freshState(biases[i]);
      if (matrix.density === 1) {
        const full = packWeights(matrix, new Uint8Array(blockCount(matrix)).fill(1), weights[i]);
        return { kind: 'full', name: matrix.name, matrix: full, weights: freshState(full.values), bias };
      }
      const index = next++;
      const masked = new MaskedWeights(
        matrix,
        masks.map((member) => member[index]),
        revive,
      );
      const { values } = packWeights(matrix, maskOf(masked.matrix), weights[i]);
      let drawn = 0;
      masked.initialise(() => initial * values[drawn++]);
      return { kind: 'masked', name: matrix.name, weights: masked, bias };
    });
  }

  /** The masked layers, in order. */
  get masked(): MaskedWeights[] {
    return this.layers.flatMap((layer) => (layer.kind === 'masked' ? [layer.weights] : []));
  }

  /** The masks that the members have now, [member][matrix]. */
  masks(): Mask[][] {
    return Array.from({ length: this.members }, (_, member) =>
      this.masked.map(({ members }) => maskOf(members[member])),
    );
  }

  /** Of an array per layer, those of the masked layers. */
  ofMasked<T>(perLayer: readonly T[]): T[] {
    return perLayer.filter((_, i) => this.layers[i].kind === 'masked');
  }

  /** Gives the masked layers other masks, [member][matrix]. Networks made before are no longer the members'. */
  remask(masks: readonly (readonly Mask[])[]): void {
    this.members = masks.length;
    this.masked.forEach((weights, i) => weights.remask(masks.map((member) => member[i])));
  }

  /** Brings the members' copies of shared weights up to date. Before every pass. */
  gather(): void {
    for (const weights of this.masked) weights.gather();
  }

  /** The networks of the members; they follow the weights from step to step, until the masks change. */
  networks(): ClassifierNetwork[] {
    return Array.from({ length: this.members }, (_, member) =>
      this.network('weights', (weights) => weights.members[member]),
    );
  }

  /** The network of one mask per masked layer, with the present weights or their moving average. */
  deployed(masks: readonly Mask[], which: 'weights' | 'average'): ClassifierNetwork {
    return this.network(which, (weights, i) => weights.deployed(masks[i], which));
  }

  /** Every state with a name, layer by layer. */
  *named(): Generator<[name: string, state: AdamState]> {
    for (const layer of this.layers) {
      if (layer.kind === 'pool') continue;
      yield [`${layer.name}.weights`, layer.kind === 'masked' ? layer.weights.state : layer.weights];
      if (layer.kind !== 'depthwise') yield [`${layer.name}.bias`, layer.bias];
    }
  }

  /**
   * One gradient for each state, in the order of `named`, from those of the members, each the gradient of its mean
   * loss: the mean over the members, in masked layers over those that have the block.
   */
  combine(gradients: readonly ClassifierGradients[]): Float32Array[] {
    return this.layers.flatMap((layer, i) => {
      if (layer.kind === 'pool') return [];
      const weights = gradients.map((member) => member.weights[i]);
      const biases = gradients.map((member) => member.biases[i]);
      if (layer.kind === 'depthwise') return [mean(weights)];
      if (layer.kind === 'full') return [mean(weights), mean(biases)];
      const joined = new Float32Array(layer.weights.matrix.values.length);
      layer.weights.scatter(weights, joined);
      return [joined, mean(biases)];
    });
  }

  /** Everything as named arrays, for a checkpoint. */
  toArrays(): Map<string, Float32Array | Int32Array> {
    const dense = statesToArrays(this.named());
    const masked = this.layers.flatMap((layer) =>
      layer.kind === 'masked' ? withPrefix(`${layer.name}.weights`, layer.weights.toArrays()) : [],
    );
    return new Map([...dense, ...masked]);
  }

  /**
   * Takes over what `toArrays` gave of so many members. Throws RangeError where an array is missing or has another
   * size.
   */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>, members: number): void {
    this.members = members;
    for (const layer of this.layers)
      if (layer.kind === 'masked') layer.weights.fromArrays(underPrefix(`${layer.name}.weights`, arrays), members);
    statesFromArrays(this.named(), arrays);
  }

  private network(
    which: 'weights' | 'average',
    matrixOf: (weights: MaskedWeights, index: number) => BlockMatrix,
  ): ClassifierNetwork {
    let next = 0;
    const layers = this.shapes.map((shape, i): ClassifierLayer => {
      const layer = this.layers[i];
      if (shape.kind === 'pool' || layer.kind === 'pool') return shape as ClassifierLayer;
      const { kernel, stride, padding } = shape;
      if (layer.kind === 'depthwise')
        return { kind: 'depthwise', weights: layer.weights[which], kernel, stride, padding };
      const matrix =
        layer.kind === 'masked' ? matrixOf(layer.weights, next++) : { ...layer.matrix, values: layer.weights[which] };
      return {
        kind: 'convolution',
        matrix,
        bias: layer.bias[which],
        kernel,
        stride,
        padding,
        relu: shape.kind === 'convolution' && shape.relu,
      };
    });
    return { input: this.input, layers };
  }
}

/** Buffers for the gradients of a network. */
export function gradientsFor({ layers }: ClassifierNetwork, blocks?: GradientBlocks): ClassifierGradients {
  const lengths = layers.map((layer) => classifierGradientLengths(layer, blocks));
  return {
    weights: lengths.map(({ weights }) => new Float32Array(weights)),
    biases: lengths.map(({ biases }) => new Float32Array(biases)),
  };
}

/** Non-zero weights of a network, biases apart. */
export function countWeights({ layers }: ClassifierNetwork): number {
  return layers.reduce((sum, layer) => {
    if (layer.kind === 'convolution') return sum + layer.matrix.values.length;
    return layer.kind === 'depthwise' ? sum + layer.weights.length : sum;
  }, 0);
}

function mean(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0];
  const result = new Float32Array(arrays[0].length);
  for (const array of arrays) for (let i = 0; i < result.length; i++) result[i] += array[i] / arrays.length;
  return result;
}
