import assert from 'node:assert/strict';
import test from 'node:test';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames } from '../../kernels/index.js';
import { loadTensorFlow } from '../backend/backend.js';
import { registerFastKernels } from '../backend/fast_kernels.js';
import { conditioningForward, conditioningParameters, contextFrames } from './conditioning.js';
import type { ConditioningConfig, WaveRnnConfig } from './config.js';

const { tf } = await loadTensorFlow(chooseKernels());

const configOf = (conditioning: ConditioningConfig): WaveRnnConfig => ({
  hidden: 64,
  projection: 32,
  encoding: 'linear16',
  density: { recurrent: 0.1, output: 0.2 },
  block: { rows: 16, columns: 1 },
  conditioning,
});
const config = configOf({ channels: 32, kernel: 5, residualBlocks: 2 });
const bins = 20;
type Parameters = ReturnType<typeof conditioningParameters>;

const named = (parameters: Parameters): Record<string, Tensor> =>
  Object.fromEntries([...parameters].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));

const random = new RandomStream(3, 0);
const noise = (lanes: number, frames: number, width = bins): Tensor3D =>
  tf.tensor3d(
    Float32Array.from({ length: lanes * frames * width }, () => random.normal()),
    [lanes, frames, width],
  );

/** With biases that are not zero, as after some training. */
function trained(sizes: WaveRnnConfig): Parameters {
  return new Map(
    [...conditioningParameters(sizes, bins, 1)].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((value) => value + 0.1 * random.normal()) },
    ]),
  );
}

/** The network of one lane, frame by frame and channel by channel. */
function plain(sizes: WaveRnnConfig, parameters: Parameters, features: number[][]): number[][] {
  const convolve = (name: string, x: number[][]) => {
    const { shape, data: kernel } = parameters.get(`${name}.kernel`)!;
    const { data: bias } = parameters.get(`${name}.bias`)!;
    const [frames, inputs, outputs] = shape.length === 3 ? shape : [1, ...shape];
    return Array.from({ length: x.length - frames + 1 }, (_, t) =>
      Array.from({ length: outputs }, (_unused, o) => {
        let sum = bias[o];
        for (let f = 0; f < frames; f++)
          for (let i = 0; i < inputs; i++) sum += kernel[(f * inputs + i) * outputs + o] * x[t + f][i];
        return sum;
      }),
    );
  };
  const relu = (x: number[][]) => x.map((frame) => frame.map((value) => Math.max(0, value)));
  let x = convolve('input', features);
  for (let i = 0; i < sizes.conditioning.residualBlocks; i++) {
    const branch = convolve(`residual${i}.narrow`, relu(convolve(`residual${i}.wide`, relu(x))));
    x = branch.map((frame, t) => frame.map((value, channel) => value + x[t + 1][channel]));
  }
  return convolve('output', relu(x));
}

for (const name of kernelNames())
  test(`the network is what its definition says (${name})`, () => {
    registerFastKernels(tf, chooseKernels({ name, threads: 2 }));
    for (const sizes of [
      config,
      configOf({ channels: 16, kernel: 1, residualBlocks: 0 }),
      configOf({ channels: 24, kernel: 3, residualBlocks: 1 }),
    ]) {
      const parameters = trained(sizes);
      const features = noise(3, 4 + 2 * contextFrames(sizes));
      const gate = conditioningForward(tf, sizes, named(parameters), features);
      assert.deepEqual(gate.shape, [3, 4, 192]);
      const expected = features
        .arraySync()
        .map((lane) => plain(sizes, parameters, lane))
        .flat(2);
      gate
        .dataSync()
        .forEach((value, i) =>
          assert.ok(Math.abs(value - expected[i]) < 2e-5, `${i}: ${value}, expected ${expected[i]}`),
        );
    }
  });

test('context is the sum of what the convolutions see', () => {
  assert.equal(contextFrames(config), 4);
  assert.equal(contextFrames(configOf({ channels: 8, kernel: 1, residualBlocks: 0 })), 0);
  assert.equal(contextFrames(configOf({ channels: 8, kernel: 7, residualBlocks: 3 })), 6);
});

test('a training segment and the whole utterance give the same frames', () => {
  const parameters = named(trained(config));
  const context = contextFrames(config);
  const utterance = noise(1, 30 + 2 * context);
  const whole = conditioningForward(tf, config, parameters, utterance);
  const segment = conditioningForward(
    tf,
    config,
    parameters,
    tf.slice3d(utterance, [0, 11, 0], [1, 5 + 2 * context, bins]),
  );
  const expected = tf.slice3d(whole, [0, 11, 0], [1, 5, 192]).dataSync();
  segment.dataSync().forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5));
});

test('a frame depends on its context to the last frame, and on nothing beyond', () => {
  const parameters = named(trained(config));
  const context = contextFrames(config);
  const features = noise(1, 9 + 2 * context);
  const middle = (input: Tensor3D) =>
    Array.from(tf.slice3d(conditioningForward(tf, config, parameters, input), [0, 4, 0], [1, 1, 192]).dataSync());
  const before = middle(features);
  const changed = (frame: number) =>
    middle(
      tf.tensor3d(
        features.dataSync().map((value, i) => (Math.floor(i / bins) === frame ? value + 1 : value)) as Float32Array,
        features.shape,
      ),
    );
  for (const offset of [-context, context]) assert.notDeepEqual(changed(4 + context + offset), before);
  for (const offset of [-context - 1, context + 1]) assert.deepEqual(changed(4 + context + offset), before);
});

test('a fresh network drives reset gates and candidates with a standard deviation near 0.3', () => {
  for (const [channels, kernel, residualBlocks] of [
    [128, 5, 2],
    [64, 3, 0],
    [64, 5, 4],
  ]) {
    const sizes = configOf({ channels, kernel, residualBlocks });
    const gate = tf.slice(
      conditioningForward(tf, sizes, named(conditioningParameters(sizes, 80, 5)), noise(4, 40, 80)),
      [0, 0, sizes.hidden],
    );
    const { mean, variance } = tf.moments(gate);
    const deviation = Math.sqrt(variance.dataSync()[0]);
    assert.ok(deviation > 0.2 && deviation < 0.4, `${deviation}`);
    assert.ok(Math.abs(mean.dataSync()[0]) < 0.1);
  }
});

test('the seed decides the weights', () => {
  const [one, same, other] = [1, 1, 2].map((seed) => conditioningParameters(config, bins, seed));
  assert.deepEqual(one, same);
  assert.notDeepEqual(one.get('input.kernel'), other.get('input.kernel'));
});

test('a fresh network has update gates for memories from one sample to 512', () => {
  const { hidden } = config;
  const bias = conditioningParameters({ ...config, hidden: 384 }, bins, 1).get('output.bias')!.data;
  const memories = bias.subarray(0, 384).map(Math.exp);
  assert.ok(memories.every((samples) => samples >= 1 && samples <= 512));
  for (const [from, to] of [
    [1, 8],
    [8, 64],
    [64, 512],
  ])
    assert.ok(Math.abs(memories.filter((samples) => samples >= from && samples < to).length - 128) < 40);
  assert.ok(bias.subarray(384).every((value) => value === 0));
  assert.equal(conditioningParameters(config, bins, 1).get('output.bias')!.data.length, 3 * hidden);
});

test('several vectors of a frame lie on the lines between the frames, and gradients go back along them', () => {
  const plain = configOf({ channels: 16, kernel: 3, residualBlocks: 1 });
  const finer = { ...plain, conditioning: { ...plain.conditioning, vectors: 4 } };
  assert.equal(contextFrames(finer), contextFrames(plain) + 1);
  const parameters = named(trained(plain));
  const features = noise(2, 5 + 2 * contextFrames(finer));
  // One frame more on each side than the finer network gives vectors for.
  const frames = conditioningForward(tf, plain, parameters, features).arraySync();
  const vectors = conditioningForward(tf, finer, parameters, features);
  assert.deepEqual(vectors.shape, [2, 20, 192]);
  vectors.arraySync().forEach((lane, l) =>
    lane.forEach((vector, v) => {
      // A frame's own vector stands in its middle; frame 0 of the vectors is frame 1 of `frames`.
      const at = (v + 0.5) / 4 + 0.5;
      const [before, share] = [Math.floor(at), at % 1];
      vector.forEach((value, i) => {
        const expected = (1 - share) * frames[l][before][i] + share * frames[l][before + 1][i];
        assert.ok(Math.abs(value - expected) < 1e-5, `${value}, expected ${expected}`);
      });
    }),
  );
  const part = conditioningForward(tf, finer, parameters, features, { first: 3, count: 9 });
  assert.deepEqual(part.arraySync(), tf.slice3d(vectors, [0, 3, 0], [2, 9, 192]).arraySync());
  // The sum of weighted vectors by the bias of the output: each bias gets the sum of the weights.
  const weights = tf.tensor3d(
    Float32Array.from({ length: 2 * 9 * 192 }, (_, i) => (i % 7) - 2),
    [2, 9, 192],
  );
  const gradient = tf.grad((bias) =>
    tf.sum(
      tf.mul(
        weights,
        conditioningForward(tf, finer, { ...parameters, 'output.bias': bias }, features, { first: 3, count: 9 }),
      ),
    ),
  )(parameters['output.bias']);
  const sums = tf.sum(weights, [0, 1]).dataSync();
  gradient.dataSync().forEach((value, i) => assert.ok(Math.abs(value - sums[i]) < 1e-4, `${value} and ${sums[i]}`));
});
