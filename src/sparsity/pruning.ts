import { budgetGroups, endToEnd, selectHighest, totalBlocks } from './budget.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { singleMask } from './fixed.js';
import { keptBlocks } from './mask.js';

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

/**
 * Dense at first; the blocks with the least mean magnitude go, as in Kalchbrenner et al. 2018, section 3. A block that
 * went stays away.
 */
export function cubicPruning(matrices: readonly MaskedMatrix[], schedule: PruningSchedule): MaskChooser {
  const { start, end, every } = schedule;
  const layers = budgetGroups(matrices, 'layer');
  return singleMask(matrices, new Uint8Array(totalBlocks(matrices)).fill(1), (step, mask, view) => {
    const due = step >= start && step <= end && ((step - start) % every === 0 || step === end);
    if (!due) return undefined;
    const scores = endToEnd(view.magnitudes()).map((magnitude, block) => (mask[block] ? magnitude : -1));
    return selectHighest(
      scores,
      layers.map((layer, i) => ({
        ...layer,
        kept: keptBlocks(matrices[i], cubicDensity(step, matrices[i].density, schedule)),
      })),
    );
  });
}
