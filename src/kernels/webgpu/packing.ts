import { concatenated } from '../../base/concatenated.js';
import type { BlockMatrix } from '../interface/blocks.js';
import { wrong } from '../interface/check_values.js';
import type { SampleRateNetwork, SequenceGradients } from '../interface/kernels.js';
import { firstDense, type Layout, layoutOf, type NetworkSizes, sizesOf, stripRows } from './layout.js';
import type { Tiling } from './plan.js';
import { partsOf, partWords } from './products.js';
import type { NetworkField } from './shaders.js';
import { backwardEntries, forwardEntries, type SlicedEntries } from './slices.js';

/** Where the blocks of all members are, in the words that the shaders read. */
export interface PackedStructure {
  /**
   * Row starts [members, rowStride], the column of each block [blocks], the slices of the recurrent and of the output
   * matrices, forwards and backwards (see slices.ts), and the products, their parts and items (see products.ts).
   */
  readonly words: Uint32Array;
  /** Words of the uniform buffer `network`, but for the blocks: where these are in `words`. */
  readonly places: Readonly<Record<Exclude<NetworkField, 'blocks'>, number>>;
  /** Blocks of all members, dense ones too. */
  readonly blocks: number;
  readonly members: number;
  /** Parts of products, of all members. */
  readonly parts: number;
  /** What it was packed for. */
  readonly tiling: Tiling;
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

  /** @param tiling of the device that the packing is for */
  constructor(
    members: readonly SampleRateNetwork[],
    private readonly tiling: Tiling,
  ) {
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
    const { layout, strips, first, sizes, tiling } = this;
    const { inputs } = sizes;
    const members = strips.length;
    const rows = new Uint32Array(members * layout.rowStride);
    const columns = new Uint32Array(blocks);
    strips.forEach((matrices, m) =>
      matrices.forEach(({ rowStart, column }, i) => {
        rowStart.forEach(
          (start, strip) => (rows[m * layout.rowStride + layout.rowOffset[i] + strip] = first[m][i] + start),
        );
        columns.set(column, first[m][i]);
      }),
    );
    const sparse = strips.map((matrices, m) =>
      matrices
        .slice(0, firstDense)
        .map((matrix, i) => ({ ...matrix, first: first[m][i], columns: layout.shapes[i][1] })),
    );
    const recurrent = sparse.map(([matrix]) => matrix);
    const outputs = sparse.flatMap(([, ...rest]) => rest);
    const sliced = {
      forward: forwardEntries(recurrent, tiling.forwardItems),
      backward: backwardEntries(recurrent, (all) => (all / 3) * tiling.backwardGates, tiling.backwardItems),
      outputs: forwardEntries(outputs),
      outputsBack: backwardEntries(outputs, (all) => all),
    };
    const { products, parts, items } = partsOf(
      sizes,
      members,
      (m, i, strip) => {
        const { rowStart } = strips[m][i];
        return [first[m][i] + rowStart[strip], rowStart[strip + 1] - rowStart[strip]];
      },
      tiling.productStrips,
      tiling.productThreads,
    );
    const sections = {
      rows,
      columns,
      ...named(sliced),
      products,
      parts,
      items,
    };
    const words = concatenated(Object.values(sections), Uint32Array);
    let end = 0;
    const starts = Object.fromEntries(
      Object.entries(sections).map(([name, { length }]) => [name, (end += length) - length]),
    ) as Record<keyof typeof sections, number>;
    const { forward, backward, outputs: there, outputsBack: back } = sliced;
    const arrangedInputs = 4 * forward.blocks.length;
    const arrangedBackward = arrangedInputs + 4 * inputs * forward.order.length;
    const arrangedOutputs = arrangedBackward + 4 * backward.blocks.length;
    const arrangedOutputsBack = arrangedOutputs + 4 * there.blocks.length;
    const arrangedBiases = arrangedOutputsBack + 4 * back.blocks.length;
    const arrangedEnd = arrangedBiases + 4 * there.order.length;
    return {
      words,
      places: {
        ...starts,
        arrangedInputs,
        arrangedBackward,
        arrangedOutputs,
        arrangedOutputsBack,
        arrangedBiases,
        arrangedEnd,
      },
      blocks,
      members,
      parts: parts.length / partWords,
      tiling,
    };
  }
}

type Sliced = 'forward' | 'backward' | 'outputs' | 'outputsBack';

/** The arrays of slices by the names that the shaders have for where they are. */
function named(sliced: Readonly<Record<Sliced, SlicedEntries>>) {
  const entries = Object.entries(sliced).flatMap(([name, { order, starts, places, blocks }]) => [
    [`${name}Order`, order],
    [`${name}Starts`, starts],
    [`${name}Places`, places],
    [`${name}Blocks`, blocks],
  ]);
  return Object.fromEntries(entries) as Record<`${Sliced}${'Order' | 'Starts' | 'Places' | 'Blocks'}`, Uint32Array>;
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

/**
 * Shaders follow indices without a look at them. Those of a matrix that was checked once may have been changed since.
 * @throws {TtsError} ERR_ARGUMENT
 */
function checkIndices({ columns, blockColumns, rowStart, column }: BlockMatrix): void {
  const ascends = rowStart.every((start, i) => start >= (i === 0 ? 0 : rowStart[i - 1]));
  if (rowStart[0] !== 0 || !ascends || rowStart[rowStart.length - 1] !== column.length)
    throw wrong(`rowStart is not ascending from 0 to ${column.length}, expected the rows of ${column.length} blocks`);
  const bound = columns / blockColumns;
  const bad = column.findIndex((c) => c < 0 || c >= bound);
  if (bad >= 0) throw wrong(`column[${bad}] is ${column[bad]}, expected at least 0 and less than ${bound}`);
}

/** Any block matrix as 16×1 blocks: in each strip those columns in which any of its blocks stands. */
function stripsOf(matrix: BlockMatrix): StripMatrix {
  checkIndices(matrix);
  const { rows, columns, blockRows, blockColumns, rowStart, column, values } = matrix;
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
