import { fillNormals, streams } from '../base/random.js';
import { type BudgetGroup, endToEnd, totalBlocks } from './budget.js';
import type { BlockView, MaskChooser, MaskedMatrix } from './chooser.js';
import { type Beginning, beginning, singleMask } from './fixed.js';
import type { Mask } from './mask.js';
import { blockMeans } from './masked_weights.js';
import { addHighest } from './selection.js';

/** When and how much of a mask is exchanged. */
export interface DropGrowSettings {
  /** Steps between two exchanges. */
  readonly every: number;
  /** Share of the kept blocks that the first exchange drops. */
  readonly drop: number;
  /** Share of the run after which the mask stays. */
  readonly until: number;
}

/**
 * Share of the kept blocks dropped at `step`: a cosine from `drop` at 0 to nothing at `end` (Evci et al. 2020, arXiv
 * 1911.11134, section 3).
 */
export function dropFraction(step: number, end: number, drop: number): number {
  return step >= end ? 0 : (drop / 2) * (1 + Math.cos((Math.PI * step) / end));
}

/**
 * Of each group drops the share `fraction` of the kept blocks, rounded down, that score lowest by `keep`, and grows as
 * many of those not kept then by the highest `grow`, so that the count stays. A block that has just gone may come back
 * at once, as in Evci et al. 2020, algorithm 1. A group whose mask has not enough blocks to keep grows more. All arrays
 * are over all blocks, end to end; `keep` is only looked at inside the mask, `grow` only outside of what is kept.
 */
export function dropAndGrow(
  mask: Mask,
  groups: readonly BudgetGroup[],
  fraction: number,
  keep: Float32Array,
  grow: Float32Array,
): Mask {
  const next = new Uint8Array(mask.length);
  for (const { start, end, kept } of groups) {
    const stayed = addHighest(keep, start, end, kept - Math.floor(kept * fraction), next, mask);
    addHighest(grow, start, end, kept - stayed, next);
  }
  return next;
}

/**
 * RigL: the blocks of least magnitude are dropped, those with the greatest dense gradient are grown, from zero (Evci et
 * al. 2020, arXiv 1911.11134, algorithm 1). `steps`: length of the run; `given`: see `beginning`.
 */
export function rigl(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: DropGrowSettings,
  given?: Mask,
): MaskChooser {
  return dropGrowChooser(beginning(matrices, seed, 'layer', given), matrices, steps, settings, (_, view) =>
    endToEnd(
      view.gradients().map((gradient, i) => blockMeans(gradient, matrices[i].block.rows * matrices[i].block.columns)),
    ),
  );
}

/** Random numbers of one exchange, in blocks of the generator: more than any network needs. */
const indicesPerStep = 2 ** 22;

/**
 * SET: the blocks of least magnitude are dropped, random ones are grown, from zero (Mocanu et al. 2018, Nature
 * Communications 9, algorithm 1). The share that is dropped falls as in RigL, as Evci et al. (2020, section 4) have it
 * in their comparison; Mocanu et al. keep it constant. `steps`: length of the run; `given`: see `beginning`.
 */
export function sparseEvolutionaryTraining(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: DropGrowSettings,
  given?: Mask,
): MaskChooser {
  const scores = new Float32Array(totalBlocks(matrices));
  return dropGrowChooser(beginning(matrices, seed, 'layer', given), matrices, steps, settings, (step) => {
    // Independent normal numbers have a random order, and they are fast to draw.
    fillNormals(scores, seed, streams.growth, step * indicesPerStep);
    return scores;
  });
}

/** A chooser that drops by magnitude and grows by the scores that `grow` gives, in each layer. */
function dropGrowChooser(
  { mask: first, groups: layers }: Beginning,
  matrices: readonly MaskedMatrix[],
  steps: number,
  { every, drop, until }: DropGrowSettings,
  grow: (step: number, view: BlockView) => Float32Array,
): MaskChooser {
  return singleMask(matrices, first, (step, mask, view) => {
    if (step === 0 || step % every !== 0 || step >= until * steps) return undefined;
    return dropAndGrow(
      mask,
      layers,
      dropFraction(step, until * steps, drop),
      endToEnd(view.magnitudes()),
      grow(step, view),
    );
  });
}
