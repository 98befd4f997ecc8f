import type { BudgetGroup } from './budget.js';
import type { Mask } from './mask.js';
import { markHighest } from './selection.js';

/** Share of a score by which rounding to 32 bits may move it, and more. */
const rounding = 1e-5;

/**
 * The highest of scores that are near to known ones, many times over. Where no score is farther than `reach` from its
 * known value, the threshold of a group is not farther than that from the known one, so that only blocks whose known
 * scores are within twice the reach of it can be in one mask and not in another: the others are decided once.
 */
export class NearbySelection {
  /** Blocks that are in every mask. */
  private readonly always: Mask;
  /** Per group, the blocks that are in some masks, ascending, and how many of them. */
  private readonly open: { readonly blocks: Int32Array; readonly kept: number }[];

  /** `mask`: the highest of the known `scores` in each group. */
  constructor(scores: Float32Array, mask: Mask, groups: readonly BudgetGroup[], reach: number) {
    this.always = new Uint8Array(mask.length);
    this.open = groups.map(({ start, end, kept }) => {
      let threshold = Infinity;
      for (let block = start; block < end; block++)
        if (mask[block] && scores[block] < threshold) threshold = scores[block];
      const margin = 2 * reach + rounding * (1 + Math.abs(threshold));
      const blocks: number[] = [];
      let decided = 0;
      for (let block = start; block < end; block++) {
        if (scores[block] > threshold + margin) decided += this.always[block] = 1;
        else if (scores[block] >= threshold - margin) blocks.push(block);
      }
      return { blocks: Int32Array.from(blocks), kept: kept - decided };
    });
  }

  /**
   * The mask of the highest scores, of equal ones the first. `scoreOf` is asked where it matters, and rounded to 32
   * bits.
   */
  select(scoreOf: (block: number) => number): Mask {
    const mask = this.always.slice();
    for (const { blocks, kept } of this.open) {
      const scores = new Float32Array(blocks.length);
      for (let i = 0; i < blocks.length; i++) scores[i] = scoreOf(blocks[i]);
      const chosen = new Uint8Array(blocks.length);
      markHighest(scores, 0, blocks.length, kept, chosen);
      for (let i = 0; i < blocks.length; i++) mask[blocks[i]] = chosen[i];
    }
    return mask;
  }
}
