import assert from 'node:assert/strict';
import test from 'node:test';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { skipWithoutGpu } from '../../../test/support/gpu.js';
import {
  assertClose,
  blockShapes,
  normals,
  randomBatch,
  randomNetwork,
  tolerances,
  withoutGate,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { conditioningForward, conditioningParameters, contextFrames } from '../../model/wavernn/conditioning.js';
import type { WaveRnnConfig } from '../../model/wavernn/config.js';
import { GradientPool, sampleRateNll } from '../../model/wavernn/sample_rate_op.js';
import { chooseKernels, type Kernels } from '../index.js';
import { guarded } from '../interface/guard.js';
import { ReferenceKernels } from '../reference/reference.js';
import { Gpu } from './gpu.js';
import { webgpuKernels } from './webgpu_kernels.js';

const skip = skipWithoutGpu();
const size = { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0], cues: 4 };
const bins = 20;

const tolerance = tolerances.gradient;

interface Case {
  readonly vectors: number;
  readonly residualBlocks: number;
  readonly kernel?: number;
  readonly members?: number;
  readonly lanes?: number;
  readonly steps?: number;
}

/** Members, a frame-rate network and a batch, whose first sample is neither at the beginning of a frame nor of a vector. */
function example({ vectors, residualBlocks, kernel = 3, members = 2, lanes = 38, steps = 70 }: Case) {
  const stream = new RandomStream(vectors + residualBlocks, 72);
  const [hop, phase] = [16, 13];
  const vectorHop = hop / vectors;
  const config: WaveRnnConfig = {
    hidden: size.hidden,
    projection: size.projection,
    encoding: 'lpc10',
    hears: 'signal',
    block: size.shape,
    density: { recurrent: 0.3, output: 0.5 },
    conditioning: { channels: 24, kernel, residualBlocks, vectors },
  };
  const networks = Array.from({ length: members }, () => randomNetwork(stream, size));
  const shape = { lanes, steps, hop: vectorHop, phase: phase % vectorHop, heard: true };
  const sequence = withoutGate(randomBatch(stream, networks[0], shape));
  const rows = Math.ceil((phase + steps) / hop) + 2 * contextFrames(config);
  const parameters = conditioningParameters(config, bins, 1);
  // Biases begin with zeros, which would hide a fault.
  for (const { data } of parameters.values()) data.forEach((value, i) => (data[i] = value + 0.1 * stream.normal()));
  const lengths = Int32Array.from({ length: lanes }, () => stream.below(steps + 1));
  return {
    config,
    networks,
    parameters,
    network: {
      bins,
      channels: 24,
      kernel,
      residualBlocks,
      vectors,
      tensors: [...parameters.values()].map(({ data }) => data),
    },
    batch: {
      ...sequence,
      lengths,
      features: normals(stream, lanes * rows * bins),
      rows,
      first: Math.floor(phase / vectorHop),
    },
    scale: 1 / lengths.reduce((sum, length) => sum + length, 0),
  };
}

type Example = ReturnType<typeof example>;

/** Names and arrays of all that a call gives. */
function evaluate(kernels: Kernels, { networks, network, batch, scale }: Example): [string, ArrayLike<number>][] {
  const like = ({ length }: { readonly length: number }) => new Float32Array(length).fill(NaN);
  const gradients = {
    members: networks.map(({ sparse, dense }) => ({
      sparse: sparse.map(({ values }) => like(values)),
      dense: dense.map(like),
    })),
    conditioning: network.tensors.map(like),
  };
  assert.ok(kernels.vocoderGradients);
  const nll = like(batch.nll);
  const nats = kernels.vocoderGradients(networks, network, { ...batch, nll }, scale, gradients);
  // The sums do not depend on whether anyone wants the nats of each sample.
  assert.deepEqual(kernels.vocoderGradients(networks, network, { ...batch, nll: undefined }, scale, gradients), nats);
  return [
    ['nats', nats],
    ['nll', nll],
    ...gradients.members.flatMap(({ sparse, dense }, m) =>
      [...sparse, ...dense].map((array, i): [string, Float32Array] => [`members[${m}], array ${i}`, array]),
    ),
    ...gradients.conditioning.map((array, i): [string, Float32Array] => [`conditioning[${i}]`, array]),
  ];
}

/** The same by TensorFlow.js and the reference. */
async function expectedOf({ config, networks, parameters, batch }: Example): Promise<[string, ArrayLike<number>][]> {
  const reference = chooseKernels({ name: 'reference' });
  const { tf } = await loadTensorFlow(reference);
  const { features, rows, first, ...sequence } = batch;
  const pool = new GradientPool();
  const names = [...parameters.keys()];
  let nats = new Float64Array(0);
  const loss = (...tensors: Tensor[]) => {
    const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
    const input: Tensor3D = tf.tensor3d(features, [batch.lanes, rows, bins]);
    const gate = conditioningForward(tf, config, named, input, { first, count: batch.frames });
    const weights = networks.flatMap(({ sparse, dense }) =>
      [...sparse.map(({ values }) => values), ...dense].map((values) => tf.tensor1d(values)),
    );
    return sampleRateNll(tf, reference, networks, sequence, gate, weights, pool, (lanes) => (nats = lanes.slice()));
  };
  const { grads } = tf.valueAndGrads(loss)([...parameters.values()].map(({ shape, data }) => tf.tensor(data, shape)));
  const perMember = (pool.arrays.length - 1) / networks.length;
  return [
    ['nats', nats],
    ['nll', sequence.nll],
    ...pool.arrays
      .slice(1)
      .map((array, i): [string, Float32Array] => [
        `members[${Math.floor(i / perMember)}], array ${i % perMember}`,
        array,
      ]),
    ...grads.map((gradient, i): [string, Float32Array] => [`conditioning[${i}]`, gradient.dataSync() as Float32Array]),
  ];
}

const cases: readonly Case[] = [
  { vectors: 1, residualBlocks: 2 },
  { vectors: 4, residualBlocks: 0, kernel: 5, members: 1, lanes: 5 },
  { vectors: 4, residualBlocks: 2, lanes: 70 },
];

for (const given of cases)
  test(
    `webgpu: gradients through the frame-rate network are those of TensorFlow.js, ${given.vectors} vectors per frame, ` +
      `${given.residualBlocks} residual blocks`,
    { skip },
    async () => {
      const work = example(given);
      const actual = evaluate(chooseKernels({ name: 'webgpu', threads: 1 }), work);
      const expected = await expectedOf(work);
      assert.deepEqual(
        actual.map(([name]) => name),
        expected.map(([name]) => name),
      );
      actual.forEach(([name, array], i) => assertClose(name, array, expected[i][1], tolerance));
    },
  );

test('webgpu: the frame-rate network has the same bits on every run, in one piece or in many', { skip }, () => {
  const given = example({ vectors: 4, residualBlocks: 1, lanes: 76, steps: 140 });
  const kernels = chooseKernels({ name: 'webgpu', threads: 1 });
  const whole = evaluate(kernels, given);
  assert.deepEqual(evaluate(kernels, given), whole);
  const within = (bufferBytes: number, work: Example) => {
    const small = new Gpu({ bufferBytes, memoryBytes: 400_000 });
    try {
      return evaluate(guarded(webgpuKernels(small, new ReferenceKernels())), work);
    } finally {
      small.close();
    }
  };
  within(2 ** 21, given).forEach(([name, array], i) => assert.deepEqual(array, whole[i][1], name));
  // Where not even the gate conditioning fits, members come one after the other, and halves of the lanes.
  within(2 ** 20, given).forEach(([name, array], i) => assertClose(name, array, whole[i][1], tolerance));
  const alone = example({ vectors: 4, residualBlocks: 1, lanes: 45, steps: 40, members: 1 });
  const together = evaluate(kernels, alone);
  within(2 ** 17, alone).forEach(([name, array], i) => assertClose(name, array, together[i][1], tolerance));
});
