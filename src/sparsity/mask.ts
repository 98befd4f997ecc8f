import type { BlockMatrix, BlockShape } from '../kernels/interface/blocks.js';
import { markHighest } from './selection.js';

/** Size of a matrix that is cut into blocks. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
  readonly block: BlockShape;
}

/** One byte per block, block row by block row: 1 where the block is kept. */
export type Mask = Uint8Array;

/** Number of blocks of a matrix. */
export function blockCount({ rows, columns, block }: MatrixShape): number {
  return (rows / block.rows) * (columns / block.columns);
}

/** Blocks that a density keeps: the nearest whole number, at least one. */
export function keptBlocks(shape: MatrixShape, density: number): number {
  return Math.max(1, Math.round(blockCount(shape) * density));
}

/**
 * The mask of the `count` highest scores; of equal ones the first. Throws RangeError for scores that are not numbers.
 */
export function highest(scores: Float64Array | Float32Array, count: number): Mask {
  const mask = new Uint8Array(scores.length);
  markHighest(scores, 0, scores.length, count, mask);
  return mask;
}

/** The mask of a packed matrix. */
export function maskOf(matrix: BlockMatrix): Mask {
  const width = matrix.columns / matrix.blockColumns;
  const mask = new Uint8Array((matrix.rows / matrix.blockRows) * width);
  forEachBlock(matrix, (block) => {
    mask[block] = 1;
  });
  return mask;
}

/** Calls `visit` with the index of each stored block in the mask, and its position among the stored ones. */
export function forEachBlock(matrix: BlockMatrix, visit: (block: number, position: number) => void): void {
  const width = matrix.columns / matrix.blockColumns;
  for (let row = 0; row < matrix.rowStart.length - 1; row++) {
    for (let k = matrix.rowStart[row]; k < matrix.rowStart[row + 1]; k++) visit(row * width + matrix.column[k], k);
  }
}

/** An empty packed matrix with the structure of a mask: all values zero. */
export function pack({ rows, columns, block }: MatrixShape, mask: Mask): BlockMatrix {
  const height = rows / block.rows;
  const width = columns / block.columns;
  if (mask.length !== height * width)
    throw new RangeError(`the mask has ${mask.length} blocks, expected ${height * width}`);
  const rowStart = new Int32Array(height + 1);
  for (let row = 0; row < height; row++) {
    let kept = rowStart[row];
    for (let block = row * width; block < (row + 1) * width; block++) kept += mask[block];
    rowStart[row + 1] = kept;
  }
  const column = new Int32Array(rowStart[height]);
  for (let row = 0, k = 0; row < height; row++) {
    for (let c = 0; k < rowStart[row + 1]; c++) if (mask[row * width + c]) column[k++] = c;
  }
  const values = new Float32Array(column.length * block.rows * block.columns);
  return { rows, columns, blockRows: block.rows, blockColumns: block.columns, rowStart, column, values };
}

/**
 * Where the values of each block of `to` stand in `from`: positions of blocks, -1 for a block that `from` does not
 * hold. With it any array that goes beside the values (gradients, Adam's moments) follows a change of the mask.
 */
export function correspondence(from: BlockMatrix, to: BlockMatrix): Int32Array {
  const blocks = (from.rows / from.blockRows) * (from.columns / from.blockColumns);
  const positions = new Int32Array(blocks).fill(-1);
  forEachBlock(from, (block, position) => {
    positions[block] = position;
  });
  const result = new Int32Array(to.column.length);
  forEachBlock(to, (block, position) => {
    result[position] = positions[block];
  });
  return result;
}

/** Moves an array that goes beside the values to another mask; blocks that are new get zeros. */
export function carryOver(array: Float32Array, positions: Int32Array, blockSize: number): Float32Array {
  const moved = new Float32Array(positions.length * blockSize);
  positions.forEach((position, k) => {
    if (position >= 0) moved.set(array.subarray(position * blockSize, (position + 1) * blockSize), k * blockSize);
  });
  return moved;
}

/** A mask as a checkpoint holds it: 32 blocks in each number, the first in the lowest bit. */
export function maskToBits(mask: Mask): Int32Array {
  const bits = new Int32Array(Math.ceil(mask.length / 32));
  for (let i = 0; i < mask.length; i++) bits[i >>> 5] |= mask[i] << (i & 31);
  return bits;
}

/**
 * The mask of `length` blocks from its bits. Throws RangeError when the bits are missing or those of another length.
 */
export function maskFromBits(bits: Int32Array | Float32Array | undefined, length: number): Mask {
  if (bits?.length !== Math.ceil(length / 32))
    throw new RangeError(`the saved mask has up to ${32 * (bits?.length ?? 0)} blocks, expected ${length}`);
  return Uint8Array.from({ length }, (_, i) => (bits[i >>> 5] >>> (i & 31)) & 1);
}
