import type { BlockMatrix } from '../kernels/interface/blocks.js';
import { checkBlockMatrix } from '../kernels/interface/check.js';
import type { AdamState } from '../kernels/interface/kernels.js';
import type { Revival } from './chooser.js';
import {
  blockCount,
  carryOver,
  correspondence,
  forEachBlock,
  type Mask,
  maskFromBits,
  maskOf,
  maskToBits,
  type MatrixShape,
  pack,
} from './mask.js';

/** What is remembered of a block that leaves. */
const remembered = { zero: [], weights: ['weights'], moments: ['weights', 'first', 'second'] } as const;

/**
 * The weights of one matrix under the masks of several members, which share them. The blocks of the union of the masks
 * are stored; each member runs on a packed copy of its own part (`gather`), and its gradients come back to the union
 * (`scatter`).
 */
export class MaskedWeights {
  /** The union of the members' masks; `matrix.values` is `state.weights`. */
  matrix: BlockMatrix;
  state: AdamState;
  /** What each member computes with. Where all masks are equal, each is `matrix` itself. */
  members: BlockMatrix[];
  /** Per member, the position in the union of each of its blocks; undefined where all masks are equal. */
  private positions: Int32Array[] | undefined;
  /** Per block of the union, 1 / number of members that have it. */
  private shares = new Float32Array(0);
  /** What is remembered of all blocks as they were when they went, block by block in the order of the mask. */
  private readonly store: Partial<Record<'weights' | 'first' | 'second', Float32Array>>;
  private readonly blockSize: number;

  /** All weights zero until `initialise`. `masks`: one per member. */
  constructor(
    private readonly shape: MatrixShape,
    masks: readonly Mask[],
    revive: Revival,
  ) {
    this.blockSize = shape.block.rows * shape.block.columns;
    this.store = Object.fromEntries(
      remembered[revive].map((kind) => [kind, new Float32Array(shape.rows * shape.columns)]),
    );
    this.matrix = pack(shape, union(masks));
    this.state = {
      weights: this.matrix.values,
      first: zeros(this.matrix),
      second: zeros(this.matrix),
      average: zeros(this.matrix),
    };
    this.members = [];
    this.split(masks);
  }

  /** Draws every weight of the union, in the order of `matrix.values`; the average begins there too. */
  initialise(draw: () => number): void {
    const { weights, average } = this.state;
    for (let i = 0; i < weights.length; i++) weights[i] = draw();
    average.set(weights);
    this.gather();
  }

  /**
   * Gives the members other masks. Blocks that some member still has keep their weights, Adam's moments and average. A
   * block that leaves is remembered as far as `revive` asks; one that comes starts with what is remembered, else with
   * zeros, and its average with its weights.
   */
  remask(masks: readonly Mask[]): void {
    const { matrix, state, store, blockSize } = this;
    const stored = Object.entries(store) as [keyof typeof store, Float32Array][];
    for (const [kind, all] of stored)
      forEachBlock(matrix, (block, position) => copyBlock(state[kind], position, all, block, blockSize));
    const next = pack(this.shape, union(masks));
    const positions = correspondence(matrix, next);
    const moved = (array: Float32Array) => carryOver(array, positions, blockSize);
    const carried = {
      weights: moved(state.weights),
      first: moved(state.first),
      second: moved(state.second),
      average: moved(state.average),
    };
    forEachBlock(next, (block, position) => {
      if (positions[position] >= 0) return;
      for (const [kind, all] of stored) copyBlock(all, block, carried[kind], position, blockSize);
      if (store.weights) copyBlock(store.weights, block, carried.average, position, blockSize);
    });
    this.matrix = { ...next, values: carried.weights };
    this.state = carried;
    this.split(masks);
  }

  /** Copies the weights of the union to the members. Before every pass; costs nothing where all masks are equal. */
  gather(): void {
    this.positions?.forEach((positions, member) => {
      const { values } = this.members[member];
      for (let k = 0; k < positions.length; k++) copyBlock(this.matrix.values, positions[k], values, k, this.blockSize);
    });
  }

  /**
   * Gradient of the union's weights from those of the members. A block gets the mean over the members that have it, not
   * over all: to a weight, being absent from a network is no evidence that it should stay as it is, and a block that
   * few members try must learn as fast as one that all have, or it would be judged half trained.
   * @param gradients [member], each like that member's `values`
   * @param into like `matrix.values`; overwritten
   * @param factor what turns a member's gradient into that of its own mean loss: the number of members where it is that
   * of the mean over all
   */
  scatter(gradients: readonly Float32Array[], into: Float32Array, factor = 1): void {
    const { positions, blockSize, shares } = this;
    into.fill(0);
    gradients.forEach((gradient, member) => {
      if (!positions) {
        for (let i = 0; i < into.length; i++) into[i] += (factor / gradients.length) * gradient[i];
        return;
      }
      for (let k = 0; k < positions[member].length; k++) {
        const position = positions[member][k];
        const share = factor * shares[position];
        for (let i = 0; i < blockSize; i++) into[position * blockSize + i] += share * gradient[k * blockSize + i];
      }
    });
  }

  /**
   * The matrix of one mask, with the present weights or their moving average. A block of it that no member has now is
   * as it would come back: with the weights it had, or zero. Where the mask is the union nothing is copied.
   */
  deployed(mask: Mask, which: 'weights' | 'average'): BlockMatrix {
    const { matrix, store, blockSize } = this;
    const packed = pack(this.shape, mask);
    const positions = correspondence(matrix, packed);
    const values = this.state[which];
    if (positions.length === matrix.column.length && positions.every((position, k) => position === k))
      return { ...matrix, values };
    forEachBlock(packed, (block, k) => {
      if (positions[k] >= 0) copyBlock(values, positions[k], packed.values, k, blockSize);
      else if (store.weights) copyBlock(store.weights, block, packed.values, k, blockSize);
    });
    return packed;
  }

  /**
   * Mean |w| of every block of the matrix: of those that no member has, as they would come back. The
   * magnitudes of a `BlockView`.
   */
  magnitudes(): Float32Array {
    const { matrix, store, blockSize } = this;
    const means = store.weights ? blockMeans(store.weights, blockSize) : new Float32Array(blockCount(this.shape));
    const stored = blockMeans(matrix.values, blockSize);
    forEachBlock(matrix, (block, position) => {
      means[block] = stored[position];
    });
    return means;
  }

  /** Everything as named arrays, for a checkpoint. */
  toArrays(): Map<string, Float32Array | Int32Array> {
    const arrays = new Map<string, Float32Array | Int32Array>(Object.entries(this.state));
    arrays.set('rowStart', this.matrix.rowStart);
    arrays.set('column', this.matrix.column);
    for (const [kind, all] of Object.entries(this.store)) arrays.set(`store/${kind}`, all);
    if (this.positions) this.members.forEach((member, i) => arrays.set(`member${i}`, maskToBits(maskOf(member))));
    return arrays;
  }

  /**
   * Takes over what `toArrays` gave of so many members. Throws RangeError where an array is missing or has another
   * size, ERR_ARGUMENT where the blocks are none.
   */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>, members: number): void {
    const get = <T extends Float32Array | Int32Array>(name: string, length?: number): T => {
      const array = arrays.get(name);
      if (!array) throw new RangeError(`the checkpoint has no array ${name}`);
      if (length !== undefined && array.length !== length)
        throw new RangeError(`${name} has ${array.length} elements, expected ${length}`);
      return array.slice() as T;
    };
    const column = get<Int32Array>('column');
    const rowStart = get<Int32Array>('rowStart', this.matrix.rowStart.length);
    const values = (name: string) => get<Float32Array>(name, column.length * this.blockSize);
    const state = {
      weights: values('weights'),
      first: values('first'),
      second: values('second'),
      average: values('average'),
    };
    for (const [kind, all] of Object.entries(this.store)) all.set(get<Float32Array>(`store/${kind}`, all.length));
    this.matrix = checkBlockMatrix('the checkpoint', { ...this.matrix, rowStart, column, values: state.weights }, [
      'Float32Array',
    ]);
    this.state = state;
    const all = maskOf(this.matrix);
    this.split(
      Array.from({ length: members }, (_, member) =>
        arrays.has('member0') ? maskFromBits(arrays.get(`member${member}`), all.length) : all,
      ),
    );
  }

  /**
   * The means of copies that were trained apart, each of some of the blocks: of a block over the copies that hold it,
   * in float64 and in the order of the copies; a block that none holds stays as it is. Throws RangeError where an array
   * is missing or has another size, or a copy has a block that is none of these.
   * @param copies each as `toArrays` gave it
   */
  meanOf(copies: readonly ReadonlyMap<string, Float32Array | Int32Array>[]): AdamState {
    const { matrix, state, blockSize } = this;
    const counts = new Uint32Array(matrix.column.length);
    const held = copies.map((copy, i) => {
      const positions = this.positionsOf(copy, `part ${i}`);
      for (const position of positions) counts[position]++;
      return positions;
    });
    const mean = (kind: keyof AdamState): Float32Array => {
      const sums = new Float64Array(state[kind].length);
      for (const [c, copy] of copies.entries()) {
        const from = copy.get(kind);
        if (from?.length !== held[c].length * blockSize)
          throw new RangeError(
            `${kind} of part ${c} has ${from?.length ?? 0} elements, expected ${held[c].length * blockSize}`,
          );
        for (const [k, position] of held[c].entries())
          for (let i = 0; i < blockSize; i++) sums[position * blockSize + i] += from[k * blockSize + i];
      }
      return state[kind].map((value, i) => {
        const count = counts[Math.floor(i / blockSize)];
        return count > 0 ? sums[i] / count : value;
      });
    };
    return { weights: mean('weights'), first: mean('first'), second: mean('second'), average: mean('average') };
  }

  /** Takes over the weights, moments and average of the blocks that are stored, like those of `state`. */
  take(values: AdamState): void {
    for (const kind of ['weights', 'first', 'second', 'average'] as const) this.state[kind].set(values[kind]);
    this.gather();
  }

  /** Where the blocks of a copy are stored here. */
  private positionsOf(copy: ReadonlyMap<string, Float32Array | Int32Array>, name: string): Int32Array {
    const rowStart = copy.get('rowStart');
    const column = copy.get('column');
    if (!(rowStart instanceof Int32Array && column instanceof Int32Array))
      throw new RangeError(`${name} does not say which blocks it has`);
    const values = new Float32Array(column.length * this.blockSize);
    const theirs = checkBlockMatrix(name, { ...this.matrix, rowStart, column, values }, ['Float32Array']);
    const positions = correspondence(this.matrix, theirs);
    if (positions.includes(-1)) throw new RangeError(`${name} has a block that no member has`);
    return positions;
  }

  /** Packs the members' parts of the union. */
  private split(masks: readonly Mask[]): void {
    const { matrix } = this;
    const counts = new Float32Array(matrix.column.length);
    const packed = masks.map((mask) => pack(this.shape, mask));
    if (packed.every(({ column }) => column.length === matrix.column.length)) {
      this.positions = undefined;
      this.members = masks.map(() => matrix);
      return;
    }
    this.positions = packed.map((member) => correspondence(matrix, member));
    for (const positions of this.positions) for (const position of positions) counts[position]++;
    this.shares = counts.map((count) => 1 / count);
    this.members = packed;
    this.gather();
  }
}

/** Mean |value| of each block, [blocks]; values block by block. */
export function blockMeans(values: Float32Array, blockSize: number): Float32Array {
  const means = new Float32Array(values.length / blockSize);
  for (let block = 0; block < means.length; block++) {
    let sum = 0;
    for (let i = block * blockSize; i < (block + 1) * blockSize; i++) sum += Math.abs(values[i]);
    means[block] = sum / blockSize;
  }
  return means;
}

function union(masks: readonly Mask[]): Mask {
  const all = masks[0].slice();
  for (const mask of masks.slice(1)) for (let block = 0; block < all.length; block++) all[block] |= mask[block];
  return all;
}

function zeros(matrix: BlockMatrix): Float32Array {
  return new Float32Array(matrix.values.length);
}

/** Copies one block; blocks are short, so a loop beats `set`. */
function copyBlock(from: Float32Array, source: number, to: Float32Array, target: number, blockSize: number): void {
  for (let i = 0; i < blockSize; i++) to[target * blockSize + i] = from[source * blockSize + i];
}
