import { fillNormals, streams } from '../base/random.js';
import { totalBlocks } from './budget.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { dropGrowChooser, type DropGrowSettings } from './drop_grow.js';

/** Random numbers of one exchange, in blocks of the generator: more than any network needs. */
const indicesPerStep = 2 ** 22;

/**
 * SET: blocks of least magnitude go, random ones come, at zero (Mocanu et al. 2018, Nature Communications 9, algorithm
 * 1). The share that goes falls as in RigL, as Evci et al. (2020, section 4) have it in their comparison; Mocanu et al.
 * keep it constant. `steps`: length of the run.
 */
export function sparseEvolutionaryTraining(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: DropGrowSettings,
): MaskChooser {
  const scores = new Float32Array(totalBlocks(matrices));
  return dropGrowChooser(matrices, seed, steps, settings, (step) => {
    // The order of independent normal numbers is a random order like any other, and they come fast.
    fillNormals(scores, seed, streams.growth, step * indicesPerStep);
    return scores;
  });
}
