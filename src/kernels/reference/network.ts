import type { SamplerNetwork } from '../interface/kernels.js';
import { multiplyStored } from './products.js';

// One sample of one lane through the network of Kalchbrenner et al. 2018, eq. 2, in double. Training and sampling share
// it.

/**
 * What a step of the GRU leaves behind, each [H]: the gates u and r, R_e h, the candidate e, and the states around it.
 */
export interface GruStep {
  readonly before: Float64Array;
  readonly u: Float64Array;
  readonly r: Float64Array;
  readonly product: Float64Array;
  readonly e: Float64Array;
  readonly after: Float64Array;
}

/** One softmax: the rectified layer [P] and the natural logarithms of the probabilities [Q]. */
export interface Output {
  readonly hidden: Float64Array;
  readonly logProbabilities: Float64Array;
}

/** Indices of the tensors that make the coarse symbol (0) and the fine one (1). */
export const halves = [
  { hiddenMatrix: 1, logitMatrix: 2, hiddenBias: 1, logitBias: 2 },
  { hiddenMatrix: 3, logitMatrix: 4, hiddenBias: 3, logitBias: 4 },
] as const;

/** A symbol 0 … Q-1 as the network is fed it, in [-1, 1]. */
export function scaled(symbol: number, classes: number): number {
  return (symbol * 2) / (classes - 1) - 1;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function emptyStep(before: Float64Array): GruStep {
  const array = () => new Float64Array(before.length);
  return { before, u: array(), r: array(), product: array(), e: array(), after: array() };
}

/** R h [3H]. */
export function recurrentProducts({ hidden, sparse }: SamplerNetwork, before: Float64Array): Float64Array {
  const products = new Float64Array(3 * hidden);
  multiplyStored(sparse[0], before, products);
  return products;
}

/**
 * One half of the state, 0 coarse or 1 fine. The reset gate acts after the product. Only the fine half sees the third
 * input, so that the coarse symbol can be drawn before that input is known.
 * @param gate [3H] conditioning of the frame
 * @param inputs c[t-1], f[t-1], c[t], and cues, in [-1, 1]
 */
export function gruHalf(
  network: SamplerNetwork,
  half: number,
  products: Float64Array,
  gate: Float32Array,
  inputs: readonly number[],
  step: GruStep,
): void {
  const { hidden, dense } = network;
  const { before, u, r, product, e, after } = step;
  const weights = dense[0];
  const drive = (row: number): number => {
    let sum = gate[row];
    for (let c = 0; c < inputs.length; c++)
      if (c !== 2 || half === 1) sum += weights[inputs.length * row + c] * inputs[c];
    return sum;
  };
  for (let i = (half * hidden) / 2; i < ((half + 1) * hidden) / 2; i++) {
    u[i] = sigmoid(products[i] + drive(i));
    r[i] = sigmoid(products[hidden + i] + drive(hidden + i));
    product[i] = products[2 * hidden + i];
    e[i] = Math.tanh(r[i] * product[i] + drive(2 * hidden + i));
    after[i] = u[i] * before[i] + (1 - u[i]) * e[i];
  }
}

/** log softmax((O_2 relu(O_1 y + b_1) + b_2) / temperature) of one half of the state. */
export function output(network: SamplerNetwork, half: number, state: Float64Array, temperature: number): Output {
  const { projection, classes, sparse, dense } = network;
  const { hiddenMatrix, logitMatrix, hiddenBias, logitBias } = halves[half];
  const hidden = new Float64Array(projection);
  multiplyStored(sparse[hiddenMatrix], halfOf(state, half), hidden);
  for (let i = 0; i < projection; i++) hidden[i] = Math.max(0, hidden[i] + dense[hiddenBias][i]);
  const logits = new Float64Array(classes);
  multiplyStored(sparse[logitMatrix], hidden, logits);
  for (let i = 0; i < classes; i++) logits[i] = (logits[i] + dense[logitBias][i]) / temperature;
  // Subtracting the largest logit first keeps exp from overflowing.
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const logTotal = largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  return { hidden, logProbabilities: logits.map((logit) => logit - logTotal) };
}

/** The half of a state that makes the coarse (0) or the fine (1) symbol, as a view. */
export function halfOf(state: Float64Array, half: number): Float64Array {
  const length = state.length / 2;
  return state.subarray(half * length, (half + 1) * length);
}
