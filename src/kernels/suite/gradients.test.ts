import assert from 'node:assert/strict';
import test from 'node:test';
import { sequenceKernelNames } from '../../../test/support/gpu.js';
import {
  assertClose,
  blockShapes,
  describeCase,
  emptyGradients,
  freshBatch,
  namedGradients,
  randomBatch,
  randomNetwork,
  sequenceCases,
  tolerances,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels } from '../index.js';
import { storingAll } from '../interface/blocks.js';
import { someLanes } from '../reference/sequence.js';

const reference = chooseKernels({ name: 'reference' });
const scale = 0.25;

const cases = sequenceCases.map((size, i) => {
  const stream = new RandomStream(i, 20);
  const network = randomNetwork(stream, size);
  const batch = randomBatch(stream, network, size);
  const gradients = emptyGradients(network, batch);
  const after = freshBatch(batch);
  const loss = reference.sequenceGradients(network, after, scale, gradients);
  return { title: describeCase(size), network, batch, after, gradients, loss };
});

/**
 * Central differences of the reference's loss, which is double throughout, at up to 40 entries of each tensor. The step
 * is exact in float32; its truncation error (order step²) and the rounding of the loss (1e-13 / step) are both near
 * 1e-9.
 */
const differences = blockShapes.map((shape) => {
  const stream = new RandomStream(shape.rows, 21);
  const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape });
  const batch = randomBatch(stream, network, { lanes: 3, steps: 11, hop: 4, phase: 3, lengths: [11, 6, 0] });
  const total = () => scale * reference.sequenceLoss(network, freshBatch(batch)).reduce((a, b) => a + b);
  const tensors = namedGradients({
    gate: batch.gate,
    sparse: network.sparse.map(({ values }) => values),
    dense: network.dense,
  });
  const slopes = tensors.map(([, tensor]) => {
    const stride = Math.ceil(tensor.length / 40);
    const indices = [...Array(Math.ceil(tensor.length / stride)).keys()].map(
      (i) => i * stride + stream.below(Math.min(stride, tensor.length - i * stride)),
    );
    const values = indices.map((i) => {
      const value = tensor[i];
      tensor[i] = value + 2 ** -14;
      const [up, above] = [tensor[i], total()];
      tensor[i] = value - 2 ** -14;
      const [down, below] = [tensor[i], total()];
      tensor[i] = value;
      return (above - below) / (up - down);
    });
    return { indices, values };
  });
  return { shape, network, batch, slopes };
});

for (const name of sequenceKernelNames('gradients of a sequence')) {
  const kernels = chooseKernels({ name, threads: 2 });

  for (const { shape, network, batch, slopes } of differences)
    test(`${name}: gradients of every tensor agree with finite differences, blocks ${shape.rows}×${shape.columns}`, () => {
      const gradients = emptyGradients(network, batch);
      kernels.sequenceGradients(network, freshBatch(batch), scale, gradients);
      namedGradients(gradients).forEach(([tensor, array], i) => {
        assert.ok(
          slopes[i].values.some((slope) => Math.abs(slope) > 1e-3),
          `${tensor} has no slope to speak of`,
        );
        assertClose(
          tensor,
          slopes[i].indices.map((at) => array[at]),
          slopes[i].values,
          tolerances.gradient,
        );
      });
    });

  test(`${name}: members beside each other get what each gets alone, to the bit`, () => {
    const stream = new RandomStream(1, 22);
    const size = {
      hidden: 64,
      projection: 32,
      classes: 32,
      shape: blockShapes[0],
      lanes: 51,
      steps: 20,
      hop: 7,
      phase: 2,
      heard: true,
    };
    const members = [0, 1, 2].map(() => randomNetwork(stream, size));
    assert.notEqual(members[0].sparse[0].values.length, members[1].sparse[0].values.length);
    const batch = freshBatch({
      ...randomBatch(stream, members[0], size),
      lengths: Int32Array.from({ length: 51 }, () => stream.below(21)),
    });
    const parts = members.map((_, m) => freshBatch(someLanes(batch, 17 * m, 17)));
    const gradients = parts.map((part, m) => emptyGradients(members[m], part));
    const loss = kernels.memberGradients(members, batch, scale, gradients);
    parts.forEach((part, m) => {
      const alone = emptyGradients(members[m], part);
      assert.deepEqual(loss.subarray(17 * m, 17 * (m + 1)), kernels.sequenceGradients(members[m], part, scale, alone));
      assert.deepEqual(gradients[m], alone);
      assert.deepEqual(batch.nll.subarray(17 * 20 * m, 17 * 20 * (m + 1)), part.nll);
      assert.deepEqual(batch.state.subarray(17 * 64 * m, 17 * 64 * (m + 1)), part.state);
    });
  });

  for (const { title, network, batch } of cases)
    test(`${name}: gradients of all blocks are those of the same network with its zeros stored, to the bit, ${title}`, () => {
      const full = { ...network, sparse: network.sparse.map(storingAll) };
      const [own, other] = [freshBatch(batch), freshBatch(batch)];
      const [all, expected] = [emptyGradients(full, batch), emptyGradients(full, batch)];
      const loss = kernels.memberGradients([network], own, scale, [all], 'all');
      assert.deepEqual(loss, kernels.sequenceGradients(full, other, scale, expected));
      assert.deepEqual(all, expected);
      assert.deepEqual([own.nll, own.state], [other.nll, other.state]);
      assert.ok(network.sparse.every(({ values }, i) => values.length < all.sparse[i].length));
      // Those of the blocks that are stored are what they are without the others; on a device zeros change the order of sums.
      const same = (tensor: string, actual: Float32Array, wanted: Float32Array) =>
        name === 'webgpu' ? assertClose(tensor, actual, wanted, tolerances.gradient) : assert.deepEqual(actual, wanted);
      const stored = emptyGradients(network, batch);
      kernels.memberGradients([network], freshBatch(batch), scale, [stored], 'stored');
      network.sparse.forEach((matrix, i) => {
        const placed = storingAll({ ...matrix, values: stored.sparse[i] }).values;
        const inside = storingAll({ ...matrix, values: matrix.values.map(() => 1) }).values;
        const kept = all.sparse[i].map((value, at) => (inside[at] ? value : 0));
        same(`sparse[${i}]`, kept, placed);
        assert.ok(all.sparse[i].some((value, at) => inside[at] === 0 && value !== 0));
        same(`dense[${i}]`, all.dense[i], stored.dense[i]);
      });
      same('gate', all.gate, stored.gate);
    });

  for (const { title, network, batch, after, gradients, loss } of cases)
    if (name !== 'reference')
      test(`${name}: gradients as the reference, ${title}`, () => {
        const own = freshBatch(batch);
        const actual = emptyGradients(network, batch);
        assertClose('loss', kernels.sequenceGradients(network, own, scale, actual), loss, tolerances.loss);
        assertClose('nll', own.nll, after.nll, tolerances.loss);
        assertClose('state', own.state, after.state, tolerances.state);
        const expected = namedGradients(gradients);
        namedGradients(actual).forEach(([tensor, array], i) =>
          assertClose(tensor, array, expected[i][1], tolerances.gradient),
        );
      });

  test(`${name}: the pass with gradients has the loss, nats and state of the pass without`, () => {
    for (const { network, batch } of cases) {
      const [with_, without] = [freshBatch(batch), freshBatch(batch)];
      const loss = kernels.sequenceGradients(network, with_, 1, emptyGradients(network, batch));
      assertClose('loss', loss, kernels.sequenceLoss(network, without), tolerances.loss);
      assertClose('nll', with_.nll, without.nll, tolerances.loss);
      assertClose('state', with_.state, without.state, tolerances.state);
    }
  });

  test(`${name}: the input c[t] gives the coarse half of every gate no gradient`, () => {
    const { network, batch } = cases[1];
    const gradients = emptyGradients(network, batch);
    kernels.sequenceGradients(network, freshBatch(batch), scale, gradients);
    const { hidden } = network;
    const thirdColumn = Array.from({ length: 3 * hidden }, (_, row) => gradients.dense[0][3 * row + 2]);
    const isCoarse = (row: number) => row % hidden < hidden / 2;
    assert.ok(thirdColumn.every((value, row) => !isCoarse(row) || value === 0));
    assert.ok(thirdColumn.some((value) => value !== 0));
  });

  test(`${name}: frames past the length of a lane, and empty lanes, get no gradient`, () => {
    const stream = new RandomStream(1, 22);
    const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] });
    const batch = randomBatch(stream, network, { lanes: 3, steps: 20, hop: 5, lengths: [20, 7, 0] });
    const gradients = emptyGradients(network, batch);
    kernels.sequenceGradients(network, freshBatch(batch), scale, gradients);
    const lastFrame = [3, 1, -1];
    for (let at = 0; at < gradients.gate.length; at += 96) {
      const [lane, frame] = [Math.floor(at / 96 / 4), (at / 96) % 4];
      const some = gradients.gate.subarray(at, at + 96).some((value) => value !== 0);
      assert.equal(some, frame <= lastFrame[lane], `lane ${lane}, frame ${frame}`);
    }
  });

  test(`${name}: gradients are those of scale times the loss`, () => {
    const { network, batch } = cases[1];
    const [once, half, none] = [1, 0.5, 0].map((factor) => {
      const gradients = emptyGradients(network, batch);
      kernels.sequenceGradients(network, freshBatch(batch), factor, gradients);
      return namedGradients(gradients);
    });
    once.forEach(([tensor, array], i) => {
      assertClose(
        tensor,
        half[i][1].map((value) => 2 * value),
        array,
        tolerances.gradient,
      );
      assert.ok(
        none[i][1].every((value) => value === 0),
        tensor,
      );
    });
  });

  if (name !== 'reference')
    test(`${name}: gradients do not depend on the number of threads, to the bit`, () => {
      const stream = new RandomStream(2, 22);
      const network = randomNetwork(stream, { hidden: 64, projection: 32, classes: 32, shape: blockShapes[0] });
      const batch = randomBatch(stream, network, { lanes: 70, steps: 23, hop: 7 });
      const runs = [1, 2, 3, 5, 2].map((threads) => {
        const gradients = emptyGradients(network, batch);
        const loss = chooseKernels({ name, threads }).sequenceGradients(network, freshBatch(batch), 1, gradients);
        return { loss, gradients };
      });
      for (const run of runs) assert.deepEqual(run, runs[0]);
    });
}
