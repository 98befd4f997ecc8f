import assert from 'node:assert/strict';
import test from 'node:test';
import {
  assertClose,
  blockShapes,
  dense,
  randomBlockMatrix,
  randomNetwork,
  tolerances,
} from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import {
  chooseKernels,
  inFloat32,
  isFaster,
  kernelNames,
  precisionOf,
  precisionOfMatrix,
  precisions,
  rounded,
  withPrecision,
} from '../index.js';
import { fromBf16, isInt8, toBf16 } from '../interface/precision.js';

const reference = chooseKernels({ name: 'reference' });

/**
 * Blocks per block row that fill groups of four columns, vectors of 64 weights and tables of 128 activations to all
 * degrees.
 */
const matrices = blockShapes.flatMap((shape) =>
  [
    { rows: 96, columns: 48, density: 0.3 },
    { rows: 64, columns: 400, density: 0.2 },
    { rows: 256, columns: 1008, density: 0.05 },
    { rows: 64, columns: 2000, density: 0.004 },
    { rows: 32, columns: 16, density: 1 },
    { rows: 48, columns: 32, density: 0 },
  ].map(({ rows, columns, density }) => {
    const stream = new RandomStream(shape.rows + 100 * shape.columns, rows);
    const blocks = columns / shape.columns;
    const count = () => (density === 1 ? blocks : Math.min(blocks, stream.below(Math.floor(2 * density * blocks) + 1)));
    return {
      title: `blocks ${shape.rows}×${shape.columns}, ${rows}×${columns}, density ${density}`,
      matrix: randomBlockMatrix(stream, rows, columns, shape, count, 0.3),
    };
  }),
);

/** Within ±1, with the ends, zeros, and values half way between two steps of 1/128. */
function activations(length: number): Float32Array {
  const stream = new RandomStream(5, length);
  const special = [1, -1, 0, -0, 127 / 128, 255 / 256, 1 / 256, -1 / 256, 3 / 256, -3 / 256, 0.99999994, -0.99999994];
  return Float32Array.from({ length }, (_, i) =>
    i % 3 === 0 ? special[(i / 3) % special.length] : 2 * stream.uniform() - 1,
  );
}

for (const name of kernelNames()) {
  const kernels = chooseKernels({ name, threads: 1 });
  for (const { title, matrix } of matrices) {
    const x = activations(matrix.columns);
    const product = (stored: Parameters<typeof kernels.samplerProduct>[0], by = kernels) => {
      const y = new Float32Array(matrix.rows).fill(NaN);
      by.samplerProduct(stored, x, y);
      return y;
    };

    test(`${name}: the int8 product is that of the reference to the last bit, ${title}`, () => {
      const stored = rounded(matrix, 'int8');
      assert.deepEqual(product(stored), product(stored, reference));
    });

    test(`${name}: float32 and bf16 products are those of the dense matrix, ${title}`, () => {
      for (const precision of ['float32', 'bf16'] as const) {
        const stored = rounded(matrix, precision);
        const rows = dense(inFloat32({ hidden: 0, projection: 0, classes: 0, dense: [], sparse: [stored] }).sparse[0]);
        assertClose(
          precision,
          product(stored),
          rows.map((row) => row.reduce((sum, w, j) => sum + w * x[j], 0)),
          tolerances.product,
        );
      }
    });
  }

  test(`${name}: sigmoid and tanh are within 4e-7 of the exact ones everywhere`, () => {
    const x = Float32Array.from([
      ...Array.from({ length: 200_001 }, (_, i) => (i - 100_000) / 2500),
      -1e30,
      1e30,
      -100,
      100,
      1e-30,
      -1e-30,
      0,
    ]);
    const { sigmoid, tanh } = kernels.activations(x);
    const worst = (values: Float32Array, exact: (x: number) => number) =>
      values.reduce(
        (most, value, i) => Math.max(most, Number.isNaN(value) ? Infinity : Math.abs(value - exact(x[i]))),
        0,
      );
    const errors = { sigmoid: worst(sigmoid, (v) => 1 / (1 + Math.exp(-v))), tanh: worst(tanh, Math.tanh) };
    assert.ok(errors.sigmoid < 4e-7 && errors.tanh < 4e-7, JSON.stringify(errors));
  });
}

test('the reference computes int8 products from whole numbers', () => {
  const matrix = rounded(
    randomBlockMatrix(new RandomStream(1, 50), 16, 32, blockShapes[0], () => 7),
    'int8',
  );
  assert.ok(isInt8(matrix));
  const x = activations(32);
  const y = new Float32Array(16);
  reference.samplerProduct(matrix, x, y);
  const whole = [...x].map((value) => {
    const [down, up] = [Math.floor(128 * value), Math.ceil(128 * value)];
    const nearest = 128 * value - down < 0.5 || (128 * value - down === 0.5 && down % 2 === 0) ? down : up;
    return Math.min(127, nearest);
  });
  for (let row = 0; row < 16; row++) {
    let sum = 0;
    for (let k = 0; k < 7; k++) sum += matrix.values[16 * k + row] * whole[matrix.column[k]];
    assert.equal(y[row], Math.fround(sum * Math.fround(matrix.scale[row] / 128)));
  }
});

test('int8 weights are within half a step of their row, whose largest is ±127', () => {
  for (const { matrix } of matrices) {
    const stored = rounded(matrix, 'int8');
    assert.ok(isInt8(stored));
    const [before, after] = [
      matrix,
      inFloat32({ hidden: 0, projection: 0, classes: 0, dense: [], sparse: [stored] }).sparse[0],
    ].map(dense);
    before.forEach((row, i) => {
      const largest = Math.max(...row.map(Math.abs));
      assertClose(`scale ${i}`, [stored.scale[i] * 127], [largest], 1e-6);
      row.forEach((w, j) =>
        assert.ok(Math.abs(w - after[i][j]) <= 0.5001 * stored.scale[i], `${w} became ${after[i][j]}`),
      );
    });
    assert.ok(stored.values.every((w) => w >= -127));
  }
});

test('bf16 rounds to the nearest, ties to even', () => {
  const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 2 ** -7, 3e38, 0, -0);
  assert.deepEqual(
    [...fromBf16(toBf16(values))],
    [1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -1 - 2 ** -7, fromBf16(Uint16Array.of(0x7f62))[0], 0, -0],
  );
});

test('a network in each precision, and what its matrices are', () => {
  const network = randomNetwork(new RandomStream(1, 51), {
    hidden: 32,
    projection: 16,
    classes: 32,
    shape: blockShapes[0],
  });
  for (const precision of precisions) {
    const stored = withPrecision(network, precision);
    assert.equal(precisionOf(stored), precision);
    const logits = precision === 'int8' ? 'bf16' : precision;
    assert.deepEqual(stored.sparse.map(precisionOfMatrix), [precision, precision, logits, precision, logits]);
    assert.deepEqual(
      withPrecision(inFloat32(stored), precision).sparse.map(({ values }) => values),
      stored.sparse.map(({ values }) => values),
    );
  }
});

test('a precision is called faster only on kernels that gain by it', () => {
  const faster = (precision: (typeof precisions)[number]) =>
    (['reference', 'generic', 'wasm', 'avx2', 'avx512vnni'] as const).filter((name) => isFaster(precision, name));
  assert.deepEqual(precisions.map(faster), [[], ['avx512vnni'], ['wasm', 'avx2', 'avx512vnni']]);
});
