import { RandomStream, streams } from '../base/random.js';
import { budgetGroups, type BudgetKind, perMatrix, selectHighest, totalBlocks } from './budget.js';
import type { BlockView, MaskChooser, MaskedMatrix } from './chooser.js';
import { MaskRecord } from './diagnostics.js';
import type { Mask } from './mask.js';

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

/**
 * A chooser without a population: the deployed mask is trained, and a block that comes back starts at zero.
 * @param first the mask before the first step, of all matrices end to end
 * @param next the mask that follows `mask` before `step`, undefined where nothing changes; it has no memory of its own
 */
export function singleMask(
  matrices: readonly MaskedMatrix[],
  first: Mask,
  next: (step: number, mask: Mask, view: BlockView) => Mask | undefined,
): MaskChooser {
  const record = new MaskRecord(matrices, first);
  return {
    members: 1,
    revive: 'zero',
    paired: () => false,
    initial: () => [perMatrix(first, matrices)],
    update(step, view) {
      const mask = next(step, record.deployed, view);
      if (!mask) return undefined;
      record.masks(mask);
      return [perMatrix(mask, matrices)];
    },
    observe: () => undefined,
    deployed: () => perMatrix(record.deployed, matrices),
    save: () => record.save(),
    restore: (saved) => record.restore(saved),
    diagnostics: () => record.take(),
  };
}
