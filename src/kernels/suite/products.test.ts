import assert from 'node:assert/strict';
import test from 'node:test';
import {
  assertClose,
  blockShapes,
  dense,
  entries,
  normals,
  randomBlockMatrix,
  tolerances,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames, LANES } from '../index.js';
import type { BlockMatrix } from '../interface/blocks.js';

const stream = new RandomStream(1, 0);

/**
 * Blocks of block row i, of n at most. The first is no multiple of any tile for some row; the product of nothing must
 * be zero.
 */
const patterns: Record<string, (i: number, n: number) => number> = {
  'ragged counts': (i, n) => Math.min(i, n),
  'every second block row empty': (i, n) => (i % 2 === 0 ? 0 : Math.ceil(n / 3)),
  'a single block': (i) => (i === 3 ? 1 : 0),
  'full rows': (_, n) => n,
  'no blocks': () => 0,
};

const matrices = blockShapes.flatMap((shape) =>
  Object.entries(patterns).map(([pattern, count]): [string, BlockMatrix] => {
    const rows = 19 * shape.rows;
    const columns = 17 * shape.columns;
    return [
      `blocks ${shape.rows}×${shape.columns}, ${pattern}`,
      randomBlockMatrix(stream, rows, columns, shape, (i) => count(i, 17)),
    ];
  }),
);

/** An array that does not begin at a multiple of a register, as a slice of a larger one may not. */
function misaligned(values: Float32Array): Float32Array {
  const view = new Float32Array(new ArrayBuffer(values.byteLength + 4), 4, values.length);
  view.set(values);
  return view;
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });

  for (const [title, matrix] of matrices) {
    const rows = dense(matrix);

    test(`${name}: product, ${title}`, () => {
      const x = misaligned(normals(stream, matrix.columns * LANES));
      const y = new Float32Array(matrix.rows * LANES).fill(NaN);
      kernels.product(matrix, x, y);
      const expected = rows.flatMap((row) =>
        Array.from({ length: LANES }, (_, lane) =>
          row.reduce((sum, weight, j) => sum + weight * x[j * LANES + lane], 0),
        ),
      );
      assertClose('y', y, expected, tolerances.product);
    });

    test(`${name}: transposed product adds to dx, ${title}`, () => {
      const dy = misaligned(normals(stream, matrix.rows * LANES));
      const dx = normals(stream, matrix.columns * LANES);
      const expected = Float64Array.from(dx, (value, at) => {
        const lane = at % LANES;
        return rows.reduce((sum, row, i) => sum + row[(at - lane) / LANES] * dy[i * LANES + lane], value);
      });
      kernels.productTransposed(matrix, dy, dx);
      assertClose('dx', dx, expected, tolerances.product);
    });

    test(`${name}: gradient of the weights adds to dw, ${title}`, () => {
      for (const steps of [1, 5]) {
        const dy = misaligned(normals(stream, steps * matrix.rows * LANES));
        const x = misaligned(normals(stream, steps * matrix.columns * LANES));
        const dw = normals(stream, matrix.values.length);
        const expected = Float64Array.from(dw);
        [...entries(matrix)].forEach(([row, column], index) => {
          for (let t = 0; t < steps; t++)
            for (let lane = 0; lane < LANES; lane++)
              expected[index] +=
                dy[(t * matrix.rows + row) * LANES + lane] * x[(t * matrix.columns + column) * LANES + lane];
        });
        kernels.productWeights(matrix, dy, x, steps, dw);
        assertClose('dw', dw, expected, tolerances.product);
      }
    });
  }

  test(`${name}: the lanes of a product do not mix`, () => {
    const [, matrix] = matrices[0];
    const x = new Float32Array(matrix.columns * LANES);
    for (let j = 0; j < matrix.columns; j++) x[j * LANES + 5] = 1;
    const y = new Float32Array(matrix.rows * LANES);
    kernels.product(matrix, x, y);
    assert.ok(y.some((value) => value !== 0));
    assert.ok(y.every((value, at) => at % LANES === 5 || value === 0));
  });
}
