import assert from 'node:assert/strict';
import test from 'node:test';
import {
  classifierCases,
  emptyClassifierGradients,
  randomClassifier,
  randomExamples,
} from '../../../test/support/classifiers.js';
import { blockShapes, randomBlockMatrix } from '../../../test/support/kernels.js';
import { TtsError } from '../../base/errors.js';
import { RandomStream } from '../../base/random.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierNetwork,
  ConvolutionLayer,
  DepthwiseLayer,
} from '../index.js';
import { chooseKernels, kernelNames } from '../index.js';

const stream = new RandomStream(1, 70);
const [, convolutional, mobile] = classifierCases;
const network = randomClassifier(stream, convolutional);
const members = [network, randomClassifier(stream, convolutional)];
const batch = randomExamples(stream, network, 2, 3);
const gradients = emptyClassifierGradients(members);
const zeros = (length: number) => new Float32Array(length);
const replaced = <T>(list: readonly T[], i: number, item: T) => list.map((old, j) => (i === j ? item : old));
const layer = (l: number, change: object): ClassifierNetwork => ({
  ...network,
  layers: replaced(network.layers, l, { ...network.layers[l], ...change }),
});
const first = network.layers[0] as ConvolutionLayer;
const depthwise = randomClassifier(stream, mobile).layers[1] as DepthwiseLayer;

/** What is wrong, the first member, and what the message must say. */
const wrongMembers: [what: string, member: ClassifierNetwork, message: RegExp][] = [
  ['an input without rows', { ...network, input: [0, 7, 3] }, /members\[0\]\.input is 0×7×3/],
  ['an input of half a channel', { ...network, input: [9, 7, 0.5] }, /members\[0\]\.input is 9×7×0\.5/],
  ['another input', { ...network, input: [9, 7, 4] }, /layers\[0\]\.matrix has 27 columns, expected 3×3×4 = 36/],
  ['no layers', { ...network, layers: [] }, /members\[0\] gives 9×7×3 after 0 layers, expected 1×1×classes/],
  [
    'layers that end too early',
    { ...network, layers: network.layers.slice(0, 3) },
    /members\[0\] gives 2×2×8 after 3 layers/,
  ],
  ['a kernel of no height', layer(0, { kernel: [0, 3] }), /layers\[0\] has kernel 0×3/],
  ['a kernel of half a pixel', layer(0, { kernel: [3, 1.5] }), /layers\[0\] has kernel 3×1\.5/],
  ['stride 0', layer(0, { stride: 0 }), /layers\[0\] has kernel 3×3, stride 0/],
  ['a negative padding', layer(1, { padding: -1 }), /layers\[1\] has .* padding -1/],
  ['a kernel of another size', layer(0, { kernel: [3, 2] }), /layers\[0\]\.matrix has 27 columns, expected 3×2×3 = 18/],
  [
    'a kernel larger than its input',
    layer(3, { kernel: [3, 2] }),
    /layers\[3\] has a window of 3×2 on an image of 2×2/,
  ],
  ['a pool larger than its input', layer(2, { size: 5 }), /layers\[2\] has a window of 5×5 on an image of 5×4/],
  ['a pool of size 0', layer(2, { size: 0 }), /layers\[2\] has kernel 0×0/],
  ['a bias of a wrong length', layer(0, { bias: zeros(3) }), /layers\[0\]\.bias has 3 elements, expected 16/],
  [
    'a matrix whose columns are out of range',
    layer(0, { matrix: { ...first.matrix, column: first.matrix.column.map(() => 27) } }),
    /layers\[0\]\.matrix\.column\[0\] is 27/,
  ],
  [
    'blocks that straddle rows',
    {
      input: [3, 3, 1],
      layers: [
        {
          ...first,
          matrix: randomBlockMatrix(stream, 4, 4, blockShapes[1], () => 1),
          bias: zeros(4),
          kernel: [2, 2],
          padding: 0,
        },
      ],
    },
    /layers\[0\]\.matrix has blocks of 4 columns, which straddle/,
  ],
  [
    'depthwise weights of a wrong length',
    { ...network, layers: [first, { ...depthwise, weights: zeros(5) }] },
    /layers\[1\]\.weights has 5 elements, expected 144/,
  ],
  [
    'more classes than a byte counts',
    {
      input: [1, 1, 1],
      layers: [
        {
          ...first,
          matrix: randomBlockMatrix(stream, 257, 1, blockShapes[2], () => 1),
          bias: zeros(257),
          kernel: [1, 1],
          padding: 0,
        },
      ],
    },
    /gives 1×1×257/,
  ],
];

const wrongPairs: [what: string, members: readonly ClassifierNetwork[], message: RegExp][] = [
  ['no members', [], /members has 0 elements/],
  ['a second member that is wrong', [network, layer(0, { bias: zeros(3) })], /members\[1\]\.layers\[0\]\.bias has 3/],
  [
    'members of another ReLU',
    [network, layer(0, { relu: false })],
    /members\[1\] has a convolution of 3×3, stride 2, padding 1 to 16 channels where members\[0\] has .* with ReLU/,
  ],
  [
    'members of other pools',
    [network, layer(2, { how: 'mean' })],
    /members\[1\] has a mean pool of 2 where members\[0\] has a max pool of 2/,
  ],
  [
    'members with a layer more',
    [network, { ...network, layers: [...network.layers, { kind: 'pool', how: 'max', size: 1 }] }],
    /members\[1\] has a max pool of 1 where members\[0\] has nothing/,
  ],
  [
    'members with a layer less',
    [{ ...network, layers: [...network.layers, { kind: 'pool', how: 'max', size: 1 }] }, network],
    /members\[1\]\.layers has 4 elements, expected 5/,
  ],
];

const wrongBatches: [what: string, change: Partial<ClassifierBatch>, message: RegExp][] = [
  ['no examples', { examples: 0 }, /examples is 0/],
  ['half an example', { examples: 1.5 }, /examples is 1\.5/],
  ['images of a wrong length', { images: zeros(7) }, /images has 7 elements, expected 1134/],
  ['sharers that the members do not divide into', { shared: 3 }, /shared is 3, expected a number that divides the/],
  ['nats of a wrong length', { nll: new Float32Array(5) }, /nll has 5 elements, expected 6/],
  ['labels of a wrong length', { labels: new Uint8Array(5) }, /labels has 5 elements, expected 6/],
  [
    'a label that is no class',
    { labels: Uint8Array.of(0, 1, 2, 3, 10, 5) },
    /labels\[4\] is 10, expected less than 10/,
  ],
];

const [one, two] = gradients;
const wrongGradients: [what: string, gradients: readonly ClassifierGradients[], message: RegExp][] = [
  ['gradients of too few members', [one], /gradients has 1 elements, expected 2/],
  [
    'gradients of too few layers',
    [one, { ...two, weights: two.weights.slice(1) }],
    /gradients\[1\]\.weights has 3 elements, expected 4/,
  ],
  ['gradients without biases', [{ ...one, biases: [] }, two], /gradients\[0\]\.biases has 0 elements, expected 4/],
  [
    'weight gradients of a wrong length',
    [one, { ...two, weights: replaced(two.weights, 1, zeros(1)) }],
    /gradients\[1\]\.weights\[1\] has 1 elements/,
  ],
  [
    'bias gradients of a wrong length',
    [one, { ...two, biases: replaced(two.biases, 0, zeros(1)) }],
    /gradients\[1\]\.biases\[0\] has 1 elements, expected 16/,
  ],
  [
    'bias gradients of a pool',
    [one, { ...two, biases: replaced(two.biases, 2, zeros(1)) }],
    /gradients\[1\]\.biases\[2\] has 1 elements, expected 0/,
  ],
];

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });
  const refuses = (what: string, message: RegExp, call: () => unknown) =>
    void test(`${name}: a classifier refuses ${what}`, () =>
      assert.throws(
        call,
        (error) => error instanceof TtsError && error.code === 'ERR_ARGUMENT' && message.test(error.message),
      ));

  test(`${name}: accepts what the refused cases are made of`, () => {
    assert.ok(kernels.classifierGradients(members, batch, 1, gradients).loss.every(Number.isFinite));
  });

  for (const [what, member, message] of wrongMembers) {
    refuses(`${what}, for the loss`, message, () => kernels.classifierLoss([member, network], batch));
    refuses(`${what}, for gradients`, message, () =>
      kernels.classifierGradients([member, network], batch, 1, gradients),
    );
  }
  for (const [what, pair, message] of wrongPairs) {
    refuses(`${what}, for the loss`, message, () => kernels.classifierLoss(pair, batch));
    refuses(`${what}, for gradients`, message, () => kernels.classifierGradients(pair, batch, 1, gradients));
  }
  for (const [what, change, message] of wrongBatches) {
    refuses(`${what}, for the loss`, message, () => kernels.classifierLoss(members, { ...batch, ...change }));
    refuses(`${what}, for gradients`, message, () =>
      kernels.classifierGradients(members, { ...batch, ...change }, 1, gradients),
    );
  }
  for (const [what, wrong, message] of wrongGradients)
    refuses(what, message, () => kernels.classifierGradients(members, batch, 1, wrong));
  refuses(
    'gradients of the stored blocks where those of all are wanted',
    /gradients\[0\]\.weights\[\d\] has \d+ elements/,
    () => kernels.classifierGradients(members, batch, 1, gradients, 'all'),
  );
  refuses('gradients of other blocks', /blocks is 7, expected "stored" or "all"/, () =>
    kernels.classifierGradients(members, batch, 1, gradients, 7 as unknown as 'all'),
  );
}
