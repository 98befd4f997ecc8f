/**
 * A layer of a classifier as a recipe would write it. Sizes of the input follow from the layers before; `dense` takes
 * in everything that is left. Kernels and pools are square. Defaults: stride 1, padding 0, relu true.
 */
export type LayerConfig =
  | {
      readonly kind: 'convolution';
      readonly outputs: number;
      readonly kernel: number;
      readonly stride?: number;
      readonly padding?: number;
      readonly relu?: boolean;
    }
  | { readonly kind: 'dense'; readonly outputs: number; readonly relu?: boolean }
  /** One filter per channel, without bias and ReLU. */
  | { readonly kind: 'depthwise'; readonly kernel: number; readonly stride?: number; readonly padding?: number }
  /** One factor per channel, 1 at first. */
  | { readonly kind: 'scale' }
  | { readonly kind: 'pool'; readonly how: 'max' | 'mean'; readonly size: number };

/** A classifier before anything is sparse. Plain data, fit for JSON. */
export interface ClassifierConfig {
  readonly name: string;
  /** Height, width, channels. */
  readonly input: readonly [number, number, number];
  /** The last one gives the logits. */
  readonly layers: readonly LayerConfig[];
}

const digits = [28, 28, 1] as const;
const photographs = [32, 32, 3] as const;

/** Fully connected layers with ReLU: `widths` hidden units each, then `classes` logits. */
export function multilayerPerceptron(
  name: string,
  input: ClassifierConfig['input'],
  widths: readonly number[],
  classes = 10,
): ClassifierConfig {
  return {
    name,
    input,
    layers: [
      ...widths.map((outputs) => ({ kind: 'dense', outputs }) as const),
      { kind: 'dense', outputs: classes, relu: false },
    ],
  };
}

/**
 * Two convolutions of 5 × 5, each with max-pooling, then fully connected layers: the nets for MNIST of Lenc et al.
 * 2019.
 */
function lenet(name: string, channels: readonly [number, number], widths: readonly number[]): ClassifierConfig {
  const convolutions = channels.flatMap((outputs) => [
    { kind: 'convolution', outputs, kernel: 5, padding: 2 } as const,
    { kind: 'pool', how: 'max', size: 2 } as const,
  ]);
  return { name, input: digits, layers: [...convolutions, ...multilayerPerceptron(name, digits, widths).layers] };
}

/** A filter per channel, then a 1 × 1 convolution with ReLU, then a factor per channel. */
function separable(outputs: number, stride = 1): LayerConfig[] {
  return [
    { kind: 'depthwise', kernel: 3, stride, padding: 1 },
    { kind: 'convolution', outputs, kernel: 1 },
    { kind: 'scale' },
  ];
}

/**
 * The classifiers of the recipes. Counts of parameters are those that Lenc, Elsen, Schaul and Simonyan print (2019,
 * arXiv 1906.03139).
 *
 * `cifar10-separable`: the paper names it a separable ConvNet with 360,421 parameters; widths and strides are those of
 * public reimplementations of its CIFAR-300K, which come to that count with a scale and an offset for every channel, as
 * batch normalisation has them. Here nothing is normalised by the batch: the offset is the bias of the 1 × 1
 * convolution, the scale a layer after its ReLU. How the strided layers are padded is our choice (32, 16, 8, 4 pixels).
 */
export const classifiers = {
  mlp: multilayerPerceptron('mlp', digits, [300, 100]),
  'lenet-small': lenet('lenet-small', [16, 32], []),
  'lenet-large': lenet('lenet-large', [32, 64], [128]),
  'cifar10-separable': {
    name: 'cifar10-separable',
    input: photographs,
    layers: [
      ...separable(64),
      ...separable(64),
      ...separable(128, 2),
      ...separable(128),
      ...separable(128),
      ...separable(256, 2),
      ...separable(256),
      ...separable(256),
      ...separable(512, 2),
      { kind: 'pool', how: 'mean', size: 4 },
      { kind: 'dense', outputs: 10, relu: false },
    ],
  },
} as const satisfies Record<string, ClassifierConfig>;

export type ClassifierName = keyof typeof classifiers;
