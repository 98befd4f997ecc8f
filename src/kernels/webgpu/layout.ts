import { cuesOf, type SampleRateNetwork } from '../interface/kernels.js';
import { backwardSlices, forwardSlices } from './slices.js';

/** Rows of a block on the GPU, whatever block shape the network has. */
export const stripRows = 16;

/** What the shaders are written for. */
export interface NetworkSizes {
  /** H. */
  readonly hidden: number;
  /** P. */
  readonly projection: number;
  /** Q. */
  readonly classes: number;
  /** Inputs of the GRU: c[t-1], f[t-1], c[t], and cues. */
  readonly inputs: number;
}

export function sizesOf(network: SampleRateNetwork): NetworkSizes {
  const { hidden, projection, classes } = network;
  return { hidden, projection, classes, inputs: 3 + cuesOf(network) };
}

/** Index of the first dense tensor among the matrices of a member. */
export const firstDense = 5;

/**
 * Where the matrices of a member are. All ten tensors are matrices of 16×1 blocks: the sparse ones, then the dense
 * ones, which lack no block; a bias has one column, whose input is 1.
 */
export interface Layout {
  /** Rows and columns of each matrix. */
  readonly shapes: readonly (readonly [rows: number, columns: number])[];
  /** Of the first strip of each matrix in the row starts of a member. */
  readonly rowOffset: readonly number[];
  readonly rowStride: number;
  /**
   * Of the four output matrices, in the slices of a member (see slices.ts): the first slice of each, forwards and
   * backwards, and how many there are.
   */
  readonly outputSlices: {
    readonly forward: readonly number[];
    readonly forwardStride: number;
    readonly backward: readonly number[];
    readonly backwardStride: number;
  };
}

export function layoutOf({ hidden, projection, classes, inputs }: NetworkSizes): Layout {
  const outputs = [
    [projection, hidden / 2],
    [classes, projection],
    [projection, hidden / 2],
    [classes, projection],
  ] as const;
  const biases = [projection, classes, projection, classes].map((rows) => [rows, 1] as const);
  const shapes = [[3 * hidden, hidden] as const, ...outputs, [3 * hidden, inputs] as const, ...biases];
  const [rowOffset, rowStride] = offsets(shapes.map(([rows]) => rows / stripRows + 1));
  const [forward, forwardStride] = offsets(outputs.map(([rows]) => forwardSlices(rows / stripRows)));
  const [backward, backwardStride] = offsets(outputs.map(([, columns]) => backwardSlices(columns)));
  return { shapes, rowOffset, rowStride, outputSlices: { forward, forwardStride, backward, backwardStride } };
}

/** Where each of some stretches begins, and where the last one ends. */
function offsets(lengths: readonly number[]): [readonly number[], number] {
  let end = 0;
  return [lengths.map((length) => (end += length) - length), end];
}
