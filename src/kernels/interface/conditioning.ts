/** The frame-rate network as the kernels see it; what it computes: `conditioningForward` in src/model. */
export interface ConditioningNetwork {
  /** Numbers of a frame of features. */
  readonly bins: number;
  /** C, width of the hidden layers. */
  readonly channels: number;
  /** Frames of the first convolution. */
  readonly kernel: number;
  readonly residualBlocks: number;
  /** Gate conditionings per frame, interpolated between frames where there are several. */
  readonly vectors: number;
  /**
   * Kernel and bias of each layer: the first convolution [kernel, bins, C], of each residual block the wide [3, C, C] and
   * the narrow convolution [1, C, C], and the projection [C, 3H]; biases are as long as the last side.
   */
  readonly tensors: readonly Float32Array[];
}

/** Frames that the wide convolution of a residual block sees. */
const residualKernel = 3;

/** Frames that are left of so many rows of features when all convolutions have seen them. */
export function framesAfter(
  { kernel, residualBlocks }: Pick<ConditioningNetwork, 'kernel' | 'residualBlocks'>,
  rows: number,
): number {
  return rows - (kernel - 1) - residualBlocks * (residualKernel - 1);
}

/** Frames that a layer sees, and the width of what goes in and comes out. */
export interface ConditioningLayer {
  readonly taps: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** All layers, in the order of `ConditioningNetwork.tensors`. */
export function conditioningLayers(
  { bins, channels, kernel, residualBlocks }: Omit<ConditioningNetwork, 'tensors'>,
  hidden: number,
): ConditioningLayer[] {
  const block = [residualKernel, 1].map((taps) => ({ taps, inputs: channels, outputs: channels }));
  return [
    { taps: kernel, inputs: bins, outputs: channels },
    ...Array.from({ length: residualBlocks }, () => block).flat(),
    { taps: 1, inputs: channels, outputs: 3 * hidden },
  ];
}
