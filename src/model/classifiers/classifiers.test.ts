import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../../base/errors.js';
import { RandomStream } from '../../base/random.js';
import { blockCount, highest, keptBlocks, type Mask, maskOf } from '../../sparsity/mask.js';
import { type ClassifierConfig, classifiers, multilayerPerceptron } from './classifiers.js';
import { classifierNetwork, initialWeights, packWeights } from './network.js';
import { classifierShapes, countParameters, type LayerShape, maskedLayers } from './shapes.js';

const refused =
  (...patterns: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof TtsError && error.code === 'ERR_RECIPE', String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };

/** Random masks of the layers' densities. */
function randomMasks(shapes: readonly LayerShape[], seed = 1): Mask[] {
  const random = new RandomStream(seed, 0);
  return maskedLayers(shapes).map((layer) =>
    highest(
      Float64Array.from({ length: blockCount(layer) }, () => random.uniform()),
      keptBlocks(layer, layer.density),
    ),
  );
}

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test('the classifiers have the numbers of parameters that the paper prints', () => {
  assert.equal(countParameters(classifiers['lenet-small']), 28_938);
  assert.equal(countParameters(classifiers['lenet-large']), 454_922);
  assert.equal(countParameters(classifiers['cifar10-separable']), 360_421);
  assert.equal(countParameters(classifiers.mlp), 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10);
});

test('sizes follow from the layers before', () => {
  const matrices = (config: ClassifierConfig) =>
    classifierShapes(config).flatMap((shape) =>
      shape.kind === 'convolution' ? [[shape.matrix.name, shape.matrix.rows, shape.matrix.columns]] : [],
    );
  assert.deepEqual(matrices(classifiers['lenet-small']), [
    ['conv1', 16, 25],
    ['conv2', 32, 400],
    ['fc1', 10, 1568],
  ]);
  assert.deepEqual(matrices(classifiers['lenet-large']), [
    ['conv1', 32, 25],
    ['conv2', 64, 800],
    ['fc1', 128, 3136],
    ['fc2', 10, 128],
  ]);
  assert.deepEqual(matrices(classifiers.mlp), [
    ['fc1', 300, 784],
    ['fc2', 100, 300],
    ['fc3', 10, 100],
  ]);
  const separable = matrices(classifiers['cifar10-separable']);
  assert.deepEqual(
    [separable[0], separable.at(-2), separable.at(-1)],
    [
      ['conv1', 64, 3],
      ['conv9', 512, 256],
      ['fc1', 10, 512],
    ],
  );
});

test('a fully connected layer is a convolution over all of its input', () => {
  const [first, , , , last] = classifierShapes(classifiers['lenet-small']);
  assert.deepEqual(first, {
    kind: 'convolution',
    matrix: { name: 'conv1', rows: 16, columns: 25, block: { rows: 1, columns: 1 }, density: 1 },
    kernel: [5, 5],
    stride: 1,
    padding: 2,
    relu: true,
    afterRelu: false,
  });
  assert.deepEqual(last, {
    kind: 'convolution',
    matrix: { name: 'fc1', rows: 10, columns: 1568, block: { rows: 1, columns: 1 }, density: 1 },
    kernel: [7, 7],
    stride: 1,
    padding: 0,
    relu: false,
    afterRelu: true,
  });
});

test('the last layer and a small first convolution are dense unless the settings say otherwise', () => {
  const densities = (config: ClassifierConfig, layers?: Record<string, number>) =>
    maskedLayers(classifierShapes(config, { density: 0.05, layers })).map(({ name, density }) => [name, density]);
  assert.deepEqual(densities(classifiers.mlp), [
    ['fc1', 0.05],
    ['fc2', 0.05],
  ]);
  assert.deepEqual(densities(classifiers['lenet-large']), [
    ['conv2', 0.05],
    ['fc1', 0.05],
  ]);
  assert.deepEqual(densities(classifiers['lenet-large'], { conv1: 0.5, conv2: 1, fc2: 0.2 }), [
    ['conv1', 0.5],
    ['fc1', 0.05],
    ['fc2', 0.2],
  ]);
  assert.equal(densities(classifiers['cifar10-separable']).length, 8);
  assert.deepEqual(maskedLayers(classifierShapes(classifiers.mlp)), []);
});

test('blocks are those of the settings in the masked layers; a dense layer that they do not fit has single weights', () => {
  const block = { rows: 4, columns: 4 };
  const shapes = classifierShapes(classifiers.mlp, { density: 0.1, block });
  assert.deepEqual(
    shapes.map((shape) => shape.kind === 'convolution' && shape.matrix.block),
    [block, block, { rows: 1, columns: 1 }],
  );
  assert.throws(
    () => classifierShapes(classifiers.mlp, { density: 0.1, block: { rows: 16, columns: 1 } }),
    refused(/fc1 has 300 × 784 weights, expected multiples of the block, 16 × 1/),
  );
});

test('settings and layers that do not fit are refused', () => {
  assert.throws(
    () => classifierShapes(classifiers.mlp, { density: 0 }),
    refused(/density of fc1 is 0, expected more than 0/),
  );
  assert.throws(
    () => classifierShapes(classifiers.mlp, { density: 0.1, layers: { fc2: 1.5 } }),
    refused(/density of fc2 is 1\.5/),
  );
  assert.throws(
    () => classifierShapes(classifiers.mlp, { density: 0.1, layers: { fc4: 1 } }),
    refused(/no layer fc4 that could be sparse, expected fc1, fc2, fc3/),
  );
  assert.throws(
    () => classifierShapes({ name: 'x', input: [4, 4, 1], layers: [{ kind: 'convolution', outputs: 3, kernel: 5 }] }),
    refused(/conv1 looks at 5 × 5 pixels, its input has 4 × 4 and 0 around/),
  );
  assert.throws(
    () => classifierShapes({ name: 'x', input: [4, 4, 1], layers: [{ kind: 'convolution', outputs: 3, kernel: 3 }] }),
    refused(/x ends in 2 × 2 × 3, expected 1 × 1 × classes/),
  );
  assert.throws(
    () => classifierShapes({ name: 'x', input: [4, 4, 1], layers: [{ kind: 'pool', how: 'mean', size: 4 }] }),
    refused(/ends in 1 × 1 × 1/),
  );
});

test('fresh weights have the variance of the inputs that are kept', () => {
  const shapes = classifierShapes(classifiers.mlp, { density: 0.02 });
  const { weights, biases } = initialWeights(shapes, randomMasks(shapes), 1);
  assert.deepEqual(
    weights.map(({ length }) => length),
    [235_200, 30_000, 1000],
  );
  // No ReLU before the first; 2% of 784, 2% of 300, all of 100 inputs.
  const expected = [Math.sqrt(1 / 15.68), Math.sqrt(2 / 6), Math.sqrt(2 / 100)];
  weights.forEach((values, i) =>
    assert.ok(Math.abs(deviation(values) / expected[i] - 1) < 0.08, `${deviation(values)}, expected ${expected[i]}`),
  );
  assert.deepEqual(
    biases.map(({ length }) => length),
    [300, 100, 10],
  );
  assert.ok(biases.every((values) => values.every((value) => value === 0)));
});

test('a layer after a depthwise one counts no ReLU, scales begin as ones, pools have nothing', () => {
  const shapes = classifierShapes(classifiers['cifar10-separable'], { density: 0.1 });
  const { weights, biases } = initialWeights(shapes, randomMasks(shapes), 1);
  const index = shapes.findIndex((shape) => shape.kind === 'convolution' && shape.matrix.name === 'conv8');
  assert.ok(Math.abs(deviation(weights[index]) / Math.sqrt(1 / 25.6) - 1) < 0.05);
  assert.ok(Math.abs(deviation(weights[index - 1]) / Math.sqrt(2 / 9) - 1) < 0.1);
  assert.deepEqual(weights[index + 1], new Float32Array(256).fill(1));
  assert.deepEqual(
    shapes
      .map((shape, i) => shape.kind === 'pool' && weights[i].length + biases[i].length)
      .filter((length) => length !== false),
    [0],
  );
});

test('what a block begins with depends on the seed and its place, not on which others are kept', () => {
  const shapes = classifierShapes(classifiers['lenet-small'], { density: 0.1 });
  const weightsOf = (maskSeed: number, seed: number) =>
    initialWeights(shapes, randomMasks(shapes, maskSeed), seed).weights;
  assert.deepEqual(weightsOf(1, 1), weightsOf(2, 1));
  assert.notDeepEqual(weightsOf(1, 1), weightsOf(1, 2));
  const layers = initialWeights(classifierShapes(multilayerPerceptron('x', [10, 1, 1], [10])), [], 1).weights;
  assert.notDeepEqual(layers[0], layers[1]);
});

test('packed weights are those of the kept blocks', () => {
  const shape = { rows: 4, columns: 6, block: { rows: 2, columns: 3 } };
  const all = Float32Array.from({ length: 24 }, (_, i) => i);
  const matrix = packWeights(shape, Uint8Array.of(0, 1, 1, 0), all);
  assert.deepEqual(maskOf(matrix), Uint8Array.of(0, 1, 1, 0));
  assert.deepEqual([...matrix.values], [...all.subarray(6, 18)]);
});

test('the network has the masks that are given, and full matrices elsewhere', () => {
  const shapes = classifierShapes(classifiers['cifar10-separable'], { density: 0.1, layers: { conv9: 1 } });
  const masks = randomMasks(shapes);
  const weights = initialWeights(shapes, masks, 1);
  const { input, layers } = classifierNetwork(classifiers['cifar10-separable'].input, shapes, masks, weights);
  assert.deepEqual(input, [32, 32, 3]);
  assert.deepEqual(
    layers.map(({ kind }) => kind),
    shapes.map(({ kind }) => kind),
  );
  const matrices = layers.flatMap((layer) => (layer.kind === 'convolution' ? [layer.matrix] : []));
  assert.deepEqual(matrices.slice(1, 8).map(maskOf), masks);
  for (const full of [matrices[0], matrices[8], matrices[9]])
    assert.equal(full.values.length, full.rows * full.columns);
  assert.deepEqual(layers[0], {
    kind: 'depthwise',
    weights: weights.weights[0],
    kernel: [3, 3],
    stride: 1,
    padding: 1,
  });
  assert.throws(() => classifierNetwork(input, shapes, masks.slice(1), weights), /there are 6 masks, expected 7/);
  assert.throws(() => initialWeights(shapes, [...masks, masks[0]], 1), /there are 8 masks, expected 7/);
});
