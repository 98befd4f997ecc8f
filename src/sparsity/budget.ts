import type { MaskedMatrix } from './chooser.js';
import { blockCount, keptBlocks, type Mask } from './mask.js';
import { markHighest } from './selection.js';

/** Which blocks compete for one budget: those of the whole network, of a matrix (a layer), or of a gate of a matrix. */
export type BudgetKind = 'network' | 'layer' | 'gate';

/**
 * Blocks with a budget of their own: a stretch of the blocks of all matrices laid end to end, block row by block row.
 */
export interface BudgetGroup {
  /** `network`, a matrix's name, or `recurrent/0` for the first gate of a matrix that has several. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Blocks that the group keeps. */
  readonly kept: number;
}

/** Number of blocks of all matrices together. */
export function totalBlocks(matrices: readonly MaskedMatrix[]): number {
  return matrices.reduce((sum, matrix) => sum + blockCount(matrix), 0);
}

/**
 * The groups of a budget, in order; together they cover every block once and keep exactly as many as the matrices'
 * densities ask for. Gates of a matrix get equal parts of it. Throws RangeError where gates do not divide the block
 * rows, or blocks of different sizes would share one budget.
 */
export function budgetGroups(matrices: readonly MaskedMatrix[], kind: BudgetKind): BudgetGroup[] {
  const groups: BudgetGroup[] = [];
  let start = 0;
  for (const matrix of matrices) {
    const { name, rows, block, density } = matrix;
    const gates = kind === 'gate' ? (matrix.gates ?? 1) : 1;
    if ((rows / block.rows) % gates !== 0)
      throw new RangeError(`the ${rows / block.rows} block rows of ${name} do not divide into ${gates} gates`);
    const blocks = blockCount(matrix) / gates;
    const kept = apportion(
      Math.max(gates, keptBlocks(matrix, density)),
      Array<number>(gates).fill(1),
      Array<number>(gates).fill(blocks),
    );
    for (let gate = 0; gate < gates; gate++, start += blocks) {
      groups.push({ name: gates === 1 ? name : `${name}/${gate}`, start, end: start + blocks, kept: kept[gate] });
    }
  }
  if (kind !== 'network') return groups;
  checkOneBlockSize(matrices);
  return [{ name: 'network', start: 0, end: start, kept: groups.reduce((sum, group) => sum + group.kept, 0) }];
}

/**
 * Throws RangeError unless all blocks have equally many weights: a budget that moves between matrices would change the
 * number of non-zeros.
 */
export function checkOneBlockSize(matrices: readonly MaskedMatrix[]): void {
  const sizes = new Set(matrices.map(({ block }) => block.rows * block.columns));
  if (sizes.size > 1) throw new RangeError(`blocks of ${[...sizes].join(' and ')} weights cannot share one budget`);
}

/**
 * Whole numbers that sum to `total`, in proportion to `shares` (positive numbers of any scale), each from 1 to its
 * capacity: the method of largest remainders (Hamilton), of equal remainders the first. Throws RangeError where no such
 * numbers exist.
 */
export function apportion(total: number, shares: readonly number[], capacities: readonly number[]): number[] {
  const most = capacities.reduce((sum, capacity) => sum + capacity, 0);
  if (total < shares.length || total > most)
    throw new RangeError(`cannot keep ${total} blocks in ${shares.length} groups of ${most} blocks`);
  const quotas = (scale: number) => shares.map((share, i) => Math.min(capacities[i], Math.max(1, scale * share)));
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  // What groups at a bound leave over goes to the others in proportion: find the scale at which the quotas sum to the
  // total.
  let low = 0;
  let high = Math.max(...shares.map((share, i) => capacities[i] / share));
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (sum(quotas(middle)) < total) low = middle;
    else high = middle;
  }
  const exact = quotas(high);
  const counts = exact.map(Math.floor);
  const byRemainder = [...counts.keys()]
    .filter((i) => counts[i] < capacities[i])
    .sort((a, b) => exact[b] - counts[b] - (exact[a] - counts[a]) || a - b);
  const rest = total - sum(counts);
  for (let i = 0; i < rest; i++) counts[byRemainder[i]]++;
  return counts;
}

/**
 * The mask of each group's highest scores, for all blocks end to end. Throws RangeError for scores that are not
 * numbers.
 */
export function selectHighest(scores: Float64Array | Float32Array, groups: readonly BudgetGroup[]): Mask {
  const mask = new Uint8Array(scores.length);
  for (const { start, end, kept } of groups) markHighest(scores, start, end, kept, mask);
  return mask;
}

/** The parts of an array over all blocks that belong to each matrix; they share its memory. */
export function perMatrix<T extends Uint8Array | Float32Array | Float64Array>(
  blocks: T,
  matrices: readonly MaskedMatrix[],
): T[] {
  let start = 0;
  return matrices.map((matrix) => blocks.subarray(start, (start += blockCount(matrix))) as T);
}

/** Arrays with a value per block of each matrix, laid end to end. */
export function endToEnd<T extends Uint8Array | Float32Array>(arrays: readonly T[]): T {
  const length = arrays.reduce((sum, array) => sum + array.length, 0);
  const all = new (arrays[0].constructor as { new (length: number): T })(length);
  let start = 0;
  for (const array of arrays) {
    all.set(array, start);
    start += array.length;
  }
  return all;
}
