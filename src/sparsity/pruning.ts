import type { BlockMatrix } from '../kernels/blocks.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { blockCount, forEachBlock, highest, keptBlocks } from './mask.js';

/** When pruning happens, in steps. */
export interface PruningSchedule {
  readonly start: number;
  readonly end: number;
  readonly every: number;
}

/**
 * Density after `step` steps: 1 up to `start`, the target from `end` on, between them
 * target + (1 - target)·(1 - progress)³ (Zhu and Gupta 2017, arXiv 1710.01878, eq. 1, written for densities).
 */
export function cubicDensity(step: number, target: number, { start, end }: PruningSchedule): number {
  if (step < start) return 1;
  const progress = end > start ? Math.min(1, (step - start) / (end - start)) : 1;
  return target + (1 - target) * (1 - progress) ** 3;
}

/** Dense at first; the blocks with the least sum of magnitudes go, as in Kalchbrenner et al. 2018, section 3. A block that went stays away. */
export function cubicPruning(matrices: readonly MaskedMatrix[], schedule: PruningSchedule): MaskChooser {
  return {
    initial: () => matrices.map((matrix) => new Uint8Array(blockCount(matrix)).fill(1)),
    update(step, weights) {
      const { start, end, every } = schedule;
      const due = step >= start && step <= end && ((step - start) % every === 0 || step === end);
      if (!due) return undefined;
      return matrices.map((matrix, i) => highest(magnitudes(weights[i]), keptBlocks(matrix, cubicDensity(step, matrix.density, schedule))));
    },
  };
}

/** Sum of |w| of each block of the mask; -1 for blocks that are not stored. */
export function magnitudes(matrix: BlockMatrix): Float64Array {
  const size = matrix.blockRows * matrix.blockColumns;
  const sums = new Float64Array((matrix.rows * matrix.columns) / size).fill(-1);
  forEachBlock(matrix, (block, position) => {
    let sum = 0;
    for (let i = position * size; i < (position + 1) * size; i++) sum += Math.abs(matrix.values[i]);
    sums[block] = sum;
  });
  return sums;
}
