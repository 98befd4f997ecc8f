/**
 * A block-sparse matrix in block CSR. Block row `i` covers rows `i*blockRows …`; its blocks are `rowStart[i] … rowStart[i+1]-1`, in
 * ascending order of `column` (the block column: first column / blockColumns). The values of block `k` are contiguous,
 * `values[k*blockRows*blockColumns …]`, column by column: the default 16×1 block is 16 outputs fed by one input, one SIMD register.
 */
export interface BlockMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly blockRows: number;
  readonly blockColumns: number;
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly values: Float32Array;
}

/** Height and width of a block, in elements. */
export interface BlockShape {
  readonly rows: number;
  readonly columns: number;
}
