import type { BlockMatrix } from './blocks.js';

// Products of one vector with a block-sparse matrix, in double. All three walk the stored weights in the same order: block row,
// block, column of the block, row of the column, which is the order of `values`.

/** y [rows] = M x [columns]. */
export function multiply({ rows, blockRows, blockColumns, rowStart, column, values }: BlockMatrix, x: Float64Array, y: Float64Array): void {
  y.fill(0);
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const input = x[column[k] * blockColumns + c];
        const w = (k * blockColumns + c) * blockRows;
        for (let r = 0; r < blockRows; r++) y[i * blockRows + r] += values[w + r] * input;
      }
}

/** dx [columns] += Mᵀ dy [rows]. */
export function addTransposed({ rows, blockRows, blockColumns, rowStart, column, values }: BlockMatrix, dy: Float64Array, dx: Float64Array): void {
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const w = (k * blockColumns + c) * blockRows;
        let sum = 0;
        for (let r = 0; r < blockRows; r++) sum += values[w + r] * dy[i * blockRows + r];
        dx[column[k] * blockColumns + c] += sum;
      }
}

/** dw += dy xᵀ at the stored blocks; dw in the order of `values`. */
export function addWeights({ rows, blockRows, blockColumns, rowStart, column }: BlockMatrix, dy: Float64Array, x: Float64Array, dw: Float64Array): void {
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      for (let c = 0; c < blockColumns; c++) {
        const input = x[column[k] * blockColumns + c];
        const w = (k * blockColumns + c) * blockRows;
        for (let r = 0; r < blockRows; r++) dw[w + r] += dy[i * blockRows + r] * input;
      }
}
