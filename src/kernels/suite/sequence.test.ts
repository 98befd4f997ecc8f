import assert from 'node:assert/strict';
import test from 'node:test';
import { equations } from '../../../test/support/equations.js';
import { sequenceKernelNames } from '../../../test/support/gpu.js';
import {
  assertClose,
  blockShapes,
  describeCase,
  freshBatch,
  randomBatch,
  randomNetwork,
  sequenceCases,
  tolerances,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels } from '../index.js';

const sum = (array: Iterable<number>) => [...array].reduce((a, b) => a + b, 0);
const reference = chooseKernels({ name: 'reference' });

const cases = sequenceCases.map((size, i) => {
  const stream = new RandomStream(i, 10);
  const network = randomNetwork(stream, size);
  const batch = randomBatch(stream, network, size);
  const expected = freshBatch(batch);
  return { title: describeCase(size), network, batch, expected, loss: reference.sequenceLoss(network, expected) };
});

for (const name of sequenceKernelNames('loss, nats and state of a sequence')) {
  const kernels = chooseKernels({ name, threads: 2 });

  test(`${name}: loss, nats and state follow the equations written over dense matrices`, () => {
    for (const shape of blockShapes) {
      const stream = new RandomStream(shape.rows, 11);
      const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape });
      const batch = randomBatch(stream, network, { lanes: 3, steps: 19, hop: 4, phase: 3, heard: shape.rows > 1 });
      const expected = [0, 1, 2].map((lane) => equations(network, batch, lane));
      const loss = kernels.sequenceLoss(network, batch);
      assertClose(
        'loss',
        loss,
        expected.map(({ nll }) => sum(nll)),
        tolerances.loss,
      );
      assertClose(
        'nll',
        batch.nll,
        expected.flatMap(({ nll }) => nll),
        tolerances.loss,
      );
      assertClose(
        'state',
        batch.state,
        expected.flatMap(({ state }) => state),
        tolerances.state,
      );
    }
  });

  for (const { title, network, batch, expected, loss } of cases)
    if (name !== 'reference')
      test(`${name}: loss as the reference, ${title}`, () => {
        const own = freshBatch(batch);
        assertClose('loss', kernels.sequenceLoss(network, own), loss, tolerances.loss);
        assertClose('nll', own.nll, expected.nll, tolerances.loss);
        assertClose('state', own.state, expected.state, tolerances.state);
      });

  test(`${name}: nats of the samples add up to the loss of their lane, and are 0 past its length`, () => {
    for (const { network, batch } of cases) {
      const own = freshBatch(batch);
      const loss = kernels.sequenceLoss(network, own);
      const lanes = Array.from(loss, (_, lane) => own.nll.subarray(lane * batch.steps, (lane + 1) * batch.steps));
      assertClose('loss', loss, lanes.map(sum), tolerances.loss);
      const lengths = batch.lengths ?? loss.map(() => batch.steps);
      lanes.forEach((nll, lane) =>
        nll.forEach((nats, t) =>
          assert.ok(t < lengths[lane] ? nats > 0 : nats === 0, `lane ${lane}, step ${t}: ${nats}`),
        ),
      );
    }
  });

  test(`${name}: audio past the length of a lane does not count`, () => {
    const stream = new RandomStream(1, 12);
    const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] });
    const batch = randomBatch(stream, network, { lanes: 3, steps: 20, hop: 5, lengths: [20, 7, 0] });
    const loss = kernels.sequenceLoss(network, freshBatch(batch));
    assert.equal(loss[2], 0);
    const codes = batch.codes.slice();
    codes[21 + 8] ^= 1;
    codes[42 + 1] ^= 1;
    assert.deepEqual(kernels.sequenceLoss(network, freshBatch({ ...batch, codes })), loss);
    codes[21 + 7] ^= 1;
    assert.notDeepEqual(kernels.sequenceLoss(network, freshBatch({ ...batch, codes })), loss);
  });

  test(`${name}: without a state the lanes begin with zeros, and nats are optional`, () => {
    const { network, batch } = cases[1];
    const zeros = { ...freshBatch(batch), state: new Float32Array(batch.state.length) };
    const bare = { ...batch, state: undefined, nll: undefined };
    assert.deepEqual(kernels.sequenceLoss(network, bare), kernels.sequenceLoss(network, zeros));
    assert.notDeepEqual(kernels.sequenceLoss(network, bare), kernels.sequenceLoss(network, freshBatch(batch)));
  });

  test(`${name}: a segment in two calls that hand on the state is the segment in one`, () => {
    const stream = new RandomStream(2, 12);
    const network = randomNetwork(stream, { hidden: 64, projection: 16, classes: 32, shape: blockShapes[1] });
    const [lanes, steps, hop, phase] = [5, 29, 6, 4];
    const whole = randomBatch(stream, network, { lanes, steps, hop, phase });
    const piece = (from: number, to: number, state: Float32Array) => {
      const firstFrame = Math.floor((phase + from) / hop);
      const frames = Math.ceil((phase + to) / hop) - firstFrame;
      const size = 3 * network.hidden;
      const cut = <T extends Uint16Array | Float32Array>(
        all: T,
        lane: number,
        stride: number,
        start: number,
        length: number,
      ) => all.slice(lane * stride + start, lane * stride + start + length);
      const indices = [...Array(lanes).keys()];
      return {
        lanes,
        hop,
        frames,
        steps: to - from,
        phase: (phase + from) % hop,
        codes: Uint16Array.from(indices.flatMap((lane) => [...cut(whole.codes, lane, steps + 1, from, to - from + 1)])),
        gate: Float32Array.from(
          indices.flatMap((lane) => [...cut(whole.gate, lane, whole.frames * size, firstFrame * size, frames * size)]),
        ),
        state,
      };
    };
    const state = whole.state.slice();
    const losses = [piece(0, 13, state), piece(13, 29, state)].map((batch) => kernels.sequenceLoss(network, batch));
    const loss = kernels.sequenceLoss(network, whole);
    assertClose(
      'loss',
      losses[0].map((first, lane) => first + losses[1][lane]),
      loss,
      tolerances.loss,
    );
    assertClose('state', state, whole.state, tolerances.state);
  });

  test(`${name}: saturated gates and symbols of vanishing probability give the right finite loss`, () => {
    const stream = new RandomStream(3, 12);
    const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] });
    network.dense[2].forEach((bias, i) => (network.dense[2][i] = 300 * bias));
    const batch = randomBatch(stream, network, { lanes: 2, steps: 12, hop: 4 });
    batch.gate.forEach((gate, i) => (batch.gate[i] = 100 * gate));
    const expected = [0, 1].map((lane) => equations(network, batch, lane));
    const loss = kernels.sequenceLoss(network, batch);
    assert.ok(Math.max(...batch.nll) > 200);
    assertClose(
      'loss',
      loss,
      expected.map(({ nll }) => sum(nll)),
      tolerances.loss,
    );
    assertClose(
      'state',
      batch.state,
      expected.flatMap(({ state }) => state),
      tolerances.state,
    );
  });

  if (name !== 'reference')
    test(`${name}: the loss does not depend on the number of threads, to the bit`, () => {
      const stream = new RandomStream(4, 12);
      const network = randomNetwork(stream, { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0] });
      const batch = randomBatch(stream, network, { lanes: 70, steps: 20, hop: 7 });
      const runs = [1, 2, 3, 5].map((threads) => {
        const own = freshBatch(batch);
        const loss = chooseKernels({ name, threads }).sequenceLoss(network, own);
        return { loss, nll: own.nll, state: own.state };
      });
      for (const run of runs) assert.deepEqual(run, runs[0]);
    });
}
