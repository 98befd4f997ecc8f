import assert from 'node:assert/strict';
import test from 'node:test';
import {
  blockShapes,
  emptyGradients,
  normals,
  randomBatch,
  randomBlockMatrix,
  randomNetwork,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames, type Kernels, precisions, withPrecision } from '../index.js';
import { checkedKernels } from './checked.js';

const reference = chooseKernels({ name: 'reference' });
const stream = new RandomStream(1, 60);
const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] });
const batch = randomBatch(stream, network, { lanes: 3, steps: 12, hop: 5 });
const gate = normals(stream, 3 * 96);

async function useAll(kernels: Kernels): Promise<void> {
  const matrix = randomBlockMatrix(stream, 32, 16, blockShapes[0], () => 5);
  kernels.product(matrix, normals(stream, 16 * 16), new Float32Array(32 * 16));
  kernels.matMul(false, false, 2, 3, 4, normals(stream, 8), normals(stream, 12), new Float32Array(6));
  kernels.sequenceGradients(network, batch, 1, emptyGradients(network, batch));
  for (const precision of precisions) {
    const sampler = kernels.createSampler(withPrecision(network, precision), { seed: 1, temperature: 1, firstCode: 0 });
    const codes = await sampler.run(gate.subarray(0, 192), 2, 20);
    sampler.forced(gate.subarray(192), 1, 40, codes);
  }
}

for (const name of kernelNames())
  test(`${name}: agrees with the reference as it runs`, () =>
    useAll(checkedKernels(chooseKernels({ name, threads: 1 }), reference)));

test('what differs is told by kernel, operation and place', async () => {
  const wrong = Object.assign(Object.create(reference) as Kernels, {
    product: (matrix: Parameters<Kernels['product']>[0], x: Float32Array, y: Float32Array) => {
      reference.product(matrix, x, y);
      y[7] += 1;
    },
    createSampler: (
      net: Parameters<Kernels['createSampler']>[0],
      settings: Parameters<Kernels['createSampler']>[1],
    ) => {
      const sampler = reference.createSampler(net, settings);
      return {
        ...sampler,
        forced: () => new Float32Array(40 * 64),
        run: async (some: Float32Array, frames: number, hop: number) =>
          (await sampler.run(some, frames, hop)).map((code, t) => (t === 9 ? code ^ 512 : code)),
      };
    },
  });
  const kernels = checkedKernels(wrong, reference);
  const matrix = randomBlockMatrix(stream, 32, 16, blockShapes[0], () => 5);
  assert.throws(
    () => kernels.product(matrix, normals(stream, 16 * 16), new Float32Array(32 * 16)),
    /reference: product\.3\[7\] is .*, the reference has/,
  );
  const sampler = () => kernels.createSampler(network, { seed: 1, temperature: 1, firstCode: 0 });
  await assert.rejects(async () => sampler().run(gate, 3, 10), /reference: sample 9: \d+ was drawn for/);
  assert.throws(
    () => sampler().forced(gate.subarray(0, 96), 1, 40, new Uint16Array(40)),
    /probability 0 of sample 0 is 0, the reference has/,
  );
});

test('TTS_CHECK_KERNELS=1 makes chooseKernels check', () => {
  const before = process.env.TTS_CHECK_KERNELS;
  process.env.TTS_CHECK_KERNELS = '1';
  try {
    const kernels = chooseKernels({ threads: 1 });
    assert.equal(kernels.name, kernelNames()[0]);
    if (kernels.name !== 'reference')
      assert.equal(kernels.createSampler(network, { seed: 1, temperature: 1, firstCode: 0 }).timed, undefined);
  } finally {
    if (before === undefined) delete process.env.TTS_CHECK_KERNELS;
    else process.env.TTS_CHECK_KERNELS = before;
  }
});
