import type { BlockMatrix } from '../kernels/blocks.js';
import type { Mask, MatrixShape } from './mask.js';

/** A block-sparse matrix whose mask somebody has to choose. */
export interface MaskedMatrix extends MatrixShape {
  readonly name: string;
  /** Share of blocks that are kept in the end. */
  readonly density: number;
}

/** Who decides which blocks are kept. Every decision is a pure function of the seed, the step and the weights, so that training resumes exactly. */
export interface MaskChooser {
  /** Masks before the first step, in the order of the matrices. */
  initial(): Mask[];
  /** New masks for the steps from `step` on, given the present weights; undefined when nothing changes. */
  update(step: number, weights: readonly BlockMatrix[]): Mask[] | undefined;
}
