import assert from 'node:assert/strict';
import test from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-core';
import { decoderInTensorFlow, tokensInTensorFlow } from '../../../test/support/acoustic_in_tensorflow.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../backend/backend.js';
import { type AcousticConfig, acousticShapes, prosodyValues, sizeOf } from './config.js';
import { type FrameBatch, MelDecoder } from './decoder.js';
import type { Dropout } from './layers.js';
import { tokenBatch } from './positions.js';
import { type TokenBatch, TokenNetwork } from './token_network.js';

const bins = 7;
const config: AcousticConfig = {
  tokenWidth: 6,
  tokenKernel: 5,
  predictorDilations: [1, 2],
  encoderDilations: [1, 3],
  width: 10,
  kernel: 3,
  decoderDilations: [1, 2, 4],
};
const random = new RandomStream(5, 1);
const normals = (length: number) => Float32Array.from({ length }, () => random.normal());

/** Three clips: one odd, one even, one of a single frame; with tokens that last no time. */
const tokens: TokenBatch = tokenBatch(
  [Uint8Array.of(0, 9, 30, 1, 12, 5), Uint8Array.of(0, 20, 21, 6), Uint8Array.of(44)],
  Uint8Array.of(0, 1, 0),
);
const anyReader: TokenBatch = { ...tokens, readers: undefined };
const durations = Int32Array.of(2, 3, 1, 0, 4, 1, /**/ 1, 2, 3, 4, /**/ 1);
const frames = durations.reduce((a, b) => a + b);
const frameBatch: FrameBatch = {
  durations,
  prosody: normals(durations.length * prosodyValues),
  templates: normals(frames * bins),
};

function weightsFor(prefix: string): Map<string, Float32Array> {
  const names = [...acousticShapes(config, bins)].filter(([name]) => name.startsWith(prefix));
  // Far from where they begin, so that no gradient is zero.
  return new Map(names.map(([name, { shape }]) => [name, normals(sizeOf(shape)).map((value) => 0.5 * value)]));
}
const zerosLike = (arrays: ReadonlyMap<string, Float32Array>) =>
  new Map([...arrays].map(([name, { length }]) => [name, new Float32Array(length)]));
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** What both networks are given to: forwards, and backwards from the gradient of what came out. */
interface Network {
  forward(weights: ReadonlyMap<string, Float32Array>): Float32Array;
  backward(
    weights: ReadonlyMap<string, Float32Array>,
    gradients: ReadonlyMap<string, Float32Array>,
    dy: Float32Array,
  ): void;
}

function networks(threads: number, dropout?: () => Dropout): Record<'durations' | 'decoder.', Network> {
  const kernels = chooseKernels({ threads });
  const durationsNetwork = new TokenNetwork(kernels, 'durations', config, config.predictorDilations, 1);
  const decoder = new MelDecoder(kernels, config, bins);
  return {
    durations: {
      forward: (weights) => durationsNetwork.forward(weights, tokens, { dropout: dropout?.() }),
      backward: (...args) => durationsNetwork.backward(...args),
    },
    'decoder.': {
      forward: (weights) => {
        const shared = dropout?.();
        return decoder.forward(weights, anyReader, frameBatch, { tokenDropout: shared, dropout: shared });
      },
      backward: (...args) => decoder.backward(...args),
    },
  };
}

/** Relative to the largest of the oracle's. */
function near(found: Float32Array, expected: Float32Array, tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, what);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  assert.ok(worst <= tolerance * scale, `${what}: off by ${worst}, the largest is ${scale}`);
}

for (const prefix of ['durations', 'decoder.'] as const) {
  test(`${prefix} agrees with plain TensorFlow.js, forwards and backwards`, async () => {
    const network = networks(2)[prefix];
    const { tf } = await loadTensorFlow(chooseKernels({ name: 'reference' }));
    const weights = weightsFor(prefix);
    const shapes = acousticShapes(config, bins);
    const y = network.forward(weights).slice();
    const dy = normals(y.length);
    const gradients = zerosLike(weights);
    network.backward(weights, gradients, dy);
    const names = [...weights.keys()];
    const tensors = names.map((name) => tf.tensor(weights.get(name)!, [...shapes.get(name)!.shape]));
    const forward = (...all: Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, all[i]]));
      const clips = Array.from({ length: tokens.starts.length - 1 }, (_, clip) =>
        prefix === 'durations'
          ? tokensInTensorFlow(tf, named, 'durations', config.predictorDilations, tokens, clip)
          : decoderInTensorFlow(tf, named, config, bins, anyReader, frameBatch, clip),
      );
      return tf.concat(clips, 0);
    };
    near(y, forward(...tensors).dataSync() as Float32Array, 1e-5, 'forward');
    const oracle = tf.grads((...all: Tensor[]) => tf.sum(tf.mul(tf.reshape(forward(...all), [dy.length]), dy)))(
      tensors,
    );
    names.forEach((name, i) => near(gradients.get(name)!, oracle[i].dataSync() as Float32Array, 2e-4, name));
  });

  test(`${prefix} has the gradients of finite differences, with dropout too`, () => {
    for (const share of [0, 0.25]) {
      const network = networks(1, () => {
        const stream = new RandomStream(3, 2);
        return { share, random: () => stream.uint32() };
      })[prefix];
      const weights = weightsFor(prefix);
      const dy = normals(network.forward(weights).length);
      const gradients = zerosLike(weights);
      network.forward(weights);
      network.backward(weights, gradients, dy);
      for (const [name, array] of weights) {
        const direction = normals(array.length);
        const original = array.slice();
        const valueAt = (step: number) => {
          array.forEach((_, i) => (array[i] = original[i] + step * direction[i]));
          const value = dot(network.forward(weights), dy);
          array.set(original);
          return value;
        };
        // Small enough that hardly a ReLU turns on or off, large enough for float32.
        const step = 1e-3;
        const slope = (valueAt(step) - valueAt(-step)) / (2 * step);
        const expected = dot(gradients.get(name)!, direction);
        assert.ok(
          Math.abs(slope - expected) <= 0.03 * Math.abs(expected) + 0.05,
          `${name}, dropout ${share}: ${slope}, expected ${expected}`,
        );
      }
    }
  });
}

test('results do not depend on the number of threads', () => {
  for (const prefix of ['durations', 'decoder.'] as const) {
    const weights = weightsFor(prefix);
    const results = [1, 2].map((threads) => {
      const network = networks(threads)[prefix];
      const y = network.forward(weights).slice();
      const gradients = zerosLike(weights);
      network.backward(weights, gradients, y);
      return { y, gradients };
    });
    assert.deepEqual(results[0], results[1]);
  }
});
