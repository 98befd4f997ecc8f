import { type BudgetGroup, budgetGroups, totalBlocks } from './budget.js';
import type { ChooserState, MaskedMatrix } from './chooser.js';
import { type Mask, maskFromBits, maskToBits } from './mask.js';

/**
 * Mean over all pairs of masks of the share of kept blocks that they have in common; the masks keep equally many
 * blocks. 1 for equal masks.
 */
export function overlap(masks: readonly Mask[]): number {
  return overlapOf(holdersOf(masks), masks.length);
}

/** How many of the masks keep each block. */
function holdersOf(masks: readonly Mask[]): Uint16Array {
  const holders = new Uint16Array(masks[0].length);
  for (const mask of masks) for (let block = 0; block < mask.length; block++) holders[block] += mask[block];
  return holders;
}

function overlapOf(holders: Uint16Array, members: number): number {
  let kept = 0;
  let common = 0;
  for (let block = 0; block < holders.length; block++) {
    kept += holders[block];
    common += (holders[block] * (holders[block] - 1)) / 2;
  }
  const pairs = (members * (members - 1)) / 2;
  return pairs === 0 ? 1 : common / pairs / (kept / members);
}

/** Share of the kept blocks of `after` that `before` did not keep. */
export function churn(before: Mask, after: Mask): number {
  let fresh = 0;
  let kept = 0;
  for (let block = 0; block < after.length; block++) {
    kept += after[block];
    fresh += after[block] & (before[block] ^ 1);
  }
  return fresh / kept;
}

/**
 * Holds a chooser's deployed mask, and figures about its masks until the log asks for them. All masks are those of all
 * matrices, end to end.
 */
export class MaskRecord {
  private readonly groups: BudgetGroup[];
  private readonly everActive: Mask;
  private current: Mask;
  private figures: Record<string, number> = {};

  constructor(matrices: readonly MaskedMatrix[], first: Mask) {
    const layers = budgetGroups(matrices, 'layer');
    this.groups = [
      ...layers,
      ...budgetGroups(matrices, 'gate').filter(({ name }) => !layers.some((layer) => layer.name === name)),
    ];
    this.everActive = new Uint8Array(totalBlocks(matrices));
    this.current = first;
    this.masks(first);
  }

  /** The newest deployed mask. */
  get deployed(): Mask {
    return this.current;
  }

  /** Notes new masks: the deployed one, and the members' where they differ from it. */
  masks(deployed: Mask, members: readonly Mask[] = []): void {
    const { everActive } = this;
    for (let block = 0; block < deployed.length; block++) everActive[block] |= deployed[block];
    if (members.length > 0) {
      const holders = holdersOf(members);
      for (let block = 0; block < holders.length; block++) if (holders[block] > 0) everActive[block] = 1;
      this.figures['es/overlap'] = overlapOf(holders, members.length);
    }
    this.figures['masks/ever_active'] = density(everActive, 0, everActive.length);
    this.figures['masks/churn'] = churn(this.current, deployed);
    for (const { name, start, end } of this.groups)
      this.figures[`masks/density/${name}`] = density(deployed, start, end);
    this.current = deployed;
  }

  /** Notes a figure of the chooser's own. */
  figure(name: string, value: number): void {
    this.figures[name] = value;
  }

  /** The newest of each figure since the last call. */
  take(): Record<string, number> {
    const taken = this.figures;
    this.figures = {};
    return taken;
  }

  save(): ChooserState {
    const arrays = new Map([
      ['deployed', maskToBits(this.current)],
      ['ever_active', maskToBits(this.everActive)],
    ]);
    return { arrays, state: { figures: { ...this.figures } } };
  }

  restore({ arrays, state }: ChooserState): void {
    const blocks = this.everActive.length;
    this.everActive.set(maskFromBits(arrays.get('ever_active'), blocks));
    this.current = maskFromBits(arrays.get('deployed'), blocks);
    this.figures = { ...(state.figures as Record<string, number>) };
  }
}

function density(mask: Mask, start: number, end: number): number {
  let kept = 0;
  for (let block = start; block < end; block++) kept += mask[block];
  return kept / (end - start);
}
