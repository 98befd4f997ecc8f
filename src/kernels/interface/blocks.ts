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
