import { type BudgetGroup, endToEnd, perMatrix, totalBlocks } from './budget.js';
import type { BlockView, ChooserState, MaskedMatrix } from './chooser.js';
import { type Mask, maskFromBits, maskToBits } from './mask.js';
import { blockMeans } from './masked_weights.js';

/** A figure of each block that a search may find to matter. */
export interface Statistic {
  /** `keep_…` speaks for keeping a block that was trained, `grow_…` for growing one that is not kept. */
  readonly name: `keep_${string}` | `grow_${string}`;
  /** Coefficient, where no search says otherwise. */
  readonly start: number;
  /** Whether its logarithm is taken: for what is positive and spreads over orders of magnitude. */
  readonly logarithm: boolean;
  readonly values: (facts: BlockFacts) => Float32Array;
}

/** All statistics. One whose coefficient is 0 and not searched is never computed. */
export const statistics = [
  { name: 'keep_magnitude', start: 1, logarithm: true, values: ({ magnitudes }) => magnitudes },
  { name: 'keep_gradient', start: 0, logarithm: true, values: ({ gradients }) => gradients },
  { name: 'keep_age', start: 0, logarithm: true, values: ({ ages }) => ages },
  { name: 'grow_gradient', start: 1, logarithm: true, values: ({ gradients }) => gradients },
  { name: 'grow_magnitude', start: 0, logarithm: true, values: ({ magnitudes }) => magnitudes },
  { name: 'grow_row', start: 0, logarithm: true, values: (facts) => facts.lineShares('row') },
  { name: 'grow_column', start: 0, logarithm: true, values: (facts) => facts.lineShares('column') },
] as const satisfies readonly Statistic[];

export type StatisticName = (typeof statistics)[number]['name'];

/** What is known of the blocks when masks are drawn: arrays over all blocks, end to end. */
export class BlockFacts {
  /** Mean |w|. */
  magnitudes: Float32Array;
  /**
   * Mean over the block of |gradient|, each weight's gradient being averaged over the looks so far with exponentially
   * falling weights.
   */
  gradients: Float32Array;
  private readonly averages: Float32Array[];
  /** The mask that is trained. */
  trained: Mask;
  /** Exchanges since which the block has been trained without a break. */
  readonly ages: Float32Array;
  private probed = false;

  /** `memory`: weight of the past in the average of the gradients, 0 for the last one alone. */
  constructor(
    private readonly matrices: readonly MaskedMatrix[],
    private readonly memory: number,
    first: Mask,
  ) {
    const blocks = totalBlocks(matrices);
    this.magnitudes = new Float32Array(blocks);
    this.gradients = new Float32Array(blocks);
    this.averages = matrices.map(({ rows, columns }) => new Float32Array(rows * columns));
    this.trained = first;
    this.ages = new Float32Array(blocks);
  }

  /** Looks at the weights and at a dense gradient. What is not finite is passed over. */
  look(view: BlockView): void {
    this.magnitudes = endToEnd(view.magnitudes());
    const memory = this.probed ? this.memory : 0;
    view.gradients().forEach((now, i) => {
      const average = this.averages[i];
      for (let k = 0; k < now.length; k++)
        if (Number.isFinite(now[k])) average[k] = memory * average[k] + (1 - memory) * now[k];
    });
    this.measureGradients();
    this.probed = true;
  }

  private measureGradients(): void {
    this.gradients = endToEnd(
      this.averages.map((average, i) =>
        blockMeans(average, this.matrices[i].block.rows * this.matrices[i].block.columns),
      ),
    );
  }

  /** Notes the mask that is trained from now on. */
  train(mask: Mask): void {
    this.trained = mask;
    for (let block = 0; block < mask.length; block++) this.ages[block] = mask[block] ? this.ages[block] + 1 : 0;
  }

  /** Of each block the share of its block row, or block column, that is trained. */
  lineShares(line: 'row' | 'column'): Float32Array {
    const shares = new Float32Array(this.trained.length);
    const trained = perMatrix(this.trained, this.matrices);
    perMatrix(shares, this.matrices).forEach((out, i) => {
      const width = this.matrices[i].columns / this.matrices[i].block.columns;
      const lineOf = (block: number) => (line === 'row' ? Math.floor(block / width) : block % width);
      const sums = new Float64Array(line === 'row' ? out.length / width : width);
      for (let block = 0; block < out.length; block++) sums[lineOf(block)] += trained[i][block];
      for (let block = 0; block < out.length; block++) out[block] = (sums[lineOf(block)] * sums.length) / out.length;
    });
    return shares;
  }

  save(): ChooserState {
    const { averages, trained, ages, probed } = this;
    const gradients = averages.map((average, i) => [`gradients${i}`, average.slice()] as const);
    const arrays = new Map<string, Float32Array | Int32Array>(gradients);
    arrays.set('trained', maskToBits(trained)).set('ages', ages.slice());
    return { arrays, state: { probed } };
  }

  restore({ arrays, state }: ChooserState): void {
    const take = (name: string, into: Float32Array) => {
      const array = arrays.get(name);
      if (array?.length !== into.length)
        throw new RangeError(`the saved ${name} have ${array?.length ?? 0} elements, expected ${into.length}`);
      into.set(array);
    };
    take('ages', this.ages);
    this.averages.forEach((average, i) => take(`gradients${i}`, average));
    this.trained = maskFromBits(arrays.get('trained'), this.trained.length);
    this.measureGradients();
    this.probed = state.probed as boolean;
  }
}

/** Least share of the mean that a logarithm sees: a block at zero is small, not infinitely small. */
const floorOfMean = 1e-3;

/** Standardised values beyond this are cut: one odd block must not decide. */
const mostDeviations = 4;

/**
 * A statistic with mean 0 and variance 1 over the blocks of each group, so that one coefficient means the same
 * everywhere. Only the blocks of `among` count (all when it is absent); the others get 0.
 */
export function standardised(
  { values, logarithm }: Statistic,
  facts: BlockFacts,
  groups: readonly BudgetGroup[],
  among?: Mask,
): Float32Array {
  const raw = values(facts);
  const result = new Float32Array(raw.length);
  for (const { start, end } of groups) {
    let count = 0;
    let sum = 0;
    for (let block = start; block < end; block++) {
      if (among && !among[block]) continue;
      sum += raw[block];
      count++;
    }
    const floor = (floorOfMean * sum) / count + Number.MIN_VALUE;
    const value = (block: number) => (logarithm ? Math.log(raw[block] + floor) : raw[block]);
    let mean = 0;
    let squares = 0;
    for (let block = start; block < end; block++) {
      if (among && !among[block]) continue;
      const x = value(block);
      result[block] = x;
      mean += x / count;
      squares += (x * x) / count;
    }
    const deviation = Math.sqrt(Math.max(0, squares - mean * mean));
    // A statistic that is the same everywhere, apart from rounding, says nothing.
    const scale = deviation > 1e-6 * (1 + Math.abs(mean)) ? 1 / deviation : 0;
    for (let block = start; block < end; block++) {
      if (among && !among[block]) continue;
      result[block] = Math.min(mostDeviations, Math.max(-mostDeviations, (result[block] - mean) * scale));
    }
  }
  return result;
}
