import assert from 'node:assert/strict';
import test from 'node:test';
import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames } from '../../kernels/index.js';
import { registerFastKernels } from './fast_kernels.js';
import * as tf from './tensorflow.js';

tf.enableProdMode();
await tf.setBackend('cpu');

const random = new RandomStream(1, 0);
const tensor = (...shape: number[]): Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );

/** A calculation, and the kernel it must go through. */
interface Case {
  readonly name: string;
  readonly inputs: Tensor[];
  readonly run: (...inputs: Tensor[]) => Tensor;
  readonly differentiable?: boolean;
}

const conv2d = (
  stride: number | [number, number],
  pad: 'valid' | 'same' | number,
  ...shapes: [number[], number[]]
): Case => ({
  name: `conv2d ${shapes.join(' * ')} stride ${stride} pad ${pad}`,
  inputs: shapes.map((shape) => tensor(...shape)),
  run: (x, filter) => tf.conv2d(x as Tensor4D, filter as Tensor4D, stride, pad),
});
const conv1d = (frames: number, pad: 'valid' | 'same', channels = 5): Case => ({
  name: `conv1d over ${frames} frames, ${pad}, ${channels} channels`,
  inputs: [tensor(3, 11, channels), tensor(frames, channels, 7)],
  run: (x, filter) => tf.conv1d(x as Tensor3D, filter as Tensor3D, 1, pad),
});
const matMul = (a: number[], b: number[], transposeA: boolean, transposeB: boolean): Case => ({
  name: `matMul [${a}]${transposeA ? 'ᵀ' : ''} [${b}]${transposeB ? 'ᵀ' : ''}`,
  inputs: [tensor(...a), tensor(...b)],
  run: (x, y) => tf.matMul(x, y, transposeA, transposeB),
});

const cases: Case[] = [
  matMul([5, 17], [17, 9], false, false),
  matMul([17, 5], [17, 9], true, false),
  matMul([5, 17], [9, 17], false, true),
  matMul([17, 5], [9, 17], true, true),
  matMul([4, 5, 3], [4, 3, 2], false, false),
  // TensorFlow.js has no gradient of products that broadcast.
  { ...matMul([4, 3, 5], [1, 2, 3], true, true), differentiable: false },
  { ...matMul([4, 5, 3], [1, 3, 2], false, false), differentiable: false },
  { ...matMul([1, 5, 3], [4, 3, 2], false, false), differentiable: false },
  matMul([2, 3, 5, 4], [2, 3, 4, 6], false, false),
  { ...matMul([2, 1, 5, 4], [1, 3, 4, 6], false, false), differentiable: false },
  { ...matMul([3, 5, 4], [4, 6], false, false), differentiable: false },
  conv1d(1, 'valid'),
  conv1d(3, 'valid'),
  conv1d(5, 'same'),
  conv1d(3, 'valid', 40),
  conv2d(1, 'valid', [2, 7, 6, 3], [3, 3, 3, 4]),
  conv2d(1, 'same', [2, 7, 6, 3], [3, 2, 3, 4]),
  conv2d(1, 'same', [1, 5, 5, 2], [1, 1, 2, 3]),
  conv2d(1, 2, [2, 6, 6, 3], [5, 5, 3, 2]),
  conv2d(2, 'same', [2, 7, 6, 3], [3, 3, 3, 4]),
  conv2d([2, 1], 'valid', [2, 7, 6, 3], [3, 3, 3, 4]),
  // Columns of 24 · 24 · 9 · 64 floats an image: chunks of three images.
  conv2d(1, 'same', [5, 24, 24, 64], [3, 3, 64, 1]),
  { name: 'bias', inputs: [tensor(4, 3, 7), tensor(7)], run: (x, bias) => tf.add(x, bias) },
  { name: 'bias on the left', inputs: [tensor(7), tensor(4, 7)], run: (bias, x) => tf.add(bias, x) },
  {
    name: 'add with a broadcast in the middle',
    inputs: [tensor(4, 3, 7), tensor(4, 1, 7)],
    run: (x, y) => tf.add(x, y),
  },
  { name: 'product with a scalar', inputs: [tensor(4, 3), tensor()], run: (x, y) => tf.mul(x, y) },
  { name: 'relu', inputs: [tensor(6, 50)], run: (x) => tf.relu(x) },
  { name: 'relu at zero', inputs: [tf.tensor1d([0, -0, 1e-42, -1e-42, 3, -3])], run: (x) => tf.relu(x) },
  {
    name: 'relu of infinities',
    inputs: [tf.tensor1d([Infinity, -Infinity, NaN, -NaN, 0 / 0])],
    run: (x) => tf.relu(x),
    differentiable: false,
  },
  { name: 'leaky step', inputs: [tensor(20)], run: (x) => tf.step(x, 0.5), differentiable: false },
  { name: 'sum of leading axes', inputs: [tensor(40, 3, 7)], run: (x) => tf.sum(x, [0, 1]) },
  { name: 'sum of leading axes, named from the end', inputs: [tensor(4, 3, 7)], run: (x) => tf.sum(x, [-2, -3]) },
  { name: 'sum of the last axis', inputs: [tensor(4, 3, 7)], run: (x) => tf.sum(x, 2) },
  { name: 'sum of all', inputs: [tensor(4, 3)], run: (x) => tf.sum(x) },
  { name: 'sum that keeps its axes', inputs: [tensor(4, 3)], run: (x) => tf.sum(x, 0, true) },
  { name: 'crop of the middle axis', inputs: [tensor(4, 9, 7)], run: (x) => tf.slice(x, [0, 2, 0], [-1, 5, -1]) },
  { name: 'crop of two axes', inputs: [tensor(4, 9, 7)], run: (x) => tf.slice(x, [1, 2, 0], [2, 5, -1]) },
  {
    name: 'padding of the middle axis',
    inputs: [tensor(2, 3, 4)],
    run: (x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [2, 1],
          [0, 0],
        ],
        0.5,
      ),
  },
  {
    name: 'padding of two axes',
    inputs: [tensor(2, 3, 4)],
    run: (x) =>
      tf.pad(x, [
        [1, 0],
        [2, 1],
        [0, 0],
      ]),
  },
  {
    name: 'fused product, bias, linear',
    inputs: [tensor(5, 3), tensor(3, 4), tensor(4)],
    run: (a, b, bias) => tf.fused.matMul({ a, b, bias }),
  },
  {
    name: 'fused product, bias, relu',
    inputs: [tensor(5, 3), tensor(4, 3), tensor(4)],
    run: (a, b, bias) => tf.fused.matMul({ a, b, bias, transposeB: true, activation: 'relu' }),
  },
  {
    name: 'fused product, sigmoid',
    inputs: [tensor(5, 3), tensor(3, 4)],
    run: (a, b) => tf.fused.matMul({ a, b, activation: 'sigmoid' }),
    differentiable: false,
  },
];

/** The value and the gradients of a weighted sum of its elements, flat. */
function evaluate({ inputs, run, differentiable = true }: Case): Float32Array[] {
  return tf.tidy(() => {
    const value = run(...inputs);
    const results = [value];
    if (differentiable) {
      const weights = tf.reshape(tf.sin(tf.range(0, value.size)), value.shape);
      results.push(...tf.grads((...x: Tensor[]) => tf.sum(tf.mul(run(...x), weights)))(inputs));
    }
    return [tf.tensor1d(value.shape), ...results].map((result) => Float32Array.from(result.dataSync()));
  });
}

registerFastKernels(tf, chooseKernels({ name: 'reference' }));
const expected = cases.map(evaluate);

for (const name of kernelNames()) {
  test(`the fast operations equal the cpu backend's own, forwards and backwards (${name})`, () => {
    registerFastKernels(tf, chooseKernels({ name, threads: 2 }));
    cases.forEach((each, i) => {
      const actual = evaluate(each);
      assert.equal(actual.length, expected[i].length);
      actual.forEach((values, j) => {
        assert.equal(values.length, expected[i][j].length, each.name);
        const scale = expected[i][j]
          .filter(Number.isFinite)
          .reduce((largest, each) => Math.max(largest, Math.abs(each)), 1e-3);
        values.forEach((value, k) => {
          const right = expected[i][j][k];
          if (!Number.isFinite(right))
            assert.ok(Object.is(value, right), `${each.name}, result ${j}[${k}]: ${value}, expected ${right}`);
          else
            assert.ok(
              Math.abs(value - right) <= 1e-5 * scale,
              `${each.name}, result ${j}[${k}]: ${value}, expected ${right}`,
            );
        });
      });
    });
  });
}

test('the operations in question do run on the given kernels', () => {
  const kernels = chooseKernels();
  let products = 0;
  const counted = Object.create(kernels, {
    name: { value: 'generic' },
    matMul: { value: (...call: Parameters<typeof kernels.matMul>) => (products++, kernels.matMul(...call)) },
  }) as typeof kernels;
  registerFastKernels(tf, counted);
  const x = tensor(2, 9, 5);
  const filter = tensor(3, 5, 4);
  tf.grads((a: Tensor, b: Tensor) => tf.sum(tf.conv1d(a as Tensor3D, b as Tensor3D, 1, 'valid')))([x, filter]);
  assert.equal(products, 3);
  registerFastKernels(tf, chooseKernels({ name: 'reference' }));
  tf.matMul(tensor(2, 3), tensor(3, 2));
  assert.equal(products, 3);
});

test('values that are not float32 stay with the backend', () => {
  registerFastKernels(tf, chooseKernels());
  const sum = tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3, 4], 'int32'));
  assert.equal(sum.dtype, 'int32');
  assert.deepEqual([...sum.dataSync()], [4, 6]);
  const product = tf.matMul(tf.tensor2d([1, 2], [1, 2], 'int32'), tf.tensor2d([3, 4], [2, 1], 'int32'));
  assert.deepEqual([...product.dataSync()], [11]);
});

test('mismatched shapes are still refused', () => {
  registerFastKernels(tf, chooseKernels());
  assert.throws(() => tf.matMul(tensor(2, 3), tensor(2, 3)), /inner shapes/i);
  assert.throws(() => tf.add(tensor(2, 3), tensor(2)), /broadcast/i);
});
