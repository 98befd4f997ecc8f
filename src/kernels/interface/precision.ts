import type { BlockMatrix, Int8Matrix, StoredMatrix } from './blocks.js';
import type { KernelName, SampleRateNetwork, SamplerNetwork } from './kernels.js';

/** How the sampler's weights are stored. Sums and everything else are float32 in all of them. */
export const precisions = ['float32', 'bf16', 'int8'] as const;
export type Precision = (typeof precisions)[number];

/**
 * What the five matrices are in each precision. The logits stay bf16 in int8: an error there is one of the log
 * probability, their inputs have no fixed range, and they are a fifteenth of all weights at most.
 */
const matrixPrecisions: Record<Precision, readonly Precision[]> = {
  float32: ['float32', 'float32', 'float32', 'float32', 'float32'],
  bf16: ['bf16', 'bf16', 'bf16', 'bf16', 'bf16'],
  int8: ['int8', 'int8', 'bf16', 'int8', 'bf16'],
};

/** The precision of a matrix, by the type of its values. */
export function precisionOfMatrix({ values }: StoredMatrix): Precision {
  if (values instanceof Int8Array) return 'int8';
  return values instanceof Uint16Array ? 'bf16' : 'float32';
}

export const isInt8 = (matrix: StoredMatrix): matrix is Int8Matrix => matrix.values instanceof Int8Array;
export const isFloat32 = (matrix: StoredMatrix): matrix is BlockMatrix => matrix.values instanceof Float32Array;

/** The precision of a network, which is that of its recurrent matrix. */
export function precisionOf({ sparse }: SamplerNetwork): Precision {
  return precisionOfMatrix(sparse[0]);
}

/** Whether a voice speaks faster in a precision than in float32 on these kernels: measured, see docs/performance.md. */
export function isFaster(precision: Precision, kernels: KernelName): boolean {
  if (precision === 'bf16') return kernels.startsWith('avx512');
  return precision === 'int8' && kernels !== 'generic' && kernels !== 'reference';
}

/** The network with its matrices rounded to a precision. */
export function withPrecision(network: SampleRateNetwork, precision: Precision): SamplerNetwork {
  return { ...network, sparse: network.sparse.map((matrix, i) => rounded(matrix, matrixPrecisions[precision][i])) };
}

/** One matrix rounded to a precision. */
export function rounded(matrix: BlockMatrix, precision: Precision): StoredMatrix {
  switch (precision) {
    case 'float32':
      return matrix;
    case 'bf16':
      return { ...matrix, values: toBf16(matrix.values) };
    case 'int8':
      return toInt8(matrix);
  }
}

/** Float32 to bf16, to the nearest, ties to even. */
export function toBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
}

export function fromBf16(values: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(values, (half) => half << 16).buffer);
}

/** The largest weight of each row becomes ±127, the others the nearest whole number. */
function toInt8(matrix: BlockMatrix): Int8Matrix {
  const { rows, values } = matrix;
  const scale = new Float32Array(rows);
  forEachWeight(matrix, (row, k) => (scale[row] = Math.max(scale[row], Math.abs(values[k]) / 127)));
  const whole = new Int8Array(values.length);
  // A subnormal scale may be too small by half: the bound is not for rounding alone.
  forEachWeight(
    matrix,
    (row, k) => (whole[k] = scale[row] > 0 ? Math.max(-127, Math.min(127, Math.round(values[k] / scale[row]))) : 0),
  );
  return { ...matrix, values: whole, scale };
}

/** Calls f with the row and the index of every stored weight. */
function forEachWeight(
  { rows, blockRows, blockColumns, rowStart }: BlockMatrix,
  f: (row: number, k: number) => void,
): void {
  const size = blockRows * blockColumns;
  for (let i = 0; i < rows / blockRows; i++)
    for (let k = rowStart[i] * size; k < rowStart[i + 1] * size; k++) f(i * blockRows + (k % blockRows), k);
}

/** The network in float32 again, its weights the rounded ones. */
export function inFloat32(network: SamplerNetwork): SampleRateNetwork {
  return { ...network, sparse: network.sparse.map(matrixInFloat32) };
}

export function matrixInFloat32(matrix: StoredMatrix): BlockMatrix {
  if (isFloat32(matrix)) return matrix;
  if (!isInt8(matrix)) return { ...matrix, values: fromBf16(matrix.values) };
  const { scale, ...structure } = matrix;
  const values = Float32Array.from(matrix.values);
  forEachWeight({ ...structure, values }, (row, k) => (values[k] *= scale[row]));
  return { ...structure, values };
}
