import type { Mask, MatrixShape } from './mask.js';

/** A block-sparse matrix whose mask is to be chosen. */
export interface MaskedMatrix extends MatrixShape {
  readonly name: string;
  /** Share of blocks that are kept in the end. */
  readonly density: number;
  /** Number of equal groups of rows that can have a budget of their own: 3 for the gates of a GRU. Default 1. */
  readonly gates?: number;
}

/** What a chooser may ask about the present weights: an array per matrix. */
export interface BlockView {
  /**
   * Mean |w| of each block of the matrix, block row by block row: [blocks]; what a block that is in no mask would begin
   * with, 0 where that is zero.
   */
  magnitudes(): Float32Array[];
  /**
   * The gradient of every weight, those outside the masks too, block by block: [blocks · block size]. The mean over the
   * members under the masks that they have trained until now, on examples of the coming step. Costs a dense pass.
   */
  gradients(): Float32Array[];
  /**
   * Mean nats of the network under each of these masks, [mask][matrix], forwards only: of each group of some examples,
   * which are the same for all masks and not those of `gradients`, [group][mask].
   */
  losses(masks: readonly (readonly Mask[])[]): Float64Array[];
}

/**
 * What a block starts with when it comes back: zeros; the weights that it had when it went; or those and Adam's
 * moments. Without moments its first steps are long, 1/√(1 − β₂ⁿ) times those of a block that has long been there, so
 * that it soon shows what it is worth.
 */
export type Revival = 'zero' | 'weights' | 'moments';

/** Arrays and plain JSON that together bring a chooser back exactly. */
export interface ChooserState {
  readonly arrays: Map<string, Float32Array | Int32Array>;
  readonly state: Record<string, unknown>;
}

/**
 * Who decides which blocks are kept. A step goes: `update`, then every member runs forwards and backwards on its own
 * masks, then `observe`. Everything is a pure function of the seed, the step, the weights and the losses, so that
 * training resumes exactly, in the middle of a generation too. Masks that a chooser returns remain its own and must not
 * be written to.
 */
export interface MaskChooser {
  /**
   * Number of members now. 1: the deployed masks are trained. More: members 2p and 2p+1 are an antithetic pair. The
   * lanes of a batch are shared out equally. Never more than at the start.
   */
  readonly members: number;
  /** What a block starts with when it comes back. */
  readonly revive: Revival;
  /**
   * Whether the members of a pair must run on the same examples in a step, because the difference of their losses will
   * count. Otherwise all run on different ones, for weights learn more from more examples.
   */
  paired(step: number): boolean;
  /** Masks before the first step: [member][matrix]. */
  initial(): Mask[][];
  /**
   * New masks [member][matrix] for the steps from `step` on; undefined when nothing changes. Called once before every
   * step.
   */
  update(step: number, view: BlockView): Mask[][] | undefined;
  /**
   * Called after every step, even one that was dropped, with the mean nats of each member. A loss that is not finite
   * counts as a very bad one.
   */
  observe(step: number, losses: Float64Array): void;
  /** The masks of the model that is validated, saved and shipped: [matrix]. */
  deployed(): Mask[];
  save(): ChooserState;
  /** Goes on where `save` was called. Throws RangeError for the state of another kind or size of network. */
  restore(saved: ChooserState): void;
  /** Figures for the log since the last call, such as `es/overlap`; empty for choosers that have none. */
  diagnostics(): Record<string, number>;
}

type Arrays = ReadonlyMap<string, Float32Array | Int32Array>;

/** Entries of a checkpoint's arrays with their names under a common one: `weights` becomes `PREFIX/weights`. */
export function withPrefix(prefix: string, arrays: Arrays): [string, Float32Array | Int32Array][] {
  return [...arrays].map(([name, array]) => [`${prefix}/${name}`, array]);
}

/** The arrays that `withPrefix` put under this prefix, by their own names. */
export function underPrefix(prefix: string, arrays: Arrays): Map<string, Float32Array | Int32Array> {
  return new Map(
    [...arrays]
      .filter(([name]) => name.startsWith(`${prefix}/`))
      .map(([name, array]) => [name.slice(prefix.length + 1), array]),
  );
}
