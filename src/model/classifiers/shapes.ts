import { TtsError } from '../../base/errors.js';
import type { BlockShape } from '../../kernels/interface/blocks.js';
import type { MaskedMatrix } from '../../sparsity/chooser.js';
import type { ClassifierConfig, LayerConfig } from './classifiers.js';

/** How sparse a classifier is. */
export interface ClassifierSparsity {
  /** Share of blocks kept in each masked layer, in (0, 1]; a layer with 1 is dense and has no mask. */
  readonly density: number;
  /** Default 1 × 1: single weights. */
  readonly block?: BlockShape;
  /**
   * Densities of single layers by name. Default: 1 for the last layer and for a first convolution of at most 1,024
   * weights.
   */
  readonly layers?: Readonly<Record<string, number>>;
}

/**
 * A layer with its sizes, kinds as in src/kernels/interface/classifier.ts: a fully connected layer is a convolution
 * over all of its input.
 */
export type LayerShape =
  | {
      readonly kind: 'convolution';
      /** [outputs, kernelHeight · kernelWidth · channels], its density 1 if it has no mask. */
      readonly matrix: MaskedMatrix;
      readonly kernel: readonly [height: number, width: number];
      readonly stride: number;
      readonly padding: number;
      readonly relu: boolean;
      /** Whether its input went through a ReLU, so that half of it is zero. */
      readonly afterRelu: boolean;
    }
  | {
      readonly kind: 'depthwise';
      readonly name: string;
      readonly channels: number;
      readonly kernel: readonly [height: number, width: number];
      readonly stride: number;
      readonly padding: number;
      /** Whether it begins as ones, a factor per channel. */
      readonly scale: boolean;
      readonly afterRelu: boolean;
    }
  | { readonly kind: 'pool'; readonly how: 'max' | 'mean'; readonly size: number };

/** A first convolution with no more weights than these is dense unless the recipe says otherwise. */
const smallConvolution = 1024;

type Volume = readonly [height: number, width: number, channels: number];

/**
 * The layers of a classifier with their sizes. Names count the layers of each kind: `conv1`, `fc1`, `depthwise1`,
 * `scale1`. Without `sparsity` everything is dense. Throws ERR_RECIPE for layers that do not fit their input, blocks
 * that do not fit a masked layer, densities outside (0, 1], and names of no layer.
 */
export function classifierShapes(
  config: ClassifierConfig,
  sparsity: ClassifierSparsity = { density: 1 },
): LayerShape[] {
  const shapes: LayerShape[] = [];
  const counts = new Map<string, number>();
  let volume: Volume = config.input;
  let afterRelu = false;
  config.layers.forEach((layer, i) => {
    const kind = { convolution: 'conv', dense: 'fc', depthwise: 'depthwise', scale: 'scale', pool: 'pool' }[layer.kind];
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const name = `${kind}${counts.get(kind)}`;
    const window = windowOf(layer, volume);
    const [height, width, channels] = volume;
    const sizes = [height, width].map(
      (length, axis) => Math.floor((length + 2 * window.padding - window.kernel[axis]) / window.stride) + 1,
    );
    if (sizes.some((size) => size < 1)) {
      throw new TtsError(
        'ERR_RECIPE',
        `${config.name}: ${name} looks at ${window.kernel.join(' × ')} pixels, its input has ${height} × ` +
          `${width} and ${window.padding} around`,
      );
    }
    if (layer.kind === 'pool') shapes.push({ kind: 'pool', how: layer.how, size: layer.size });
    else if (layer.kind === 'depthwise' || layer.kind === 'scale')
      shapes.push({ kind: 'depthwise', name, channels, ...window, scale: layer.kind === 'scale', afterRelu });
    else {
      const size = { name, rows: layer.outputs, columns: window.kernel[0] * window.kernel[1] * channels };
      const small = name === 'conv1' && size.rows * size.columns <= smallConvolution;
      const density = sparsity.layers?.[name] ?? (small || i === config.layers.length - 1 ? 1 : sparsity.density);
      shapes.push({
        kind: 'convolution',
        matrix: masked(config.name, size, density, sparsity.block),
        ...window,
        relu: layer.relu ?? true,
        afterRelu,
      });
    }
    if (layer.kind === 'convolution' || layer.kind === 'dense') afterRelu = layer.relu ?? true;
    else if (layer.kind === 'depthwise') afterRelu = false;
    volume = [sizes[0], sizes[1], 'outputs' in layer ? layer.outputs : channels];
  });
  if (shapes.at(-1)?.kind !== 'convolution' || volume[0] !== 1 || volume[1] !== 1) {
    throw new TtsError(
      'ERR_RECIPE',
      `${config.name} ends in ${volume.join(' × ')}, expected 1 × 1 × classes out of a dense layer or a convolution`,
    );
  }
  checkNames(config.name, shapes, sparsity);
  return shapes;
}

/** The part of the input that one output sees, and how it moves. */
function windowOf(
  layer: LayerConfig,
  [height, width]: Volume,
): { kernel: [number, number]; stride: number; padding: number } {
  switch (layer.kind) {
    case 'dense':
      return { kernel: [height, width], stride: 1, padding: 0 };
    case 'scale':
      return { kernel: [1, 1], stride: 1, padding: 0 };
    case 'pool':
      return { kernel: [layer.size, layer.size], stride: layer.size, padding: 0 };
    default:
      return { kernel: [layer.kernel, layer.kernel], stride: layer.stride ?? 1, padding: layer.padding ?? 0 };
  }
}

function masked(
  model: string,
  size: { name: string; rows: number; columns: number },
  density: number,
  block: BlockShape = { rows: 1, columns: 1 },
): MaskedMatrix {
  if (!(density > 0 && density <= 1))
    throw new TtsError(
      'ERR_RECIPE',
      `${model}: the density of ${size.name} is ${density}, expected more than 0 and at most 1`,
    );
  if (size.rows % block.rows === 0 && size.columns % block.columns === 0) return { ...size, block, density };
  if (density === 1) return { ...size, block: { rows: 1, columns: 1 }, density };
  throw new TtsError(
    'ERR_RECIPE',
    `${model}: ${size.name} has ${size.rows} × ${size.columns} weights, expected multiples of the block, ` +
      `${block.rows} × ${block.columns}; take another block, or make the layer dense`,
  );
}

function checkNames(model: string, shapes: readonly LayerShape[], { layers = {} }: ClassifierSparsity): void {
  const known = shapes.flatMap((shape) => (shape.kind === 'convolution' ? [shape.matrix.name] : []));
  const unknown = Object.keys(layers).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TtsError(
      'ERR_RECIPE',
      `${model} has no layer ${unknown} that could be sparse, expected ${known.join(', ')}`,
    );
}

/** Weights and biases of the dense classifier. */
export function countParameters(config: ClassifierConfig): number {
  return classifierShapes(config).reduce((sum, shape) => {
    if (shape.kind === 'pool') return sum;
    if (shape.kind === 'depthwise') return sum + shape.kernel[0] * shape.kernel[1] * shape.channels;
    return sum + shape.matrix.rows * (shape.matrix.columns + 1);
  }, 0);
}

/** The layers that have masks, in order: what a chooser is made for. */
export function maskedLayers(shapes: readonly LayerShape[]): MaskedMatrix[] {
  return shapes.flatMap((shape) => (shape.kind === 'convolution' && shape.matrix.density < 1 ? [shape.matrix] : []));
}
