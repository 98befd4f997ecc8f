import { RandomStream, streams } from '../base/random.js';
import { type BudgetGroup, budgetGroups, type BudgetKind, perMatrix, selectHighest, totalBlocks } from './budget.js';
import type { BlockView, MaskChooser, MaskedMatrix } from './chooser.js';
import { MaskRecord } from './diagnostics.js';
import type { Mask } from './mask.js';

/** Blocks drawn once, every block equally likely, or those of `given`; the mask never changes. */
export function fixedMasks(matrices: readonly MaskedMatrix[], seed: number, given?: Mask): MaskChooser {
  return singleMask(matrices, beginning(matrices, seed, 'layer', given).mask, () => undefined);
}

/** The first mask, of all matrices end to end, and the groups of its budget, each of which keeps what it has there. */
export interface Beginning {
  readonly mask: Mask;
  readonly groups: BudgetGroup[];
}

/**
 * Where a method begins: with a mask drawn from the seed, or with a given one, such as that of a voice. Budgets are
 * counted in the mask, for the search that made a given one may have moved blocks between groups; in a drawn one they
 * are what the densities ask for. Throws RangeError for a given mask of another length.
 */
export function beginning(matrices: readonly MaskedMatrix[], seed: number, kind: BudgetKind, given?: Mask): Beginning {
  const blocks = totalBlocks(matrices);
  if (given && given.length !== blocks)
    throw new RangeError(`the given mask has ${given.length} blocks, expected ${blocks}`);
  const mask = given ?? randomMask(matrices, seed, kind);
  const kept = ({ start, end }: BudgetGroup) => mask.subarray(start, end).reduce((sum, bit) => sum + bit, 0);
  return { mask, groups: budgetGroups(matrices, kind).map((group) => ({ ...group, kept: kept(group) })) };
}

/**
 * The mask of all matrices, end to end, from which a method that searches begins: that of `fixedMasks` with the same
 * seed (but for the counts per gate), so that methods can be compared in pairs. A budget of the whole network begins
 * with the densities of the layers.
 */
function randomMask(matrices: readonly MaskedMatrix[], seed: number, kind: BudgetKind): Mask {
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
