import type { Scalar, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { Kernels, SampleRateNetwork, SequenceBatch, SequenceGradients } from '../../kernels/index.js';
import { type GradientBlocks, gradientLength } from '../../kernels/interface/blocks.js';
import type { TensorFlow } from '../backend/fast_kernel.js';

/**
 * Teacher-forced audio of a training step: the gate conditioning comes as a tensor, and every lane starts from a state
 * of zeros.
 */
export type SampleRateBatch = Omit<SequenceBatch, 'gate' | 'state'>;

/** Arrays for gradients, kept from step to step: a step's gradients must be used before the next are computed. */
export class GradientPool {
  #arrays: Float32Array[] = [];

  /**
   * Arrays of the sizes of each member and its share of the gate conditioning, with whatever values they hold. The
   * members' `gate` lie end to end in one array.
   * @param blocks that have gradients; default: those stored
   */
  take(members: readonly SampleRateNetwork[], gateLength: number, blocks?: GradientBlocks): SequenceGradients[] {
    const lengths = [
      gateLength,
      ...members.flatMap(({ sparse, dense }) => [
        ...sparse.map((matrix) => gradientLength(matrix, blocks)),
        ...dense.map(({ length }) => length),
      ]),
    ];
    this.#arrays = lengths.map((length, i) =>
      this.#arrays[i]?.length === length ? this.#arrays[i] : new Float32Array(length),
    );
    const share = gateLength / members.length;
    let next = 1;
    const some = (count: number) => this.#arrays.slice(next, (next += count));
    return members.map(({ sparse, dense }, m) => ({
      gate: this.#arrays[0].subarray(m * share, (m + 1) * share),
      sparse: some(sparse.length),
      dense: some(dense.length),
    }));
  }

  /** All arrays last taken: the gate conditioning's, then each member's sparse and dense ones. */
  get arrays(): readonly Float32Array[] {
    return this.#arrays;
  }
}

/** Samples that count: lanes · steps, or fewer where the batch says how long each lane is. */
export function countedSamples({
  lanes,
  steps,
  lengths,
}: Pick<SampleRateBatch, 'lanes' | 'steps' | 'lengths'>): number {
  return lengths ? lengths.reduce((sum, length) => sum + Math.min(length, steps), 0) : lanes * steps;
}

/**
 * The sample-rate network as one TensorFlow.js operation: mean nats per 16-bit sample (coarse + fine) over all samples
 * that count. One call of the kernels computes the loss and, inside `tf.grad` and its kin, all gradients. On the cpu
 * backend nothing is copied.
 * @param members networks of one size; the lanes are shared out equally, in order. They give the sizes and the block
 * structure; the values come from `weights`
 * @param gate [lanes, frames, 3H]
 * @param weights for each member the values of its `sparse` in the order of their blocks, then its `dense`
 * @param pool where the gradients are kept; without one each call makes new arrays
 * @param onNats called with the sum of nats of each lane
 */
export function sampleRateNll(
  tf: TensorFlow,
  kernels: Kernels,
  members: readonly SampleRateNetwork[],
  batch: SampleRateBatch,
  gate: Tensor3D,
  weights: readonly Tensor[],
  pool = new GradientPool(),
  onNats?: (nats: Float64Array) => void,
): Scalar {
  const scale = 1 / countedSamples(batch);
  const operation = tf.customGrad((...inputs) => {
    // The last argument is TensorFlow.js' function to save tensors, which the kernels' gradients make needless.
    const tensors = inputs.slice(0, 1 + weights.length) as Tensor[];
    const [gateValues, ...values] = tensors.map((tensor) => tensor.dataSync() as Float32Array);
    const current = withValues(members, values);
    const sequence = { ...batch, gate: gateValues };
    const value = (nats: Float64Array) => {
      onNats?.(nats);
      return tf.scalar(nats.reduce((sum, lane) => sum + lane, 0) * scale);
    };
    if (tf.engine().state.gradientDepth === 0 && current.length === 1)
      return { value: value(kernels.sequenceLoss(current[0], sequence)), gradFunc: () => [] };
    const loss = value(kernels.memberGradients(current, sequence, scale, pool.take(current, gateValues.length)));
    const gradFunc = (dy: Tensor) => {
      const unscaled = dy.dataSync()[0] === 1;
      return pool.arrays.map((array, i) => {
        const gradient = tf.tensor(array, tensors[i].shape);
        return unscaled ? gradient : tf.mul(gradient, dy);
      });
    };
    return { value: loss, gradFunc };
  });
  return operation(gate, ...weights);
}

/**
 * The networks with other values; the objects stay the same where the values do, for the kernels check each object
 * once.
 */
function withValues(members: readonly SampleRateNetwork[], values: readonly Float32Array[]): SampleRateNetwork[] {
  const expected = members.reduce((sum, { sparse, dense }) => sum + sparse.length + dense.length, 0);
  if (values.length !== expected) throw new RangeError(`${values.length} weight tensors, expected ${expected}`);
  let next = 0;
  return members.map((network) => ({
    ...network,
    sparse: network.sparse.map((matrix) => {
      const own = values[next++];
      return matrix.values === own ? matrix : { ...matrix, values: own };
    }),
    dense: network.dense.map(() => values[next++]),
  }));
}
