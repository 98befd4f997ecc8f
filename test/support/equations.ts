import type { SampleRateNetwork, SequenceBatch } from '../../src/kernels/interface/kernels.js';
import { dense } from './kernels.js';

/**
 * Nats of each sample of one lane, and the state after the last: Kalchbrenner et al. 2018, eq. 2, written once more
 * over dense matrices and plain lists, with nothing shared with any kernel.
 */
export function equations(
  network: SampleRateNetwork,
  batch: SequenceBatch,
  lane: number,
): { nll: number[]; state: number[] } {
  const { hidden: H, classes: Q } = network;
  const [R, O1, O2, O3, O4] = network.sparse.map(dense);
  const [I, b1, b2, b3, b4] = network.dense.map((array) => [...array]);
  const times = (matrix: number[][], x: number[]) =>
    matrix.map((row) => row.reduce((sum, weight, j) => sum + weight * x[j], 0));
  const plus = (a: number[], b: number[]) => a.map((value, i) => value + b[i]);
  const relu = (x: number[]) => x.map((value) => (value > 0 ? value : 0));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const nats = (logits: number[], target: number) =>
    Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - logits[target]), 0));

  const codes = batch.codes.slice(lane * (batch.steps + 1), (lane + 1) * (batch.steps + 1));
  const nll: number[] = [];
  let h = batch.state ? [...batch.state.slice(lane * H, (lane + 1) * H)] : new Array<number>(H).fill(0);
  for (let t = 0; t < batch.steps; t++) {
    const frame = lane * batch.frames + Math.floor((batch.phase + t) / batch.hop);
    const g = [...batch.gate.slice(frame * 3 * H, (frame + 1) * 3 * H)];
    const [coarse, fine] = [Math.floor(codes[t + 1] / Q), codes[t + 1] % Q];
    const before = batch.heard ? batch.heard[lane * batch.steps + t] : codes[t];
    const E = I.length / (3 * H) - 3;
    const cues = [...(batch.cues ?? [])].slice((lane * batch.steps + t) * E, (lane * batch.steps + t + 1) * E);
    const x = [Math.floor(before / Q), before % Q, coarse].map((symbol) => (2 * symbol) / (Q - 1) - 1).concat(cues);
    const Ix = Array.from({ length: 3 * H }, (_, row) =>
      x.reduce((sum, value, c) => (c === 2 && row % H < H / 2 ? sum : sum + value * I[(3 + E) * row + c]), 0),
    );
    const Rh = times(R, h);
    h = h.map((last, i) => {
      const u = sigmoid(Rh[i] + Ix[i] + g[i]);
      const r = sigmoid(Rh[H + i] + Ix[H + i] + g[H + i]);
      const e = Math.tanh(r * Rh[2 * H + i] + Ix[2 * H + i] + g[2 * H + i]);
      return u * last + (1 - u) * e;
    });
    const coarseLogits = plus(times(O2, relu(plus(times(O1, h.slice(0, H / 2)), b1))), b2);
    const fineLogits = plus(times(O4, relu(plus(times(O3, h.slice(H / 2)), b3))), b4);
    nll.push(nats(coarseLogits, coarse) + nats(fineLogits, fine));
  }
  return { nll, state: h };
}
