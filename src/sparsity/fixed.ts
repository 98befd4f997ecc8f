import { RandomStream, streams } from '../base/random.js';
import { budgetGroups, type BudgetKind, selectHighest, totalBlocks } from './budget.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import type { Mask } from './mask.js';
import { singleMask } from './single_mask.js';

/** Blocks drawn once, every block equally likely; the mask never changes. */
export function fixedMasks(matrices: readonly MaskedMatrix[], seed: number): MaskChooser {
  return singleMask(matrices, randomMask(matrices, seed, 'layer'), () => undefined);
}

/**
 * The mask of all matrices, end to end, from which a method that searches begins: that of `fixedMasks` with the same
 * seed (but for the counts per gate), so that methods can be compared in pairs. A budget of the whole network begins
 * with the densities of the layers.
 */
export function randomMask(matrices: readonly MaskedMatrix[], seed: number, kind: BudgetKind): Mask {
  const random = new RandomStream(seed, streams.masks);
  const scores = Float64Array.from({ length: totalBlocks(matrices) }, () => random.uint32());
  return selectHighest(scores, budgetGroups(matrices, kind === 'gate' ? 'gate' : 'layer'));
}
