import { allBlocks, type BlockStructure, type GradientBlocks } from '../interface/blocks.js';
import { cuesOf, type SampleRateNetwork, type SequenceBatch, type SequenceGradients } from '../interface/kernels.js';
import type { GruStep, Output } from './network.js';
import { emptyStep, gruHalf, halfOf, halves, output, recurrentProducts, scaled } from './network.js';
import { addTransposed, addWeights } from './products.js';

/** All that the backward pass needs of a step. */
interface StepRecord {
  readonly frame: number;
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
  readonly gru: GruStep;
  readonly outputs: readonly Output[];
}

/** Gradients are summed over steps and lanes in double and rounded once. */
interface GradientSums {
  readonly gate: Float64Array;
  /** The blocks of each matrix that have gradients. */
  readonly at: readonly BlockStructure[];
  readonly sparse: readonly Float64Array[];
  readonly dense: readonly Float64Array[];
}

/**
 * Teacher-forced loss in nats of each lane, and with `gradients` those of `scale` times its sum, by back-propagation
 * through all steps. Lanes are independent: one after the other. Arguments are taken as checked.
 */
export function referenceSequence(
  network: SampleRateNetwork,
  batch: SequenceBatch,
  scale: number,
  gradients: SequenceGradients | null,
  blocks?: GradientBlocks,
): Float64Array {
  const loss = new Float64Array(batch.lanes);
  const doubles = (arrays: readonly Float32Array[]) => arrays.map((array) => new Float64Array(array.length));
  const laneGate = batch.frames * 3 * network.hidden;
  const sums: GradientSums = {
    gate: new Float64Array(laneGate),
    at: blocks === 'all' ? network.sparse.map(allBlocks) : network.sparse,
    sparse: gradients ? doubles(gradients.sparse) : [],
    dense: gradients ? doubles(gradients.dense) : [],
  };
  for (let lane = 0; lane < batch.lanes; lane++) {
    const length = batch.lengths ? batch.lengths[lane] : batch.steps;
    const records: StepRecord[] = [];
    let state: Float64Array = new Float64Array(network.hidden);
    if (batch.state) state.set(batch.state.subarray(lane * network.hidden, (lane + 1) * network.hidden));
    for (let t = 0; t < batch.steps; t++) {
      const record = forwardStep(network, batch, lane, t, state);
      const nats =
        t < length
          ? -record.outputs[0].logProbabilities[record.targets[0]] -
            record.outputs[1].logProbabilities[record.targets[1]]
          : 0;
      loss[lane] += nats;
      if (batch.nll) batch.nll[lane * batch.steps + t] = nats;
      if (gradients) records.push(record);
      state = record.gru.after;
    }
    batch.state?.set(state, lane * network.hidden);
    if (!gradients) continue;

    sums.gate.fill(0);
    let dh: Float64Array = new Float64Array(network.hidden);
    for (let t = batch.steps - 1; t >= 0; t--) {
      if (t < length) backwardOutputs(network, records[t], scale, sums, dh);
      dh = backwardGru(network, records[t], sums, dh);
    }
    gradients.gate.set(sums.gate, lane * laneGate);
  }
  gradients?.sparse.forEach((array, i) => array.set(sums.sparse[i]));
  gradients?.dense.forEach((array, i) => array.set(sums.dense[i]));
  return loss;
}

/** The lanes first … first+count−1 of a batch; arrays that are written to are shared with it. */
export function someLanes(batch: SequenceBatch, first: number, count: number): SequenceBatch {
  const cut = <T extends { length: number; subarray(from: number, to: number): T }>(
    array: T | undefined,
  ): T | undefined => {
    const perLane = (array?.length ?? 0) / batch.lanes;
    return array?.subarray(first * perLane, (first + count) * perLane);
  };
  const { codes, heard, cues, gate, lengths, state, nll } = batch;
  return {
    ...batch,
    lanes: count,
    codes: cut(codes) as Uint16Array,
    gate: cut(gate) as Float32Array,
    heard: cut(heard),
    cues: cut(cues),
    lengths: cut(lengths),
    state: cut(state),
    nll: cut(nll),
  };
}

function forwardStep(
  network: SampleRateNetwork,
  batch: SequenceBatch,
  lane: number,
  t: number,
  before: Float64Array,
): StepRecord {
  const { hidden, classes } = network;
  const code = batch.heard ? batch.heard[lane * batch.steps + t] : batch.codes[lane * (batch.steps + 1) + t];
  const next = batch.codes[lane * (batch.steps + 1) + t + 1];
  const targets = [Math.floor(next / classes), next % classes];
  const symbols = [Math.floor(code / classes), code % classes, targets[0]].map((symbol) => scaled(symbol, classes));
  const cues = cuesOf(network);
  const cuesAt = (lane * batch.steps + t) * cues;
  const inputs = [...symbols, ...(batch.cues?.subarray(cuesAt, cuesAt + cues) ?? [])];
  const frame = Math.floor((batch.phase + t) / batch.hop);
  const gateStart = (lane * batch.frames + frame) * 3 * hidden;
  const gate = batch.gate.subarray(gateStart, gateStart + 3 * hidden);
  const gru = emptyStep(before);
  const products = recurrentProducts(network, before);
  for (const half of [0, 1]) gruHalf(network, half, products, gate, inputs, gru);
  return { frame, inputs, targets, gru, outputs: [0, 1].map((half) => output(network, half, gru.after, 1)) };
}

/** Adds what both softmaxes of a step send back to the state, to dh [H]. */
function backwardOutputs(
  { sparse }: SampleRateNetwork,
  record: StepRecord,
  scale: number,
  sums: GradientSums,
  dh: Float64Array,
): void {
  halves.forEach(({ hiddenMatrix, logitMatrix, hiddenBias, logitBias }, half) => {
    const { hidden, logProbabilities } = record.outputs[half];
    const dLogits = logProbabilities.map((log, i) => scale * (Math.exp(log) - (i === record.targets[half] ? 1 : 0)));
    addWeights(sums.at[logitMatrix], dLogits, hidden, sums.sparse[logitMatrix]);
    dLogits.forEach((d, i) => (sums.dense[logitBias][i] += d));
    const dHidden = new Float64Array(hidden.length);
    addTransposed(sparse[logitMatrix], dLogits, dHidden);
    hidden.forEach((y, i) => (dHidden[i] = y > 0 ? dHidden[i] : 0));
    addWeights(sums.at[hiddenMatrix], dHidden, halfOf(record.gru.after, half), sums.sparse[hiddenMatrix]);
    dHidden.forEach((d, i) => (sums.dense[hiddenBias][i] += d));
    addTransposed(sparse[hiddenMatrix], dHidden, halfOf(dh, half));
  });
}

/** From dh [H] after the step to dh before it. */
function backwardGru(
  { hidden, sparse }: SampleRateNetwork,
  record: StepRecord,
  sums: GradientSums,
  dh: Float64Array,
): Float64Array {
  const { before, u, r, product, e } = record.gru;
  const dhBefore = new Float64Array(hidden);
  // Gradients of the arguments of σ, σ, tanh, and of the three products R h: they differ where the reset gate stands
  // between.
  const dArguments = new Float64Array(3 * hidden);
  const dProducts = new Float64Array(3 * hidden);
  for (let i = 0; i < hidden; i++) {
    const dCandidate = dh[i] * (1 - u[i]) * (1 - e[i] * e[i]);
    dArguments[i] = dh[i] * (before[i] - e[i]) * u[i] * (1 - u[i]);
    dArguments[hidden + i] = dCandidate * product[i] * r[i] * (1 - r[i]);
    dArguments[2 * hidden + i] = dCandidate;
    dProducts[i] = dArguments[i];
    dProducts[hidden + i] = dArguments[hidden + i];
    dProducts[2 * hidden + i] = dCandidate * r[i];
    dhBefore[i] = dh[i] * u[i];
  }
  addTransposed(sparse[0], dProducts, dhBefore);
  addWeights(sums.at[0], dProducts, before, sums.sparse[0]);
  for (let row = 0; row < 3 * hidden; row++) {
    sums.gate[record.frame * 3 * hidden + row] += dArguments[row];
    // The third input feeds only the fine half of the state.
    record.inputs.forEach((input, c) => {
      if (c !== 2 || row % hidden >= hidden / 2)
        sums.dense[0][record.inputs.length * row + c] += dArguments[row] * input;
    });
  }
  return dhBefore;
}
