/**
 * Where the blocks of a sparse matrix are: block CSR. Block row `i` covers rows `i*blockRows …`; its blocks are
 * `rowStart[i] … rowStart[i+1]-1`, in ascending order of `column` (the block column: first column / blockColumns). The
 * values of block `k` are contiguous, `values[k*blockRows*blockColumns …]`, column by column: the default 16×1 block is
 * 16 outputs fed by one input, one SIMD register.
 */
export interface BlockStructure {
  readonly rows: number;
  readonly columns: number;
  readonly blockRows: number;
  readonly blockColumns: number;
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
}

/** A block-sparse matrix. */
export interface BlockMatrix extends BlockStructure {
  readonly values: Float32Array;
}

/**
 * Of which blocks of a matrix the weights get gradients: of those stored, in their order, or of all, those that are not
 * stored being zero, in the order of `allBlocks`. The network is the same sparse one either way.
 */
export type GradientBlocks = 'stored' | 'all';

/** How many gradients the weights of a matrix have. */
export const gradientLength = ({ rows, columns, values }: BlockMatrix, blocks: GradientBlocks = 'stored'): number =>
  blocks === 'all' ? rows * columns : values.length;

/** Where the blocks of a matrix of the same size are that stores all of them. */
export function allBlocks({ rows, columns, blockRows, blockColumns }: BlockStructure): BlockStructure {
  const [high, wide] = [rows / blockRows, columns / blockColumns];
  return {
    rows,
    columns,
    blockRows,
    blockColumns,
    rowStart: Int32Array.from({ length: high + 1 }, (_, i) => i * wide),
    column: Int32Array.from({ length: high * wide }, (_, k) => k % wide),
  };
}

/** The same matrix with its zeros stored. */
export function storingAll(matrix: BlockMatrix): BlockMatrix {
  const { rowStart, column, values, blockRows, blockColumns } = matrix;
  const size = blockRows * blockColumns;
  const wide = matrix.columns / blockColumns;
  const all = new Float32Array(matrix.rows * matrix.columns);
  for (let i = 0; i < rowStart.length - 1; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++)
      all.set(values.subarray(k * size, (k + 1) * size), (i * wide + column[k]) * size);
  return { ...allBlocks(matrix), values: all };
}

/** Its weights in bf16: the upper 16 bits of a float32. */
export interface Bf16Matrix extends BlockStructure {
  readonly values: Uint16Array;
}

/** Its weights as whole numbers from -127 to 127, times the scale of their row, [rows]. */
export interface Int8Matrix extends BlockStructure {
  readonly values: Int8Array;
  readonly scale: Float32Array;
}

/** What voices store and samplers take. */
export type StoredMatrix = BlockMatrix | Bf16Matrix | Int8Matrix;

/** The shapes that the kernels have, outputs × inputs. */
export const kernelShapes = ['16×1', '16×4', '8×4', '4×4', '1×1'];

/** Height and width of a block, in elements. */
export interface BlockShape {
  readonly rows: number;
  readonly columns: number;
}
