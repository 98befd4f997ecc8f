import assert from 'node:assert/strict';
import test from 'node:test';
import { assertClose, normals, tolerances } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels, kernelNames } from '../index.js';

const stream = new RandomStream(2, 0);

/** [m, n, k]: single elements, sizes around tiles and panels, and nothing to sum. */
const sizes = [
  [1, 1, 1],
  [7, 5, 3],
  [6, 32, 256],
  [97, 33, 257],
  [13, 65, 520],
  [200, 15, 16],
  [3, 4, 0],
];

for (const name of kernelNames()) {
  for (const transposeA of [false, true])
    for (const transposeB of [false, true])
      test(`${name}: c = ${transposeA ? 'aᵀ' : 'a'}·${transposeB ? 'bᵀ' : 'b'}`, () => {
        const kernels = chooseKernels({ name, threads: 2 });
        for (const [m, n, k] of sizes) {
          const a = normals(stream, m * k);
          const b = normals(stream, k * n);
          const c = new Float32Array(m * n).fill(NaN);
          const expected = Float64Array.from(c, (_, at) => {
            const [i, j] = [Math.floor(at / n), at % n];
            let sum = 0;
            for (let l = 0; l < k; l++)
              sum += (transposeA ? a[l * m + i] : a[i * k + l]) * (transposeB ? b[j * k + l] : b[l * n + j]);
            return sum;
          });
          kernels.matMul(transposeA, transposeB, m, n, k, a, b, c);
          assertClose(`c of ${m}×${n}×${k}`, c, expected, tolerances.product);
        }
      });

  if (name !== 'reference')
    test(`${name}: a matrix product does not depend on the number of threads, to the bit`, () => {
      const [m, n, k] = [500, 40, 300];
      const a = normals(stream, m * k);
      const b = normals(stream, k * n);
      const products = [1, 2, 3, 5].map((threads) => {
        const c = new Float32Array(m * n);
        chooseKernels({ name, threads }).matMul(false, false, m, n, k, a, b, c);
        return c;
      });
      for (const c of products) assert.deepEqual(c, products[0]);
    });
}
