import { endToEnd } from './budget.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { dropGrowChooser, type DropGrowSettings } from './drop_grow.js';
import { blockMeans } from './masked_weights.js';

/**
 * RigL: blocks of least magnitude go, those whose dense gradient is greatest come, at zero (Evci et al. 2020, arXiv
 * 1911.11134, algorithm 1). `steps`: length of the run.
 */
export function rigl(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: DropGrowSettings,
): MaskChooser {
  return dropGrowChooser(matrices, seed, steps, settings, (_, view) =>
    endToEnd(
      view.gradients().map((gradient, i) => blockMeans(gradient, matrices[i].block.rows * matrices[i].block.columns)),
    ),
  );
}
