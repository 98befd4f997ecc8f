import { type BudgetGroup, endToEnd, perMatrix, totalBlocks } from './budget.js';
import type { BlockView, ChooserState, MaskedMatrix } from './chooser.js';
import type { Mask } from './mask.js';
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
  { name: 'keep_holders', start: 0, logarithm: false, values: ({ holders }) => holders },
  { name: 'keep_age', start: 0, logarithm: true, values: ({ ages }) => ages },
  { name: 'grow_gradient', start: 1, logarithm: true, values: ({ gradients }) => gradients },
  { name: 'grow_magnitude', start: 0, logarithm: true, values: ({ magnitudes }) => magnitudes },
  { name: 'grow_row', start: 0, logarithm: true, values: (facts) => facts.lineHolders('row') },
  { name: 'grow_column', start: 0, logarithm: true, values: (facts) => facts.lineHolders('column') },
] as const satisfies readonly Statistic[];

export type StatisticName = (typeof statistics)[number]['name'];

/** What is known of the blocks when a generation is drawn: arrays over all blocks, end to end. */
export class BlockFacts {
  /** Mean |w|. */
  magnitudes: Float32Array;
  /**
   * Mean over the block of |gradient|, each weight's gradient being averaged over the generations so far with
   * exponentially falling weights.
   */
  gradients: Float32Array;
  private readonly averages: Float32Array[];
  /** Share of the members of the last generation that had the block: 0 for a block that was not trained. */
  holders: Float32Array;
  /** Generations that the block has been trained without a break, each counted by the share of members that had it. */
  ages: Float32Array;
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
    this.holders = Float32Array.from(first);
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

  /** Blocks that were trained in the last generation. */
  trained(): Mask {
    const mask = new Uint8Array(this.holders.length);
    for (let block = 0; block < mask.length; block++) mask[block] = this.holders[block] > 0 ? 1 : 0;
    return mask;
  }

  /** Notes the masks that the members train from now on. */
  hold(masks: readonly Mask[]): void {
    const { holders, ages } = this;
    holders.fill(0);
    for (const mask of masks)
      for (let block = 0; block < mask.length; block++) holders[block] += mask[block] / masks.length;
    for (let block = 0; block < ages.length; block++)
      ages[block] = holders[block] > 0 ? ages[block] + holders[block] : 0;
  }

  /** Of each block the mean `holders` of its block row, or block column. */
  lineHolders(line: 'row' | 'column'): Float32Array {
    const means = new Float32Array(this.holders.length);
    const holders = perMatrix(this.holders, this.matrices);
    perMatrix(means, this.matrices).forEach((out, i) => {
      const width = this.matrices[i].columns / this.matrices[i].block.columns;
      const lineOf = (block: number) => (line === 'row' ? Math.floor(block / width) : block % width);
      const sums = new Float64Array(line === 'row' ? out.length / width : width);
      for (let block = 0; block < out.length; block++) sums[lineOf(block)] += holders[i][block];
      for (let block = 0; block < out.length; block++) out[block] = (sums[lineOf(block)] * sums.length) / out.length;
    });
    return means;
  }

  save(): ChooserState {
    const { averages, holders, ages, probed } = this;
    const gradients = averages.map((average, i) => [`gradients${i}`, average.slice()] as const);
    return { arrays: new Map([...gradients, ['holders', holders.slice()], ['ages', ages.slice()]]), state: { probed } };
  }

  restore({ arrays, state }: ChooserState): void {
    const get = (name: string, length: number) => {
      const array = arrays.get(name);
      if (array?.length !== length)
        throw new RangeError(`the saved ${name} have ${array?.length ?? 0} elements, expected ${length}`);
      return array.slice() as Float32Array;
    };
    [this.holders, this.ages] = ['holders', 'ages'].map((name) => get(name, this.holders.length));
    this.averages.forEach((average, i) => average.set(get(`gradients${i}`, average.length)));
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
