import assert from 'node:assert/strict';
import test from 'node:test';
import { skipWithoutGpu } from '../../../test/support/gpu.js';
import {
  assertClose,
  blockShapes,
  emptyGradients,
  freshBatch,
  namedGradients,
  randomBatch,
  randomNetwork,
  tolerances,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, findGpu, kernelNames } from '../index.js';
import { guarded } from '../interface/guard.js';
import { ReferenceKernels } from '../reference/reference.js';
import { Gpu } from './gpu.js';
import { webgpuKernels } from './webgpu_kernels.js';

const skip = skipWithoutGpu();
const size = { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0], cues: 4 };
const shape = { lanes: 76, steps: 140, hop: 16, phase: 5, heard: true };

const stream = new RandomStream(1, 71);
const members = [0, 1].map(() => randomNetwork(stream, size));
const batch = {
  ...randomBatch(stream, members[0], shape),
  lengths: Int32Array.from({ length: shape.lanes }, () => stream.below(shape.steps + 1)),
};

/** Everything that a call with gradients gives, and one without. */
function evaluate(kernels: ReturnType<typeof webgpuKernels>) {
  const own = freshBatch(batch);
  const gradients = members.map((network) =>
    emptyGradients(network, { ...batch, gate: batch.gate.subarray(0, batch.gate.length / 2) }),
  );
  const loss = kernels.memberGradients(members, own, 0.25, gradients);
  const alone = freshBatch(batch);
  const without = kernels.sequenceLoss(members[0], alone);
  return { loss, nll: own.nll, state: own.state, gradients, without, nllAlone: alone.nll, stateAlone: alone.state };
}

test('webgpu: the same bits on every run, in one piece or in many', { skip }, () => {
  const kernels = chooseKernels({ name: 'webgpu', threads: 1 });
  const whole = evaluate(kernels);
  assert.deepEqual(evaluate(kernels), whole);
  // Six of ten tiles at a time, and five of 140 steps.
  const small = new Gpu({ bufferBytes: 2 ** 20, memoryBytes: 400_000 });
  try {
    assert.deepEqual(evaluate(guarded(webgpuKernels(small, new ReferenceKernels()))), whole);
  } finally {
    small.close();
  }
});

test(
  'webgpu: a network whose units do not fill all rounds of threads has the gradients of the reference',
  { skip },
  () => {
    const large = { hidden: 544, projection: 16, classes: 32, shape: blockShapes[0] };
    const own = new RandomStream(2, 71);
    const network = randomNetwork(own, large);
    const few = randomBatch(own, network, { lanes: 5, steps: 3, hop: 2, phase: 1 });
    const [expected, actual] = [new ReferenceKernels(), chooseKernels({ name: 'webgpu', threads: 1 })].map(
      (kernels) => {
        const gradients = emptyGradients(network, few);
        const fresh = freshBatch(few);
        const loss = kernels.sequenceGradients(network, fresh, 0.25, gradients);
        return [...namedGradients(gradients), ['loss', loss] as const, ['state', fresh.state] as const];
      },
    );
    actual.forEach(([name, array], i) => assertClose(name, array, expected[i][1], tolerances.gradient));
  },
);

test('webgpu: a network that does not fit the device is refused', { skip }, () => {
  const small = new Gpu({ bufferBytes: 2 ** 10 });
  try {
    const kernels = webgpuKernels(small, new ReferenceKernels());
    assert.throws(() => kernels.sequenceLoss(members[0], freshBatch(batch)), { code: 'ERR_MEMORY', message: /GPU/ });
  } finally {
    small.close();
  }
});

test('webgpu: a GPU that is lost says so', { skip }, () => {
  const gpu = new Gpu();
  const kernels = webgpuKernels(gpu, new ReferenceKernels());
  const loss = kernels.sequenceLoss(members[0], freshBatch(batch));
  assert.ok(loss.some((nats) => nats > 0));
  gpu.close();
  assert.throws(() => kernels.sequenceLoss(members[0], freshBatch(batch)), {
    code: 'ERR_GPU_LOST',
    message: /GPU is gone/,
  });
  assert.ok(gpu.lost);
});

test(
  'webgpu: what is to be done meanwhile is done once; if it fails, that call fails and the next one is right',
  { skip },
  () => {
    const kernels = chooseKernels({ name: 'webgpu', threads: 1 });
    let calls = 0;
    const loss = kernels.sequenceLoss(members[0], { ...freshBatch(batch), meanwhile: () => void calls++ });
    assert.equal(calls, 1);
    const other = { ...freshBatch(batch), lengths: undefined };
    const failing = () => {
      throw new RangeError('not today');
    };
    assert.throws(() => kernels.sequenceLoss(members[1], { ...other, meanwhile: failing }), { message: 'not today' });
    assert.deepEqual(kernels.sequenceLoss(members[0], freshBatch(batch)), loss);
    const wrong = { ...freshBatch(batch), meanwhile: 'now' as unknown as () => void };
    assert.throws(() => kernels.sequenceLoss(members[0], wrong), { code: 'ERR_ARGUMENT', message: /meanwhile/ });
  },
);

test('webgpu: parts of the work are timed', { skip }, () => {
  const kernels = chooseKernels({ name: 'webgpu', threads: 1 });
  const { parts } = kernels;
  assert.ok(parts);
  const profile = new Float64Array(parts.length);
  const gradients = members.map((network) =>
    emptyGradients(network, { ...batch, gate: batch.gate.subarray(0, batch.gate.length / 2) }),
  );
  kernels.memberGradients(members, { ...freshBatch(batch), profile }, 1, gradients);
  profile.forEach((seconds, i) => {
    // Here the gate conditioning is given.
    if (parts[i].startsWith('conditioning')) assert.equal(seconds, 0);
    else assert.ok(seconds > 0 && seconds < 100, `${parts[i]}: ${seconds} s`);
  });
});

test('webgpu: it is found, and never chosen by itself', { skip }, () => {
  assert.ok('adapter' in findGpu());
  assert.ok(!kernelNames().includes('webgpu'));
  assert.notEqual(chooseKernels().name, 'webgpu');
  const kernels = chooseKernels({ name: 'webgpu', threads: 2 });
  assert.deepEqual([kernels.name, kernels.threads], ['webgpu', 2]);
});
