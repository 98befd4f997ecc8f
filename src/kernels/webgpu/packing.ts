import type { BlockMatrix } from '../interface/blocks.js';
import type { SampleRateNetwork, SequenceGradients } from '../interface/kernels.js';
import { firstDense, type Layout, layoutOf, type NetworkSizes, sizesOf, stripRows } from './layout.js';

/** Where the blocks of all members are, in the words that the shaders read. */
export interface PackedStructure {
  /**
   * Row starts [members, rowStride], column starts [members, columnStride], the column of each block [blocks], and for
   * each column its entries [sparse blocks, 2]: strip within the matrix or gate, and block.
   */
  readonly words: Uint32Array;
  /** Of the column starts, the columns and the entries in `words`. */
  readonly columnStarts: number;
  readonly columns: number;
  readonly entries: number;
  /** Blocks of all members, dense ones too. */
  readonly blocks: number;
  readonly members: number;
}

/** A matrix as 16×1 blocks. */
interface StripMatrix {
  /** [rows/16 + 1], [blocks]. */
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  /** Of each of the matrix' values, its place in the values of the strips; undefined where all have their own. */
  readonly places: Int32Array | undefined;
}

/**
 * Brings the weights of members into the form of the GPU, and gradients back. It stands for the masks that it was made
 * of; weights may change. Blocks of 16×4 are four of 16×1 as they lie. Those with fewer rows than 16 are filled up with
 * zeros to blocks of 16×1, which costs memory and time; their gradients are not read.
 */
export class Packing {
  readonly sizes: NetworkSizes;
  readonly layout: Layout;
  readonly structure: PackedStructure;
  /** [member][matrix] as given, to tell whether the masks are the same; and as strips. */
  private readonly given: readonly (readonly Pick<BlockMatrix, 'rowStart' | 'column'>[])[];
  private readonly strips: readonly (readonly StripMatrix[])[];
  /** [member][matrix] first block. */
  private readonly first: readonly (readonly number[])[];
  private readonly shape: string;
  /** What `weights` gives; places that nothing stands in stay zero. */
  private readonly packed: Float32Array;

  constructor(members: readonly SampleRateNetwork[]) {
    this.sizes = sizesOf(members[0]);
    this.layout = layoutOf(this.sizes);
    this.shape = blockShape(members);
    this.given = members.map(({ sparse }) =>
      sparse.map(({ rowStart, column }) => ({ rowStart: rowStart.slice(), column: column.slice() })),
    );
    const dense = this.layout.shapes.slice(firstDense).map(([rows, columns]) => fullMatrix(rows, columns));
    this.strips = members.map(({ sparse }) => [...sparse.map(stripsOf), ...dense]);
    let blocks = 0;
    this.first = this.strips.map((matrices) => matrices.map(({ column }) => (blocks += column.length) - column.length));
    this.structure = this.pack(blocks);
    this.packed = new Float32Array(blocks * stripRows);
  }

  /** Whether these members have the sizes and masks that this packing was made of. */
  fits(members: readonly SampleRateNetwork[]): boolean {
    const same = (a: Int32Array, b: Int32Array) => a.length === b.length && a.every((value, i) => value === b[i]);
    return (
      JSON.stringify(sizesOf(members[0])) === JSON.stringify(this.sizes) &&
      blockShape(members) === this.shape &&
      members.length === this.given.length &&
      members.every(({ sparse }, m) =>
        sparse.every(
          ({ rowStart, column }, i) =>
            same(rowStart, this.given[m][i].rowStart) && same(column, this.given[m][i].column),
        ),
      )
    );
  }

  /** Blocks of some members. */
  blocksOf(first: number, count: number): number {
    const start = (m: number) => (m < this.first.length ? this.first[m][0] : this.structure.blocks);
    return start(first + count) - start(first);
  }

  /** The weights of all blocks, [blocks, 16], in an array that the next call overwrites. */
  weights(members: readonly SampleRateNetwork[]): Float32Array {
    const { hidden, inputs } = this.sizes;
    const { packed } = this;
    members.forEach(({ sparse, dense }, m) => {
      sparse.forEach(({ values }, i) => {
        const own = this.valuesOf(packed, m, i);
        const { places } = this.strips[m][i];
        if (places) values.forEach((value, k) => (own[places[k]] = value));
        else own.set(values);
      });
      dense.forEach((values, i) => {
        const [rows, columns] = this.layout.shapes[firstDense + i];
        const own = this.valuesOf(packed, m, firstDense + i);
        for (let row = 0; row < rows; row++)
          for (let c = 0; c < columns; c++)
            own[placeOf(row, c, columns)] = unheard(row, c, columns, inputs, hidden) ? 0 : values[row * columns + c];
      });
    });
    return packed;
  }

  /** Takes the gradients of all weights out of those of the blocks, [blocks, 16]. */
  unpack(packed: Float32Array, gradients: readonly Omit<SequenceGradients, 'gate'>[]): void {
    const { hidden, inputs } = this.sizes;
    gradients.forEach(({ sparse, dense }, m) => {
      sparse.forEach((array, i) => {
        const own = this.valuesOf(packed, m, i);
        const { places } = this.strips[m][i];
        if (places) array.forEach((_, k) => (array[k] = own[places[k]]));
        else array.set(own);
      });
      dense.forEach((array, i) => {
        const [rows, columns] = this.layout.shapes[firstDense + i];
        const own = this.valuesOf(packed, m, firstDense + i);
        for (let row = 0; row < rows; row++)
          for (let c = 0; c < columns; c++)
            array[row * columns + c] = unheard(row, c, columns, inputs, hidden) ? 0 : own[placeOf(row, c, columns)];
      });
    });
  }

  private valuesOf(packed: Float32Array, m: number, i: number): Float32Array {
    const first = this.first[m][i];
    return packed.subarray(first * stripRows, (first + this.strips[m][i].column.length) * stripRows);
  }

  private pack(blocks: number): PackedStructure {
    const { layout, strips, first } = this;
    const { hidden } = this.sizes;
    const members = strips.length;
    const sparseBlocks = strips.reduce(
      (sum, matrices) => sum + matrices.slice(0, firstDense).reduce((all, { column }) => all + column.length, 0),
      0,
    );
    const columnStarts = members * layout.rowStride;
    const columns = columnStarts + members * layout.columnStride;
    const entries = columns + blocks;
    const words = new Uint32Array(entries + 2 * sparseBlocks);
    let entry = 0;
    strips.forEach((matrices, m) =>
      matrices.forEach(({ rowStart, column }, i) => {
        rowStart.forEach(
          (start, strip) => (words[m * layout.rowStride + layout.rowOffset[i] + strip] = first[m][i] + start),
        );
        words.set(column, columns + first[m][i]);
        if (i >= firstDense) return;
        const [rows, width] = layout.shapes[i];
        const parts = i === 0 ? 3 : 1;
        const perPart = (i === 0 ? hidden : rows) / stripRows;
        for (let part = 0; part < parts; part++) {
          const at = columnStarts + m * layout.columnStride + layout.columnOffset[i === 0 ? part : i + 2];
          const [from, to] = [rowStart[part * perPart], rowStart[(part + 1) * perPart]];
          // Count the blocks of each column, then put each behind those before it.
          const next = new Uint32Array(width + 1);
          for (let k = from; k < to; k++) next[column[k] + 1]++;
          for (let c = 0; c < width; c++) next[c + 1] += next[c];
          for (let c = 0; c <= width; c++) words[at + c] = entry + next[c];
          for (let strip = 0; strip < perPart; strip++)
            for (let k = rowStart[part * perPart + strip]; k < rowStart[part * perPart + strip + 1]; k++) {
              const place = entries + 2 * (entry + next[column[k]]++);
              words[place] = strip;
              words[place + 1] = first[m][i] + k;
            }
          entry += to - from;
        }
      }),
    );
    return { words, columnStarts, columns, entries, blocks, members };
  }
}

const blockShape = (members: readonly SampleRateNetwork[]): string =>
  members.map(({ sparse: [{ blockRows, blockColumns }] }) => `${blockRows}×${blockColumns}`).join();

/** Of a weight in a matrix that lacks no block, in the values of its strips. */
const placeOf = (row: number, column: number, columns: number): number =>
  (Math.floor(row / stripRows) * columns + column) * stripRows + (row % stripRows);

/** The symbol c[t] does not reach the coarse half of any gate. */
const unheard = (row: number, column: number, columns: number, inputs: number, hidden: number): boolean =>
  columns === inputs && column === 2 && row % hidden < hidden / 2;

function fullMatrix(rows: number, columns: number): StripMatrix {
  const strips = rows / stripRows;
  return {
    rowStart: Int32Array.from({ length: strips + 1 }, (_, strip) => strip * columns),
    column: Int32Array.from({ length: strips * columns }, (_, k) => k % columns),
    places: undefined,
  };
}

/** Any block matrix as 16×1 blocks: in each strip those columns in which any of its blocks stands. */
function stripsOf({ rows, columns, blockRows, blockColumns, rowStart, column, values }: BlockMatrix): StripMatrix {
  const strips = rows / stripRows;
  const stripStart = new Int32Array(strips + 1);
  const stripColumn: number[] = [];
  const places = blockRows === stripRows ? undefined : new Int32Array(values.length);
  const placeIn = new Int32Array(columns).fill(-1);
  const perStrip = stripRows / blockRows;
  for (let strip = 0; strip < strips; strip++) {
    const [first, end] = [rowStart[strip * perStrip], rowStart[(strip + 1) * perStrip]];
    const kept = new Set<number>();
    for (let k = first; k < end; k++) for (let c = 0; c < blockColumns; c++) kept.add(column[k] * blockColumns + c);
    for (const c of [...kept].sort((a, b) => a - b)) {
      placeIn[c] = stripColumn.length;
      stripColumn.push(c);
    }
    stripStart[strip + 1] = stripColumn.length;
    if (!places) continue;
    for (let part = 0; part < perStrip; part++)
      for (let k = rowStart[strip * perStrip + part]; k < rowStart[strip * perStrip + part + 1]; k++)
        for (let c = 0; c < blockColumns; c++)
          for (let r = 0; r < blockRows; r++)
            places[(k * blockColumns + c) * blockRows + r] =
              placeIn[column[k] * blockColumns + c] * stripRows + part * blockRows + r;
  }
  return { rowStart: stripStart, column: Int32Array.from(stripColumn), places };
}
