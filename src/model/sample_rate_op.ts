import type { Scalar, Tensor, Tensor3D } from '@tensorflow/tfjs';
import type { Kernels, SampleRateNetwork, SequenceBatch, SequenceGradients } from '../kernels/index.js';
import type { TensorFlow } from './backend_kernels.js';

/** Teacher-forced audio of a training step: the gate conditioning comes as a tensor, and every lane starts from a state of zeros. */
export type SampleRateBatch = Omit<SequenceBatch, 'gate' | 'state'>;

/** Arrays for gradients, kept from step to step: a step's gradients must be used before the next are computed. */
export class GradientPool {
  #arrays: Float32Array[] = [];

  /** Arrays of the sizes of a network and a batch, with whatever values they hold. */
  take({ sparse, dense }: SampleRateNetwork, gateLength: number): SequenceGradients {
    const lengths = [gateLength, ...sparse.map(({ values }) => values.length), ...dense.map(({ length }) => length)];
    this.#arrays = lengths.map((length, i) => (this.#arrays[i]?.length === length ? this.#arrays[i] : new Float32Array(length)));
    return { gate: this.#arrays[0], sparse: this.#arrays.slice(1, 1 + sparse.length), dense: this.#arrays.slice(1 + sparse.length) };
  }
}

/** Samples that count: lanes · steps, or fewer where the batch says how long each lane is. */
export function countedSamples({ lanes, steps, lengths }: Pick<SampleRateBatch, 'lanes' | 'steps' | 'lengths'>): number {
  return lengths ? lengths.reduce((sum, length) => sum + Math.min(length, steps), 0) : lanes * steps;
}

/**
 * The sample-rate network as one TensorFlow.js operation: mean nats per 16-bit sample (coarse + fine) over all samples that count. One call of the kernels computes the
 * loss and, inside `tf.grad` and its kin, all gradients. On the cpu backend nothing is copied.
 * @param network gives the sizes and the block structure; the values come from `weights`
 * @param gate [lanes, frames, 3H]
 * @param weights the values of `network.sparse` in the order of their blocks, then `network.dense`
 * @param pool where the gradients are kept; without one each call makes new arrays
 */
export function sampleRateNll(
  tf: TensorFlow,
  kernels: Kernels,
  network: SampleRateNetwork,
  batch: SampleRateBatch,
  gate: Tensor3D,
  weights: readonly Tensor[],
  pool = new GradientPool(),
): Scalar {
  const scale = 1 / countedSamples(batch);
  const operation = tf.customGrad((...inputs) => {
    // The last argument is TensorFlow.js' function to save tensors, which the kernels' gradients make needless.
    const tensors = inputs.slice(0, 1 + weights.length) as Tensor[];
    const [gateValues, ...values] = tensors.map((tensor) => tensor.dataSync() as Float32Array);
    const current = withValues(network, values);
    const sequence = { ...batch, gate: gateValues };
    if (tf.engine().state.gradientDepth === 0) {
      return { value: scalar(tf, kernels.sequenceLoss(current, sequence), scale), gradFunc: () => [] };
    }
    const gradients = pool.take(current, gateValues.length);
    const value = scalar(tf, kernels.sequenceGradients(current, sequence, scale, gradients), scale);
    const gradFunc = (dy: Tensor) => {
      const unscaled = dy.dataSync()[0] === 1;
      return [gradients.gate, ...gradients.sparse, ...gradients.dense].map((array, i) => {
        const gradient = tf.tensor(array, tensors[i].shape);
        return unscaled ? gradient : tf.mul(gradient, dy);
      });
    };
    return { value, gradFunc };
  });
  return operation(gate, ...weights) as Scalar;
}

/** The network with other values; the objects stay the same where the values do, for the kernels check each object once. */
function withValues(network: SampleRateNetwork, values: readonly Float32Array[]): SampleRateNetwork {
  const { sparse, dense } = network;
  if (values.length !== sparse.length + dense.length) throw new RangeError(`${values.length} weight tensors, expected ${sparse.length + dense.length}`);
  return {
    ...network,
    sparse: sparse.map((matrix, i) => (matrix.values === values[i] ? matrix : { ...matrix, values: values[i] })),
    dense: values.slice(sparse.length),
  };
}

function scalar(tf: TensorFlow, loss: Float64Array, scale: number): Scalar {
  return tf.scalar(loss.reduce((sum, nats) => sum + nats, 0) * scale);
}
