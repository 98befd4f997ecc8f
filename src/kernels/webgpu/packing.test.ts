import assert from 'node:assert/strict';
import test from 'node:test';
import {
  blockShapes,
  dense,
  emptyGradients,
  namedGradients,
  randomBatch,
  randomNetwork,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import type { SampleRateNetwork } from '../interface/kernels.js';
import { firstDense, sizesOf, stripRows } from './layout.js';
import { Packing } from './packing.js';
import { type DeviceLimits, tilingOf } from './plan.js';

const size = { hidden: 64, projection: 32, classes: 32, cues: 4 };
const limits: DeviceLimits = { bufferBytes: 2 ** 27, memoryBytes: 2 ** 33, workgroupBytes: 2 ** 15, invocations: 256 };
const packed = (members: readonly SampleRateNetwork[]) => {
  const sizes = sizesOf(members[0]);
  return new Packing(members, tilingOf(sizes, limits)!);
};
const networks = (shape: (typeof blockShapes)[number], count: number) => {
  const stream = new RandomStream(shape.rows * 10 + shape.columns, 70);
  return Array.from({ length: count }, () => randomNetwork(stream, { ...size, shape }));
};

for (const shape of blockShapes) {
  const title = `blocks ${shape.rows}×${shape.columns}`;

  test(`strips hold each weight of each member once, and zeros elsewhere, ${title}`, () => {
    const members = networks(shape, 2);
    const packing = packed(members);
    const {
      words,
      places: { columns },
    } = packing.structure;
    const weights = packing.weights(members);
    const { layout } = packing;
    members.forEach(({ sparse }, m) =>
      sparse.forEach((matrix, i) => {
        const rows = dense(matrix).map((row) => row.map(() => 0));
        for (let strip = 0; strip < matrix.rows / stripRows; strip++) {
          const at = m * layout.rowStride + layout.rowOffset[i] + strip;
          for (let b = words[at]; b < words[at + 1]; b++)
            for (let r = 0; r < stripRows; r++)
              rows[strip * stripRows + r][words[columns + b]] += weights[b * stripRows + r];
        }
        assert.deepEqual(rows, dense(matrix));
      }),
    );
    if (shape.rows === stripRows)
      assert.equal(
        weights.length,
        members.reduce(
          (sum, { sparse, dense }) =>
            sum + [...sparse.map(({ values }) => values), ...dense].flat().reduce((n, each) => n + each.length, 0),
          0,
        ),
      );
  });

  test(`gradients come back to the places of their weights, ${title}`, () => {
    const members = networks(shape, 2);
    const packing = packed(members);
    const batch = randomBatch(new RandomStream(1, 70), members[0], { lanes: 1, steps: 1, hop: 1 });
    const gradients = members.map((network) => emptyGradients(network, batch));
    packing.unpack(packing.weights(members), gradients);
    members.forEach((network, m) => {
      const weights = namedGradients({
        ...network,
        gate: new Float32Array(0),
        sparse: network.sparse.map(({ values }) => values),
      });
      namedGradients(gradients[m]).forEach(([name, array], i) => {
        if (name === 'gate') return;
        const expected = weights[i][1].slice();
        const inputs = 3 + size.cues;
        if (i === 1 + firstDense)
          for (let row = 0; row < 3 * size.hidden; row++)
            if (row % size.hidden < size.hidden / 2) expected[row * inputs + 2] = 0;
        assert.deepEqual(array, expected, name);
      });
    });
  });
}

test('a packing fits members of its masks, whatever their weights, and no others', () => {
  const members = networks(blockShapes[0], 2);
  const packing = packed(members);
  const reweighed = members.map((network) => ({
    ...network,
    sparse: network.sparse.map((matrix) => ({ ...matrix, values: matrix.values.map((value) => 2 * value) })),
  }));
  assert.ok(packing.fits(reweighed));
  assert.ok(!packing.fits(members.slice(1)));
  assert.ok(!packing.fits([members[1], members[0]]));
  // The arrays may be changed in place.
  const { column, rowStart } = members[1].sparse[3];
  const free = Array.from({ length: size.hidden / 2 }, (_, c) => c).find(
    (c) => !column.subarray(0, rowStart[1]).includes(c),
  )!;
  column[0] = free;
  assert.ok(!packing.fits(members));
});

test('a mask that was changed into one that there cannot be is refused', () => {
  const [network] = networks(blockShapes[0], 1);
  const [{ column, rowStart }] = network.sparse;
  const [first] = column;
  for (const wrong of [-1, size.hidden]) {
    column[0] = wrong;
    assert.throws(() => packed([network]), { code: 'ERR_ARGUMENT', message: /column\[0\] is/ });
  }
  column[0] = first;
  const last = rowStart.length - 1;
  for (const wrong of [rowStart[last] + 1, 0]) {
    const kept = rowStart[last];
    rowStart[last] = wrong;
    assert.throws(() => packed([network]), { code: 'ERR_ARGUMENT', message: /rowStart/ });
    rowStart[last] = kept;
  }
  packed([network]);
});
