import { perMatrix } from './budget.js';
import type { BlockView, MaskChooser, MaskedMatrix } from './chooser.js';
import { MaskRecord } from './diagnostics.js';
import type { Mask } from './mask.js';

/**
 * A chooser without a population: everybody trains the deployed mask, and a block that comes back begins at zero.
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
