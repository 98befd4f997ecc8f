import type { RandomStream } from '../../src/base/random.js';
import type { BlockShape } from '../../src/kernels/interface/blocks.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierLayer,
  ClassifierNetwork,
  ImageShape,
} from '../../src/kernels/interface/classifier.js';
import { imageShapes } from '../../src/kernels/interface/classifier.js';
import { blockShapes, normals, randomBlockMatrix } from './kernels.js';

const [tall, square, single] = blockShapes;

/** A layer without its weights; blocks say that it is a convolution. */
type LayerPlan =
  | {
      readonly outputs: number;
      readonly blocks: BlockShape;
      readonly kernel: readonly [number, number];
      readonly stride?: number;
      readonly padding?: number;
      readonly relu?: boolean;
    }
  | { readonly depthwise: readonly [number, number]; readonly stride?: number; readonly padding?: number }
  | { readonly pool: 'max' | 'mean'; readonly size: number };

export interface ClassifierCase {
  readonly title: string;
  readonly input: ImageShape;
  readonly plan: readonly LayerPlan[];
  readonly examples: number;
}

/**
 * All kinds of layers and blocks, with ragged edges: examples around a group of 16 and a slice of 64, windows that
 * leave something over, borders.
 */
export const classifierCases: readonly ClassifierCase[] = [
  {
    title: 'fully connected layers of all block shapes, one example',
    input: [5, 3, 2],
    plan: [
      { outputs: 16, blocks: tall, kernel: [5, 3], relu: true },
      { outputs: 12, blocks: square, kernel: [1, 1], relu: true },
      { outputs: 7, blocks: single, kernel: [1, 1] },
    ],
    examples: 1,
  },
  {
    title: 'convolutions with stride and padding, max pool, 17 examples',
    input: [9, 7, 3],
    plan: [
      { outputs: 16, blocks: tall, kernel: [3, 3], stride: 2, padding: 1, relu: true },
      { outputs: 8, blocks: square, kernel: [3, 3], padding: 1, relu: true },
      { pool: 'max', size: 2 },
      { outputs: 10, blocks: single, kernel: [2, 2] },
    ],
    examples: 17,
  },
  {
    title: 'depthwise and 1×1 convolutions, mean pool with a rest, 35 examples',
    input: [8, 7, 4],
    plan: [
      { outputs: 16, blocks: square, kernel: [1, 1], relu: true },
      { depthwise: [3, 3], stride: 2, padding: 1 },
      { outputs: 12, blocks: single, kernel: [1, 1], relu: true },
      { pool: 'mean', size: 3 },
      { outputs: 5, blocks: single, kernel: [1, 1] },
    ],
    examples: 35,
  },
  {
    title: 'pool of the examples, padding 2, depthwise to one position, 71 examples',
    input: [11, 10, 1],
    plan: [
      { pool: 'max', size: 2 },
      { outputs: 16, blocks: tall, kernel: [5, 5], padding: 2, relu: true },
      { pool: 'mean', size: 2 },
      { depthwise: [2, 2] },
      { outputs: 3, blocks: single, kernel: [1, 1] },
    ],
    examples: 71,
  },
  {
    title: 'depthwise first, windows as wide as the image or one row high, logits from a pool, 64 examples',
    input: [7, 6, 2],
    plan: [
      { depthwise: [2, 3] },
      { outputs: 8, blocks: square, kernel: [1, 2], stride: 2, relu: true },
      { outputs: 24, blocks: square, kernel: [2, 4], padding: 1 },
      { outputs: 16, blocks: single, kernel: [5, 2], padding: 1 },
      { pool: 'mean', size: 2 },
    ],
    examples: 64,
  },
];

/** A member with about a third of its blocks, from none to all in a block row; every block when `full`. */
export function randomClassifier(
  stream: RandomStream,
  { input, plan }: Pick<ClassifierCase, 'input' | 'plan'>,
  full = false,
): ClassifierNetwork {
  const layers: ClassifierLayer[] = [];
  for (const item of plan) {
    const channels = imageShapes({ input, layers })[layers.length][2];
    if ('pool' in item) {
      layers.push({ kind: 'pool', how: item.pool, size: item.size });
      continue;
    }
    const { stride = 1, padding = 0 } = item;
    if ('depthwise' in item) {
      const taps = item.depthwise[0] * item.depthwise[1];
      layers.push({
        kind: 'depthwise',
        weights: normals(stream, taps * channels, 1 / Math.sqrt(taps)),
        kernel: item.depthwise,
        stride,
        padding,
      });
      continue;
    }
    const { outputs, blocks, kernel, relu = false } = item;
    const columns = kernel[0] * kernel[1] * channels;
    const all = columns / blocks.columns;
    const count = (i: number) => (full || i === 0 ? all : stream.below(Math.floor((2 * all) / 3) + 1));
    const matrix = randomBlockMatrix(stream, outputs, columns, blocks, count, (full ? 1.5 : 2.5) / Math.sqrt(columns));
    layers.push({ kind: 'convolution', matrix, bias: normals(stream, outputs, 0.5), kernel, stride, padding, relu });
  }
  return { input, layers };
}

/** Random images and labels for so many members. */
export function randomExamples(
  stream: RandomStream,
  network: ClassifierNetwork,
  members: number,
  examples: number,
): ClassifierBatch {
  const [height, width, channels] = network.input;
  const classes = imageShapes(network)[network.layers.length][2];
  return {
    examples,
    images: normals(stream, members * examples * height * width * channels),
    labels: Uint8Array.from({ length: members * examples }, () => stream.below(classes)),
  };
}

/** The examples of one member. */
export function examplesOf({ examples, images, labels }: ClassifierBatch, member: number): ClassifierBatch {
  const pixels = images.length / labels.length;
  const [from, to] = [member * examples, (member + 1) * examples];
  return { examples, images: images.slice(from * pixels, to * pixels), labels: labels.slice(from, to) };
}

/** Weights of each layer and its biases, as the network holds them. */
export function classifierTensors({ layers }: ClassifierNetwork): ClassifierGradients {
  const none = () => new Float32Array(0);
  return {
    weights: layers.map((layer) =>
      layer.kind === 'convolution' ? layer.matrix.values : layer.kind === 'depthwise' ? layer.weights : none(),
    ),
    biases: layers.map((layer) => (layer.kind === 'convolution' ? layer.bias : none())),
  };
}

/** Arrays for all gradients of each member, full of NaN: the kernels must overwrite them. */
export function emptyClassifierGradients(members: readonly ClassifierNetwork[]): ClassifierGradients[] {
  return members.map((member) => {
    const { weights, biases } = classifierTensors(member);
    const like = ({ length }: Float32Array) => new Float32Array(length).fill(NaN);
    return { weights: weights.map(like), biases: biases.map(like) };
  });
}

/** Names and arrays of all gradients of a member that are not empty. */
export function namedClassifierGradients({
  weights,
  biases,
}: ClassifierGradients): [name: string, array: Float32Array][] {
  const named =
    (name: string) =>
    (array: Float32Array, l: number): [string, Float32Array] => [`${name}[${l}]`, array];
  return [...weights.map(named('weights')), ...biases.map(named('biases'))].filter(([, { length }]) => length > 0);
}
