import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { BlockMatrix, SampleRateNetwork } from '../../kernels/index.js';
import type { TensorFlow } from '../backend/fast_kernel.js';
import { countedSamples, type SampleRateBatch } from './sample_rate_op.js';

/**
 * `sampleRateNll` by plain TensorFlow.js operations: dense matrices with zeros where no block is, unrolled over time.
 * It runs on any backend and is differentiated by TensorFlow.js alone, which makes it the oracle of the operation's
 * gradients; it is slow on a processor.
 * @param gate [lanes, frames, 3H]
 * @param weights the values of `network.sparse` in the order of their blocks, then `network.dense`
 * @returns mean nats per 16-bit sample over all samples that count
 */
export function sampleRateReference(
  tf: TensorFlow,
  network: SampleRateNetwork,
  batch: Omit<SampleRateBatch, 'nll'>,
  gate: Tensor3D,
  weights: readonly Tensor[],
): Scalar {
  return tf.tidy(() => {
    const { hidden, classes, sparse } = network;
    const [recurrent, ...outputs] = sparse.map((matrix, i) => denseMatrix(tf, matrix, weights[i] as Tensor1D));
    const [input, ...biases] = weights.slice(sparse.length);
    const states = unroll(tf, network, batch, gate, recurrent, tf.reshape(input, [3 * hidden, 3]));
    const halves = tf.split(states, 2, 1);
    const nats = halves.map((half, i) => {
      const [hiddenMatrix, logitMatrix] = outputs.slice(2 * i);
      const [hiddenBias, logitBias] = biases.slice(2 * i);
      const activation = tf.relu(tf.add(tf.matMul(half, hiddenMatrix, false, true), hiddenBias));
      const logits = tf.add(tf.matMul(activation, logitMatrix, false, true), logitBias);
      const target = targets(batch, (code) => (i === 0 ? Math.floor(code / classes) : code % classes));
      const chosen = tf.mul(tf.oneHot(tf.tensor1d(target, 'int32'), classes), tf.logSoftmax(logits));
      return tf.neg(tf.sum(tf.mul(tf.sum(chosen, 1), sampleWeights(tf, batch))));
    });
    return tf.add<Scalar>(nats[0], nats[1]);
  });
}

/**
 * The GRU of Kalchbrenner et al. 2018, eq. 2, with the reset gate after the product: its states [steps · lanes, H],
 * time-major.
 */
function unroll(
  tf: TensorFlow,
  { hidden, classes }: SampleRateNetwork,
  batch: Omit<SampleRateBatch, 'nll'>,
  gate: Tensor3D,
  recurrent: Tensor2D,
  input: Tensor2D,
): Tensor2D {
  const { lanes, steps, hop, phase, codes, heard } = batch;
  const scaled = (symbol: number) => (2 * symbol) / (classes - 1) - 1;
  const inputs = new Float32Array(steps * lanes * 3);
  for (let t = 0; t < steps; t++)
    for (let lane = 0; lane < lanes; lane++) {
      const [last, now] = codes.subarray(lane * (steps + 1) + t);
      const before = heard ? heard[lane * steps + t] : last;
      inputs.set(
        [scaled(Math.floor(before / classes)), scaled(before % classes), scaled(Math.floor(now / classes))],
        (t * lanes + lane) * 3,
      );
    }
  const masked = tf.mul(input, inputMask(tf, hidden));
  const frames = tf.unstack(gate, 1);
  const driven = tf.split(tf.matMul(tf.tensor2d(inputs, [steps * lanes, 3]), masked, false, true), steps, 0);
  const states: Tensor[] = [];
  let state: Tensor2D = tf.zeros([lanes, hidden]);
  for (let t = 0; t < steps; t++) {
    const [updateDrive, resetDrive, candidateDrive] = tf.split(
      tf.add(driven[t], frames[Math.floor((phase + t) / hop)]),
      3,
      1,
    );
    const [updateProduct, resetProduct, candidateProduct] = tf.split(tf.matMul(state, recurrent, false, true), 3, 1);
    const update = tf.sigmoid(tf.add(updateProduct, updateDrive));
    const reset = tf.sigmoid(tf.add(resetProduct, resetDrive));
    const candidate = tf.tanh(tf.add(tf.mul(reset, candidateProduct), candidateDrive));
    state = tf.add(candidate, tf.mul(update, tf.sub(state, candidate)));
    states.push(state);
  }
  return tf.concat(states, 0) as Tensor2D;
}

/** I* is masked: c[t] drives only the fine half of the state. [3H, 3] of ones and zeros. */
function inputMask(tf: TensorFlow, hidden: number): Tensor2D {
  const mask = Float32Array.from({ length: 9 * hidden }, (_, i) =>
    i % 3 === 2 && Math.floor(i / 3) % hidden < hidden / 2 ? 0 : 1,
  );
  return tf.tensor2d(mask, [3 * hidden, 3]);
}

/** A symbol of every sample, time-major. */
function targets({ lanes, steps, codes }: Omit<SampleRateBatch, 'nll'>, symbol: (code: number) => number): Int32Array {
  return Int32Array.from({ length: steps * lanes }, (_, i) =>
    symbol(codes[(i % lanes) * (steps + 1) + Math.floor(i / lanes) + 1]),
  );
}

/** What each sample's nats weigh in the mean, time-major: 0 past the lane's length. */
function sampleWeights(tf: TensorFlow, batch: Omit<SampleRateBatch, 'nll'>): Tensor1D {
  const { lanes, steps, lengths } = batch;
  const weight = 1 / countedSamples(batch);
  return tf.tensor1d(
    Float32Array.from({ length: steps * lanes }, (_, i) =>
      Math.floor(i / lanes) < (lengths?.[i % lanes] ?? steps) ? weight : 0,
    ),
  );
}

/**
 * Packed blocks as a dense matrix [rows, columns]. A gather in either direction does it; the gradient is written out,
 * because TensorFlow.js' gradient of a gather takes a pass over everything for each value, and some backends have none.
 */
function denseMatrix(tf: TensorFlow, matrix: BlockMatrix, values: Tensor1D): Tensor2D {
  const { rows, columns } = matrix;
  const positions = blockPositions(matrix);
  // Index 0 of the gathered vector is a zero, for places without a block.
  const sources = new Int32Array(rows * columns);
  positions.forEach((position, value) => (sources[position] = value + 1));
  const scatter = tf.customGrad((packed) => ({
    value: tf.gather(tf.concat([tf.zeros([1]), packed as Tensor1D]), tf.tensor1d(sources, 'int32')),
    gradFunc: (dy: Tensor) => tf.gather(dy, tf.tensor1d(positions, 'int32')),
  }));
  return tf.reshape(scatter(values), [rows, columns]);
}

/** For each packed value, its place in the row-major dense matrix. */
function blockPositions({ columns, blockRows, blockColumns, rowStart, column, values }: BlockMatrix): Int32Array {
  const positions = new Int32Array(values.length);
  for (let blockRow = 0, at = 0; blockRow + 1 < rowStart.length; blockRow++)
    for (let block = rowStart[blockRow]; block < rowStart[blockRow + 1]; block++)
      for (let j = 0; j < blockColumns; j++)
        for (let i = 0; i < blockRows; i++)
          positions[at++] = (blockRow * blockRows + i) * columns + column[block] * blockColumns + j;
  return positions;
}
