import { cueCounts } from '../../kernels/interface/listener.js';

/**
 * The WaveRNN's sizes. The names below are used everywhere: voice files, checkpoints, kernels, tests.
 *
 * Sample-rate network (Kalchbrenner et al. 2018, arXiv 1802.08435, eq. 2), H = hidden, P = projection, Q = classes:
 *
 * | tensor         | symbol | shape       | kind                                                             |
 * | -------------- | ------ | ----------- | ---------------------------------------------------------------- |
 * | recurrent      | R      | 3H × H      | block-sparse; rows: update gate, reset gate, candidate           |
 * | input          | I*     | 3H × (3+E)  | dense; columns: c[t-1], f[t-1], c[t], E cues; c[t] only feeds the fine half (rows i with i mod H ≥ H/2) |
 * | coarseHidden   | O1     | P × H/2     | block-sparse, with coarseHiddenBias [P]                          |
 * | coarseLogits   | O2     | Q × P       | block-sparse, with coarseLogitsBias [Q]                          |
 * | fineHidden     | O3     | P × H/2     | block-sparse, with fineHiddenBias [P]                            |
 * | fineLogits     | O4     | Q × P       | block-sparse, with fineLogitsBias [Q]                            |
 *
 * The biases of the GRU's gates are those of the conditioning network's last layer.
 */
export interface WaveRnnConfig {
  /** H, a multiple of 32. The first half of the state makes the coarse symbol, the second half the fine one. */
  readonly hidden: number;
  /** P, the width of O1 and O3; a multiple of 16. */
  readonly projection: number;
  /**
   * How a sample becomes two symbols: the two bytes of the 16-bit sample (Q = 256), its 10-bit µ-law code cut into two
   * 5-bit halves (Q = 32), or the 10-bit µ-law code of what prediction from the features leaves of it (Q = 32): linear
   * prediction (lpc10), and that of the pitch besides (ltp10); see codec.ts.
   */
  readonly encoding: 'linear16' | 'mulaw10' | 'lpc10' | 'ltp10';
  /**
   * What the network hears of its own voice, with `lpc10` and `ltp10`: the last symbols (default), or also the signal,
   * that is the last sample and the prediction of the next one; see `Listener`.
   */
  readonly hears?: 'symbols' | 'signal';
  /** Share of blocks kept: of R, and of O1 to O4. */
  readonly density: { readonly recurrent: number; readonly output: number };
  /** Height and width of a block. */
  readonly block: { readonly rows: number; readonly columns: number };
  readonly conditioning: ConditioningConfig;
}

/** The frame-rate network: features [frames, bins] → gate conditioning [frames, 3H]. */
export interface ConditioningConfig {
  /** Width of the hidden layers. */
  readonly channels: number;
  /** Kernel length of the first convolution, odd. */
  readonly kernel: number;
  /** Number of residual blocks, each a convolution over three frames and one over one. */
  readonly residualBlocks: number;
  /** Gate conditionings per frame, interpolated between frames; must divide the hop. Default 1: constant in a frame. */
  readonly vectors?: number;
}

/** Names of the block-sparse matrices, in the order in which kernels and files hold them. */
export const sparseNames = ['recurrent', 'coarseHidden', 'coarseLogits', 'fineHidden', 'fineLogits'] as const;
export type SparseName = (typeof sparseNames)[number];

/** Names of the dense tensors of the sample-rate network, in order. */
export const denseNames = [
  'input',
  'coarseHiddenBias',
  'coarseLogitsBias',
  'fineHiddenBias',
  'fineLogitsBias',
] as const;
export type DenseName = (typeof denseNames)[number];

/** Q, the number of classes of each of the two softmaxes. */
export function classes(encoding: WaveRnnConfig['encoding']): number {
  return encoding === 'linear16' ? 256 : 32;
}

/** E, the number of cues that the network hears besides symbols; none with an encoding that predicts nothing. */
export function cueCount({ encoding, hears = 'symbols' }: Pick<WaveRnnConfig, 'encoding' | 'hears'>): number {
  return encoding === 'lpc10' || encoding === 'ltp10' ? cueCounts[hears] : 0;
}

/** Gate conditionings of a frame. */
export function vectorsPerFrame({ conditioning }: Pick<WaveRnnConfig, 'conditioning'>): number {
  return conditioning.vectors ?? 1;
}

/** Rows and columns of a tensor of the sample-rate network; vectors have one column. */
export function shapeOf(name: SparseName | DenseName, config: WaveRnnConfig): [rows: number, columns: number] {
  const { hidden, projection, encoding } = config;
  const q = classes(encoding);
  switch (name) {
    case 'recurrent':
      return [3 * hidden, hidden];
    case 'coarseHidden':
    case 'fineHidden':
      return [projection, hidden / 2];
    case 'coarseLogits':
    case 'fineLogits':
      return [q, projection];
    case 'input':
      return [3 * hidden, 3 + cueCount(config)];
    case 'coarseHiddenBias':
    case 'fineHiddenBias':
      return [projection, 1];
    case 'coarseLogitsBias':
    case 'fineLogitsBias':
      return [q, 1];
  }
}
