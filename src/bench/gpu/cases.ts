import { RandomStream } from '../../base/random.js';
import type { Kernels, SampleRateNetwork, SequenceBatch, SequenceGradients } from '../../kernels/index.js';
import type { BlockMatrix, BlockShape } from '../../kernels/interface/blocks.js';

/** A call of the kernels: networks with random masks and weights, random audio. */
export interface GpuCase {
  readonly name: string;
  readonly hidden: number;
  readonly classes: number;
  readonly cues: number;
  readonly block: BlockShape;
  /** Share of the blocks that are kept, the same in each row of blocks. */
  readonly density: number;
  readonly members: number;
  /** Of all members together. */
  readonly lanes: number;
  readonly steps: number;
  readonly hop: number;
  readonly phase: number;
}

const [tall, wide]: BlockShape[] = [
  { rows: 16, columns: 1 },
  { rows: 16, columns: 4 },
];

/** The network of the recipes' sizes, as docs/performance.md measures it, but with what it hears by default. */
const sized = (name: string, hidden: number, density: number, rest: Partial<GpuCase>): GpuCase => ({
  name,
  hidden,
  density,
  classes: 32,
  cues: 4,
  block: tall,
  members: 1,
  lanes: 512,
  steps: 960,
  hop: 256,
  phase: 100,
  ...rest,
});

/** What is compared with other kernels: small enough to keep what is expected in a file. */
export const checkedCases: readonly GpuCase[] = [
  sized('members-cues', 32, 0.3, { members: 2, lanes: 22, steps: 40, hop: 16, phase: 5 }),
  sized('wide-blocks', 64, 0.3, { block: wide, cues: 0, lanes: 9, steps: 30, hop: 8, phase: 3 }),
  sized('linear16', 64, 0.3, { classes: 256, cues: 0, lanes: 5, steps: 20, hop: 100, phase: 90 }),
  sized('small', 384, 0.1, { members: 2, lanes: 64, steps: 100 }),
  sized('medium', 1024, 0.05, { lanes: 20, steps: 60 }),
  sized('large', 1792, 0.03, { lanes: 9, steps: 40 }),
];

/** What is timed. */
export const timedCases: readonly GpuCase[] = [
  sized('small', 384, 0.1, {}),
  sized('small', 384, 0.1, { lanes: 1024 }),
  sized('small', 384, 0.1, { members: 4 }),
  sized('medium', 1024, 0.05, {}),
  sized('medium', 1024, 0.05, { lanes: 1024 }),
  sized('large', 1792, 0.03, {}),
  sized('large', 1792, 0.03, { lanes: 1024 }),
];

/** For a trial of the tools themselves, on a driver without a GPU. */
export const tinyCases: { readonly checked: readonly GpuCase[]; readonly timed: readonly GpuCase[] } = {
  checked: checkedCases.slice(0, 1),
  timed: [sized('tiny', 32, 0.3, { lanes: 16, steps: 20 })],
};

/** The networks and the audio of a case: a pure function of it. */
export function inputsOf(given: GpuCase): { members: SampleRateNetwork[]; batch: SequenceBatch } {
  const { hidden, classes, cues, block, density, lanes, steps, hop, phase } = given;
  const stream = new RandomStream(1, 80);
  const normals = (length: number, deviation: number) =>
    Float32Array.from({ length }, () => deviation * stream.normal());
  const projection = hidden / 2;
  const matrix = (rows: number, columns: number, gain: number): BlockMatrix => {
    const width = columns / block.columns;
    const kept = Math.max(1, Math.round(density * width));
    const rowStart = Int32Array.from({ length: rows / block.rows + 1 }, (_, i) => i * kept);
    const all = Array.from({ length: width }, (_, c) => c);
    const drawn = () => stream.shuffle(all.slice()).slice(0, kept);
    const rowsOfBlocks = Array.from({ length: rows / block.rows }, () => drawn().sort((a, b) => a - b));
    const column = Int32Array.from(rowsOfBlocks.flat());
    const values = normals(column.length * block.rows * block.columns, gain / Math.sqrt(kept * block.columns));
    return { rows, columns, blockRows: block.rows, blockColumns: block.columns, rowStart, column, values };
  };
  const members = Array.from({ length: given.members }, () => ({
    hidden,
    projection,
    classes,
    sparse: [
      matrix(3 * hidden, hidden, 1),
      matrix(projection, hidden / 2, 1.4),
      matrix(classes, projection, 1.4),
      matrix(projection, hidden / 2, 1.4),
      matrix(classes, projection, 1.4),
    ],
    dense: [
      normals(3 * hidden * (3 + cues), 0.3),
      ...[projection, classes, projection, classes].map((length) => normals(length, 0.3)),
    ],
  }));
  const frames = Math.ceil((phase + steps) / hop);
  const symbols = (length: number) => Uint16Array.from({ length }, () => stream.below(classes ** 2));
  const batch: SequenceBatch = {
    lanes,
    steps,
    hop,
    phase,
    frames,
    codes: symbols(lanes * (steps + 1)),
    heard: symbols(lanes * steps),
    gate: normals(lanes * frames * 3 * hidden, 0.5),
    state: normals(lanes * hidden, 0.3),
    nll: new Float32Array(lanes * steps),
    ...(cues > 0 && { cues: normals(lanes * steps * cues, 0.5) }),
  };
  return { members, batch };
}

/** Arrays for the gradients of a case. */
export function gradientsFor({ members, batch }: ReturnType<typeof inputsOf>): SequenceGradients[] {
  return members.map(({ sparse, dense }) => ({
    gate: new Float32Array(batch.gate.length / members.length),
    sparse: sparse.map(({ values }) => new Float32Array(values.length)),
    dense: dense.map(({ length }) => new Float32Array(length)),
  }));
}

/** Everything that the kernels make of a case, as one array by name. */
export function resultsOf(given: GpuCase, kernels: Kernels): Map<string, Float32Array> {
  const inputs = inputsOf(given);
  const gradients = gradientsFor(inputs);
  const { members, batch } = inputs;
  kernels.memberGradients(members, batch, 1 / (batch.lanes * batch.steps), gradients);
  return new Map([
    ['nll', batch.nll!],
    ['state', batch.state!],
    ...gradients.flatMap(({ gate, sparse, dense }, m): [string, Float32Array][] => [
      [`${m}.gate`, gate],
      ...sparse.map((array, i): [string, Float32Array] => [`${m}.sparse.${i}`, array]),
      ...dense.map((array, i): [string, Float32Array] => [`${m}.dense.${i}`, array]),
    ]),
  ]);
}
