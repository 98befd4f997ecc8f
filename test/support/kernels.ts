import type { RandomStream } from '../../src/base/random.js';
import type { BlockMatrix, BlockShape } from '../../src/kernels/interface/blocks.js';
import {
  cuesOf,
  type SampleRateNetwork,
  type SequenceBatch,
  type SequenceGradients,
} from '../../src/kernels/interface/kernels.js';

/**
 * How far kernels in float32 may be from the same arithmetic in double: the largest difference over the largest value
 * of the array. One rounding is 6e-8; exp is good to 2e-7. A product sums up to some hundred terms, which may cancel.
 * In a sequence the errors of the state pass through all steps, and gradients pass back through as many again.
 * Probabilities are compared one by one, relative to themselves: an error of a logit, which may be 40, is one of its
 * exponent.
 */
export const tolerances = { product: 5e-6, loss: 1e-6, state: 5e-6, gradient: 5e-6, probability: 1e-4 } as const;

/** The block shapes that the kernels have. */
export const blockShapes: readonly BlockShape[] = [
  { rows: 16, columns: 1 },
  { rows: 4, columns: 4 },
  { rows: 1, columns: 1 },
  { rows: 16, columns: 4 },
  { rows: 8, columns: 4 },
];

/** Standard normal numbers times `scale`. */
export function normals(stream: RandomStream, length: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, () => scale * stream.normal());
}

/**
 * A block matrix with `count(block row)` blocks, at random places, in each block row; weights normal with deviation
 * `scale`.
 */
export function randomBlockMatrix(
  stream: RandomStream,
  rows: number,
  columns: number,
  shape: BlockShape,
  count: (blockRow: number) => number,
  scale = 1,
): BlockMatrix {
  const places = Array.from({ length: rows / shape.rows }, (_, i) => {
    const all = Array.from({ length: columns / shape.columns }, (_, j) => j);
    return stream
      .shuffle(all)
      .slice(0, count(i))
      .sort((a, b) => a - b);
  });
  const rowStart = new Int32Array(places.length + 1);
  places.forEach((place, i) => (rowStart[i + 1] = rowStart[i] + place.length));
  const column = Int32Array.from(places.flat());
  const values = normals(stream, column.length * shape.rows * shape.columns, scale);
  return { rows, columns, blockRows: shape.rows, blockColumns: shape.columns, rowStart, column, values };
}

/** Row, column and value of every stored weight, in the order of `values`. */
export function* entries({
  rowStart,
  column,
  values,
  blockRows,
  blockColumns,
}: BlockMatrix): Generator<[row: number, column: number, value: number]> {
  let index = 0;
  for (let i = 0; i + 1 < rowStart.length; i++)
    for (const block of column.subarray(rowStart[i], rowStart[i + 1]))
      for (let c = 0; c < blockColumns; c++)
        for (let r = 0; r < blockRows; r++) yield [i * blockRows + r, block * blockColumns + c, values[index++]];
}

/** The dense masked matrix, row by row. */
export function dense(matrix: BlockMatrix): number[][] {
  const rows = Array.from({ length: matrix.rows }, () => new Array<number>(matrix.columns).fill(0));
  for (const [row, column, value] of entries(matrix)) rows[row][column] = value;
  return rows;
}

export interface NetworkSize {
  readonly hidden: number;
  readonly projection: number;
  readonly classes: number;
  readonly shape: BlockShape;
  /** Cues that the network hears; default 0. */
  readonly cues?: number;
}

/**
 * A network with about a third of its blocks. The first block row is half full, the others hold from none to two thirds
 * of all blocks. Gates are neither dead nor saturated, and symbols are far from equally likely.
 */
export function randomNetwork(
  stream: RandomStream,
  { hidden, projection, classes, shape, cues = 0 }: NetworkSize,
): SampleRateNetwork {
  const sparse = [
    [3 * hidden, hidden, 1.5],
    [projection, hidden / 2, 4],
    [classes, projection, 2],
    [projection, hidden / 2, 4],
    [classes, projection, 2],
  ].map(([rows, columns, gain]) => {
    const blocks = columns / shape.columns;
    const count = (i: number) => (i === 0 ? blocks / 2 : stream.below(Math.floor((2 * blocks) / 3) + 1));
    return randomBlockMatrix(stream, rows, columns, shape, count, gain / Math.sqrt(columns / 3));
  });
  const input = normals(stream, 3 * (3 + cues) * hidden, 0.7);
  // The weights of c[t] in the coarse half do not exist: whatever stands there must not matter.
  for (let row = 0; row < 3 * hidden; row++) if (row % hidden < hidden / 2) input[(3 + cues) * row + 2] = 1000;
  const biases = [projection, classes, projection, classes].map((length) => normals(stream, length, 0.5));
  return { hidden, projection, classes, sparse, dense: [input, ...biases] };
}

export interface BatchSize {
  readonly lanes: number;
  readonly steps: number;
  readonly hop: number;
  readonly phase?: number;
  readonly lengths?: readonly number[];
  /** Whether the steps hear other samples than those before them. */
  readonly heard?: boolean;
}

/** Random audio and gate conditioning, a random state, and room for the nats of each sample. */
export function randomBatch(
  stream: RandomStream,
  network: SampleRateNetwork,
  { lanes, steps, hop, phase = 0, lengths, heard }: BatchSize,
) {
  const { hidden, classes } = network;
  const frames = Math.ceil((phase + steps) / hop);
  return {
    lanes,
    steps,
    hop,
    phase,
    frames,
    codes: Uint16Array.from({ length: lanes * (steps + 1) }, () => stream.below(classes * classes)),
    gate: normals(stream, lanes * frames * 3 * hidden),
    state: normals(stream, lanes * hidden, 0.5),
    nll: new Float32Array(lanes * steps),
    ...(cuesOf(network) > 0 && { cues: normals(stream, lanes * steps * cuesOf(network), 0.5) }),
    ...(heard && { heard: Uint16Array.from({ length: lanes * steps }, () => stream.below(classes * classes)) }),
    ...(lengths && { lengths: Int32Array.from(lengths) }),
  } satisfies SequenceBatch;
}

/** A batch whose gate conditioning is to come from features, from a state of zeros. */
export function withoutGate<T extends SequenceBatch>(batch: T): Omit<T, 'gate' | 'state'> {
  const kept = Object.entries(batch).filter(([name]) => name !== 'gate' && name !== 'state');
  return Object.fromEntries(kept) as Omit<T, 'gate' | 'state'>;
}

/** The same batch with arrays of its own to write to; `nll` is full of NaN, so that the kernels must overwrite it. */
export function freshBatch<T extends SequenceBatch>(batch: T): T & { state: Float32Array; nll: Float32Array } {
  const state = batch.state?.slice() ?? new Float32Array(0);
  return { ...batch, state, nll: new Float32Array(batch.lanes * batch.steps).fill(NaN) };
}

/** Arrays for all gradients, full of NaN: the kernels must overwrite them. */
export function emptyGradients(network: SampleRateNetwork, batch: SequenceBatch): SequenceGradients {
  const like = (length: number) => new Float32Array(length).fill(NaN);
  return {
    gate: like(batch.gate.length),
    sparse: network.sparse.map(({ values }) => like(values.length)),
    dense: network.dense.map(({ length }) => like(length)),
  };
}

/** Names and arrays of all gradients. */
export function namedGradients({ gate, sparse, dense }: SequenceGradients): [name: string, array: Float32Array][] {
  return [
    ['gate', gate],
    ...sparse.map((array, i): [string, Float32Array] => [`sparse[${i}]`, array]),
    ...dense.map((array, i): [string, Float32Array] => [`dense[${i}]`, array]),
  ];
}

/**
 * Sizes with ragged edges: lanes around the group of 16, frames that end inside a chunk of steps, hops of 1 and longer
 * than all.
 */
export const sequenceCases: readonly (NetworkSize & BatchSize)[] = [
  { hidden: 32, projection: 16, classes: 32, shape: blockShapes[0], lanes: 1, steps: 1, hop: 1 },
  {
    hidden: 32,
    projection: 16,
    classes: 32,
    shape: blockShapes[2],
    lanes: 15,
    steps: 37,
    hop: 5,
    phase: 3,
    heard: true,
  },
  { hidden: 64, projection: 48, classes: 32, shape: blockShapes[1], lanes: 33, steps: 18, hop: 1 },
  { hidden: 64, projection: 32, classes: 256, shape: blockShapes[0], lanes: 16, steps: 32, hop: 100, phase: 99 },
  {
    hidden: 96,
    projection: 48,
    classes: 256,
    shape: blockShapes[0],
    lanes: 17,
    steps: 21,
    hop: 7,
    phase: 6,
    heard: true,
  },
  {
    hidden: 96,
    projection: 16,
    classes: 256,
    shape: blockShapes[1],
    lanes: 3,
    steps: 50,
    hop: 20,
    phase: 11,
    lengths: [50, 0, 33],
  },
  {
    hidden: 64,
    projection: 32,
    classes: 32,
    shape: blockShapes[2],
    lanes: 18,
    steps: 30,
    hop: 16,
    lengths: [30, 29, 1, 0, 16, 17, 15, 7, 30, 2, 0, 0, 21, 5, 5, 30, 0, 12],
  },
  { hidden: 64, projection: 32, classes: 32, shape: blockShapes[3], lanes: 17, steps: 20, hop: 6 },
  { hidden: 96, projection: 48, classes: 32, shape: blockShapes[4], lanes: 16, steps: 20, hop: 6, phase: 5 },
  {
    hidden: 64,
    projection: 32,
    classes: 32,
    shape: blockShapes[0],
    cues: 4,
    lanes: 17,
    steps: 23,
    hop: 5,
    heard: true,
  },
  { hidden: 64, projection: 32, classes: 32, shape: blockShapes[2], cues: 4, lanes: 5, steps: 22, hop: 8, phase: 5 },
  { hidden: 96, projection: 32, classes: 32, shape: blockShapes[3], cues: 4, lanes: 33, steps: 17, hop: 4 },
];

/** A case in words, for the name of its test. */
export function describeCase({
  hidden,
  projection,
  classes,
  shape,
  lanes,
  steps,
  hop,
  phase = 0,
  lengths,
  heard,
  cues,
}: NetworkSize & BatchSize): string {
  const sizes = `hidden ${hidden}, projection ${projection}, ${classes} classes, blocks ${shape.rows}×${shape.columns}`;
  return (
    `${sizes}, ${lanes} lanes of ${steps} steps${lengths ? ' at most' : ''}, hop ${hop} from ` +
    `${phase}${heard ? ', hearing others' : ''}${cues ? `, ${cues} cues` : ''}`
  );
}

/** Throws unless the largest difference is within `tolerance` times the largest expected value; NaN is never close. */
export function assertClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  if (actual.length !== expected.length)
    throw new Error(`${name} has ${actual.length} elements, expected ${expected.length}`);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  for (let i = 0; i < expected.length; i++)
    if (!(Math.abs(actual[i] - expected[i]) <= tolerance * largest))
      throw new Error(`${name}[${i}] is ${actual[i]}, expected ${expected[i]} ± ${tolerance * largest}`);
}
