import type { BlockMatrix, BlockStructure, Int8Matrix, StoredMatrix } from '../interface/blocks.js';
import { isInt8, matrixInFloat32 } from '../interface/precision.js';

// Products of one vector with a block-sparse matrix, in double. All three walk the stored weights in the same order:
// block row, block, column of the block, row of the column, which is the order of `values`.

/** y [rows] = M x [columns]. */
export function multiply(
  { rows, blockRows, blockColumns, rowStart, column, values }: BlockMatrix,
  x: Float64Array,
  y: Float64Array,
): void {
  y.fill(0);
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const input = x[column[k] * blockColumns + c];
        const w = (k * blockColumns + c) * blockRows;
        for (let r = 0; r < blockRows; r++) y[i * blockRows + r] += values[w + r] * input;
      }
}

/** The same with weights of any precision. */
export function multiplyStored(matrix: StoredMatrix, x: Float64Array, y: Float64Array): void {
  if (isInt8(matrix)) multiplyIntegers(matrix, x, y);
  else multiply(matrixInFloat32(matrix), x, y);
}

/**
 * x, within ±1, is rounded to 1/128; the sums are exact, and rounded twice: to float32, and again after the
 * multiplication with the row's scale.
 */
function multiplyIntegers(matrix: Int8Matrix, x: Float64Array, y: Float64Array): void {
  multiply({ ...matrix, values: Float32Array.from(matrix.values) }, x.map(toActivation), y);
  for (let row = 0; row < y.length; row++)
    y[row] = Math.fround(Math.fround(y[row]) * Math.fround(matrix.scale[row] / 128));
}

/** 128 x to the nearest whole number, ties to even, at most 127. */
function toActivation(x: number): number {
  const scaled = Math.min(127, 128 * x);
  const floor = Math.floor(scaled);
  const odd = scaled - floor === 0.5 ? Math.abs(floor % 2) : Number(scaled - floor > 0.5);
  return floor + odd;
}

/** dx [columns] += Mᵀ dy [rows]. */
export function addTransposed(
  { rows, blockRows, blockColumns, rowStart, column, values }: BlockMatrix,
  dy: Float64Array,
  dx: Float64Array,
): void {
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const w = (k * blockColumns + c) * blockRows;
        let sum = 0;
        for (let r = 0; r < blockRows; r++) sum += values[w + r] * dy[i * blockRows + r];
        dx[column[k] * blockColumns + c] += sum;
      }
}

/** dw += dy xᵀ at these blocks; dw in their order. */
export function addWeights(
  { rows, blockRows, blockColumns, rowStart, column }: BlockStructure,
  dy: Float64Array,
  x: Float64Array,
  dw: Float64Array,
): void {
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const input = x[column[k] * blockColumns + c];
        const w = (k * blockColumns + c) * blockRows;
        for (let r = 0; r < blockRows; r++) dw[w + r] += dy[i * blockRows + r] * input;
      }
}
