// How threads share a sparse matrix. Threads of a warp should read words and weights that lie side by side, and be done at
// about the same time. So rows or columns of blocks are sorted by their number of blocks and cut into slices of 32
// threads; a slice is as long as its longest row, and what the others lack are blocks of zeros (SELL-C-σ: Kreutzer et al.
// 2014, SIAM J. Sci. Comput. 36(5), arXiv 1307.6209).

/** Threads of a slice. */
export const sliceThreads = 32;

/** Strips of a slice forwards: four threads share a strip, rows q, q+4, q+8 and q+12 each. */
export const sliceStrips = sliceThreads / 4;

/** There is no block, or no strip. */
export const none = 0xffffffff;

/** Entries by slices, all members one after the other. */
export interface SlicedEntries {
  /** [slots]: the strip or column of each slot; `none` for slots that only fill a slice up. */
  readonly order: Uint32Array;
  /** [slices + 1]: where each slice's entries begin, in rows of one entry for each of its slots. */
  readonly starts: Uint32Array;
  /** [rows, slots of a slice]: column forwards, strip backwards; 0 where there is no block. */
  readonly places: Uint32Array;
  /** [rows, slots of a slice]: the block, or `none`. */
  readonly blocks: Uint32Array;
}

/** A block of a row (or column), and the column (or row) that it is in. */
interface Entry {
  readonly place: number;
  readonly block: number;
}

/** Collects what each slot has to do, slice after slice. */
class Slices {
  private readonly order: number[] = [];
  private readonly starts = [0];
  private readonly places: number[] = [];
  private readonly blocks: number[] = [];

  constructor(private readonly width: number) {}

  /**
   * @param rounds slices of one round run at the same time, then those of the next: the longest do not meet. All rounds
   * have as many slices, some perhaps without entries
   */
  add(rows: readonly (readonly Entry[])[], rounds: number): void {
    const { width } = this;
    const slots = Math.ceil(rows.length / width / rounds) * rounds * width;
    const sorted = rows.map((_, i) => i).sort((a, b) => rows[b].length - rows[a].length || a - b);
    const slices = Array.from({ length: slots / width }, (_, i) => sorted.slice(i * width, (i + 1) * width));
    const perRound = slices.length / rounds;
    for (let round = 1; round < rounds; round += 2)
      slices.splice(round * perRound, perRound, ...slices.slice(round * perRound, (round + 1) * perRound).reverse());
    for (const slice of slices) {
      for (let slot = 0; slot < width; slot++) this.order.push(slice[slot] ?? none);
      const length = Math.max(0, ...slice.map((row) => rows[row].length));
      for (let e = 0; e < length; e++)
        for (let slot = 0; slot < width; slot++) {
          const entry = slot < slice.length ? rows[slice[slot]][e] : undefined;
          this.places.push(entry?.place ?? 0);
          this.blocks.push(entry?.block ?? none);
        }
      this.starts.push(this.starts[this.starts.length - 1] + length);
    }
  }

  done(): SlicedEntries {
    const { order, starts, places, blocks } = this;
    return {
      order: Uint32Array.from(order),
      starts: Uint32Array.from(starts),
      places: Uint32Array.from(places),
      blocks: Uint32Array.from(blocks),
    };
  }
}

/** A matrix of a member: [strips + 1] and [blocks], and its first block among those of all members. */
export interface MatrixBlocks {
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly first: number;
}

/** Slices of so many strips forwards, and of so many columns backwards. */
export const forwardSlices = (strips: number): number => Math.ceil(strips / sliceStrips);
export const backwardSlices = (columns: number): number => Math.ceil(columns / sliceThreads);

/** Rows of blocks, for products with the inputs, of one matrix after the other. */
export function forwardEntries(matrices: readonly MatrixBlocks[], rounds = 1): SlicedEntries {
  const slices = new Slices(sliceStrips);
  for (const { rowStart, column, first } of matrices) {
    const strips = rowStart.length - 1;
    slices.add(
      Array.from({ length: strips }, (_, strip) =>
        Array.from(column.subarray(rowStart[strip], rowStart[strip + 1]), (place, k) => ({
          place,
          block: first + rowStart[strip] + k,
        })),
      ),
      rounds,
    );
  }
  return slices.done();
}

/**
 * Columns, for errors that go back to the inputs, of one matrix after the other; of a matrix, of so many strips at a time.
 * The strips of an entry are counted within those that are taken together.
 */
export function backwardEntries(
  matrices: readonly (MatrixBlocks & { readonly columns: number })[],
  together: (strips: number) => number,
  rounds = 1,
): SlicedEntries {
  const slices = new Slices(sliceThreads);
  for (const { rowStart, column, first, columns } of matrices) {
    const strips = rowStart.length - 1;
    const some = together(strips);
    for (let begin = 0; begin < strips; begin += some) {
      const rows = Array.from({ length: columns }, (): Entry[] => []);
      for (let strip = 0; strip < some; strip++)
        for (let k = rowStart[begin + strip]; k < rowStart[begin + strip + 1]; k++)
          rows[column[k]].push({ place: strip, block: first + k });
      slices.add(rows, rounds);
    }
  }
  return slices.done();
}
