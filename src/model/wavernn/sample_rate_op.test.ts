import assert from 'node:assert/strict';
import test from 'node:test';
import type { Rank, Scalar, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { sequenceKernelNames } from '../../../test/support/gpu.js';
import { RandomStream } from '../../base/random.js';
import {
  type BlockMatrix,
  type BlockShape,
  chooseKernels,
  type Kernels,
  type SampleRateNetwork,
} from '../../kernels/index.js';
import { loadTensorFlow } from '../backend/backend.js';
import { registerFastKernels } from '../backend/fast_kernels.js';
import { conditioningForward, conditioningParameters, contextFrames } from './conditioning.js';
import { classes, denseNames, shapeOf, sparseNames, type WaveRnnConfig } from './config.js';
import { GradientPool, type SampleRateBatch, sampleRateNll } from './sample_rate_op.js';
import { sampleRateReference } from './sample_rate_reference.js';

const reference = chooseKernels({ name: 'reference' });
const { tf } = await loadTensorFlow(reference);
const random = new RandomStream(7, 0);
const normal = (length: number, deviation = 1) => Float32Array.from({ length }, () => deviation * random.normal());

function randomMatrix(rows: number, columns: number, block: BlockShape, density: number): BlockMatrix {
  const rowStart = [0];
  const column: number[] = [];
  for (let i = 0; i < rows / block.rows; i++) {
    for (let j = 0; j < columns / block.columns; j++) if (random.uniform() < density) column.push(j);
    rowStart.push(column.length);
  }
  const values = normal(column.length * block.rows * block.columns, 0.4);
  return {
    rows,
    columns,
    blockRows: block.rows,
    blockColumns: block.columns,
    rowStart: Int32Array.from(rowStart),
    column: Int32Array.from(column),
    values,
  };
}

interface Example {
  readonly name: string;
  readonly config: WaveRnnConfig;
  readonly network: SampleRateNetwork;
  readonly batch: SampleRateBatch;
  readonly gate: Tensor3D;
  readonly weights: Tensor[];
}

function example(encoding: WaveRnnConfig['encoding'], block: BlockShape, lanes: number, lengths?: Int32Array): Example {
  const config: WaveRnnConfig = {
    hidden: 32,
    projection: 16,
    encoding,
    block,
    density: { recurrent: 0.3, output: 0.5 },
    conditioning: { channels: 8, kernel: 3, residualBlocks: 1 },
  };
  const q = classes(encoding);
  const sparse = sparseNames.map((name) => randomMatrix(...shapeOf(name, config), block, 0.4));
  const dense = denseNames.map((name) => normal(shapeOf(name, config)[0] * shapeOf(name, config)[1], 0.3));
  const [steps, hop, phase] = [21, 8, 3];
  const codes = Uint16Array.from({ length: lanes * (steps + 1) }, () => random.below(q * q));
  const heard = Uint16Array.from({ length: lanes * steps }, () => random.below(q * q));
  return {
    name: `${encoding}, blocks ${block.rows}×${block.columns}, ${lanes} lanes${lengths ? ' of their own lengths' : ''}`,
    config,
    network: { hidden: config.hidden, projection: config.projection, classes: q, sparse, dense },
    batch: { lanes, steps, hop, phase, frames: 3, codes, heard, lengths },
    gate: tf.tensor(normal(lanes * 3 * 96, 0.5), [lanes, 3, 96]),
    weights: [...sparse.map(({ values }) => tf.tensor1d(values)), ...dense.map((values) => tf.tensor1d(values))],
  };
}

const examples = [
  example('mulaw10', { rows: 16, columns: 1 }, 3),
  example('mulaw10', { rows: 4, columns: 4 }, 17),
  example('linear16', { rows: 16, columns: 1 }, 17),
  example('linear16', { rows: 4, columns: 4 }, 2, Int32Array.from([21, 6])),
];

type Loss = (gate: Tensor3D, weights: Tensor[]) => Scalar;
const plain =
  ({ network, batch }: Example): Loss =>
  (gate, weights) =>
    sampleRateReference(tf, network, batch, gate, weights);
const operation =
  ({ network, batch }: Example, kernels: Kernels, pool?: GradientPool): Loss =>
  (gate, weights) =>
    sampleRateNll(tf, kernels, [network], batch, gate, weights, pool);

const gradientNames = ['loss', 'gate', ...sparseNames, ...denseNames];

/** Loss, then its gradients with respect to the gate conditioning and all weights. */
function evaluate({ gate, weights }: Example, loss: Loss): Float32Array[] {
  const { value, grads } = tf.valueAndGrads((first: Tensor, ...rest: Tensor[]) => loss(first as Tensor3D, rest))([
    gate,
    ...weights,
  ]);
  grads.forEach((gradient, i) => assert.deepEqual(gradient.shape, [gate, ...weights][i].shape));
  return [value, ...grads].map((tensor) => Float32Array.from(tensor.dataSync()));
}

/** Largest difference, relative to the largest value. */
function difference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / largest;
}

// Float32 sums over 21 steps, in another order.
const tolerance = 5e-6;
const expected = examples.map((each) => evaluate(each, plain(each)));

for (const name of sequenceKernelNames('the operation'))
  test(`loss and all gradients of the operation are those of the plain TensorFlow.js form (${name})`, () => {
    const kernels = chooseKernels({ name, threads: 2 });
    registerFastKernels(tf, kernels);
    examples.forEach((each, i) => {
      const actual = evaluate(each, operation(each, kernels));
      actual.forEach((values, j) => {
        assert.ok(
          expected[i][j].some((value) => value !== 0),
          `${each.name}: ${gradientNames[j]} is all zeros, the test says nothing`,
        );
        const worst = difference(values, expected[i][j]);
        assert.ok(worst < tolerance, `${each.name}: ${gradientNames[j]} differs by ${worst}`);
      });
    });
  });

for (const name of sequenceKernelNames('gradients of the conditioning network'))
  test(`gradients reach the conditioning network's parameters (${name})`, () => {
    const each = examples[1];
    const kernels = chooseKernels({ name, threads: 2 });
    const bins = 6;
    const parameters = conditioningParameters(each.config, bins, 1);
    const tensors = [...parameters.values()].map(({ shape, data }) => tf.tensor(data, shape));
    const frames = each.batch.frames + 2 * contextFrames(each.config);
    const features = tf.tensor3d(normal(each.batch.lanes * frames * bins), [each.batch.lanes, frames, bins]);
    const gradients = (loss: Loss) =>
      tf.grads((...inputs: Tensor[]) => {
        const named = Object.fromEntries([...parameters.keys()].map((key, i) => [key, inputs[i]]));
        return loss(conditioningForward(tf, each.config, named, features), each.weights);
      })(tensors);
    registerFastKernels(tf, reference);
    const right = gradients(plain(each));
    registerFastKernels(tf, kernels);
    gradients(operation(each, kernels)).forEach((gradient, i) => {
      const worst = difference(gradient.dataSync() as Float32Array, right[i].dataSync() as Float32Array);
      assert.ok(worst < tolerance, `${[...parameters.keys()][i]} differs by ${worst}`);
    });
  });

test('gradients of a multiple of the loss are that multiple', () => {
  const each = examples[0];
  const once = evaluate(each, operation(each, chooseKernels()));
  const thrice = evaluate(each, (gate, weights) => tf.mul(operation(each, chooseKernels())(gate, weights), 3));
  once.forEach((values, i) =>
    assert.ok(
      difference(
        thrice[i],
        values.map((value) => 3 * value),
      ) < 1e-6,
      gradientNames[i],
    ),
  );
});

/** Kernels that write down what is asked of them. */
function observed(calls: string[], seen: Float32Array[] = []): Kernels {
  const kernels = chooseKernels();
  return Object.create(kernels, {
    sequenceLoss: {
      value: (...call: Parameters<Kernels['sequenceLoss']>) => (calls.push('loss'), kernels.sequenceLoss(...call)),
    },
    memberGradients: {
      value: (...call: Parameters<Kernels['memberGradients']>) => {
        calls.push('gradients');
        seen.push(
          call[1].gate,
          ...call[0].flatMap(({ sparse, dense }) => [...sparse.map(({ values }) => values), ...dense]),
        );
        return kernels.memberGradients(...call);
      },
    },
  }) as Kernels;
}

test(
  'members get the gradients of the mean over all lanes, each from its own lanes; ' +
    'weights that they share get the sum',
  () => {
    const whole = examples[0];
    const { lanes } = whole.batch;
    const other = {
      ...whole.network,
      sparse: whole.network.sparse.map((matrix) => ({ ...matrix, values: matrix.values.map((value) => -value) })),
    };
    const twice = <T extends Uint16Array | Float32Array | Int32Array>(array: T): T =>
      Reflect.construct(array.constructor, [[...array, ...array]]) as T;
    const { codes, heard, lengths } = whole.batch;
    const batch = {
      ...whole.batch,
      lanes: 2 * lanes,
      codes: twice(codes),
      heard: heard && twice(heard),
      lengths: lengths && twice(lengths),
    };
    const gate = tf.concat3d([whole.gate, whole.gate], 0);
    const sparseWeights = [whole.network, other].map(({ sparse }) => sparse.map(({ values }) => tf.tensor1d(values)));
    const dense = whole.weights.slice(sparseNames.length);
    const nats: number[] = [];
    const { value, grads } = tf.valueAndGrads((g: Tensor, ...rest: Tensor[]) => {
      const [first, second, shared] = [rest.slice(0, 5), rest.slice(5, 10), rest.slice(10)];
      return sampleRateNll(
        tf,
        chooseKernels(),
        [whole.network, other],
        batch,
        g as Tensor3D,
        [...first, ...shared, ...second, ...shared],
        undefined,
        (lane) => nats.push(...lane),
      );
    })([gate, ...sparseWeights[0], ...sparseWeights[1], ...dense]);
    const alone = sparseWeights.map((weights, m) =>
      evaluate(
        { ...whole, network: [whole.network, other][m], weights: [...weights, ...dense] },
        operation({ ...whole, network: [whole.network, other][m] }, chooseKernels()),
      ),
    );
    const near = (actual: Tensor, right: Float32Array) =>
      assert.ok(difference(actual.dataSync() as Float32Array, right) < tolerance);
    near(
      value,
      alone[0][0].map((loss, i) => (loss + alone[1][0][i]) / 2),
    );
    near(
      grads[0],
      Float32Array.of(...alone[0][1], ...alone[1][1]).map((gradient) => gradient / 2),
    );
    for (let i = 0; i < 5; i++)
      for (const m of [0, 1])
        near(
          grads[1 + 5 * m + i],
          alone[m][2 + i].map((gradient) => gradient / 2),
        );
    for (let i = 0; i < 5; i++)
      near(
        grads[11 + i],
        alone[0][7 + i].map((gradient, k) => (gradient + alone[1][7 + i][k]) / 2),
      );
    assert.equal(nats.length, 2 * lanes);
  },
);

test('without a gradient only the loss is computed', () => {
  const each = examples[2];
  const calls: string[] = [];
  const loss = operation(each, observed(calls))(each.gate, each.weights).dataSync();
  assert.deepEqual(calls, ['loss']);
  assert.ok(difference(loss as Float32Array, expected[2][0]) < tolerance);
});

test("one call of the kernels serves loss and gradients, on the tensors' own arrays", () => {
  const each = examples[0];
  const calls: string[] = [];
  const seen: Float32Array[] = [];
  evaluate(each, operation(each, observed(calls, seen)));
  assert.deepEqual(calls, ['gradients']);
  [each.gate, ...each.weights].forEach((tensor, i) => assert.equal(seen[i], tensor.dataSync()));
});

test('the values come from the weights, the structure from the network', () => {
  const each = examples[0];
  const empty = {
    ...each.network,
    sparse: each.network.sparse.map((matrix) => ({ ...matrix, values: new Float32Array(matrix.values.length) })),
  };
  const loss = sampleRateNll(
    tf,
    chooseKernels(),
    [empty],
    each.batch,
    each.gate,
    each.weights,
  ).dataSync() as Float32Array;
  assert.ok(difference(loss, expected[0][0]) < tolerance);
});

test('a pool keeps its arrays from step to step, and makes new ones for other sizes', () => {
  const pool = new GradientPool();
  const gradientArrays = (each: Example) =>
    tf
      .grads((gate: Tensor, ...weights: Tensor[]) => operation(each, chooseKernels(), pool)(gate as Tensor3D, weights))(
        [each.gate, ...each.weights],
      )
      .map((tensor) => tensor.dataSync());
  const first = gradientArrays(examples[0]);
  gradientArrays(examples[0]).forEach((array, i) => assert.equal(array, first[i]));
  const other = gradientArrays(examples[2]);
  assert.deepEqual(
    other.map(({ length }) => length),
    [examples[2].gate, ...examples[2].weights].map(({ size }) => size),
  );
  assert.notEqual(other[0], first[0]);
});

test('a fresh network that knows nothing costs the logarithm of the number of classes', () => {
  const each = examples[2];
  const zeros = each.weights.map((tensor) => tf.zerosLike(tensor));
  for (const loss of [plain(each), operation(each, chooseKernels())]) {
    const [nats] = loss(each.gate, zeros).dataSync();
    assert.ok(Math.abs(nats - 2 * Math.log(256)) < 1e-5, `${nats}`);
  }
});

test('a missing weight and a gate of the wrong size are refused', () => {
  const each = examples[0];
  assert.throws(
    () => operation(each, chooseKernels())(each.gate, each.weights.slice(1)),
    /9 weight tensors, expected 10/,
  );
  const short = tf.zeros<Rank.R3>([3, 2, 96]);
  assert.throws(() => operation(each, chooseKernels())(short, each.weights), { code: 'ERR_ARGUMENT' });
});
