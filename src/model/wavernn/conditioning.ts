import type { Rank, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { RandomStream, streams } from '../../base/random.js';
import type { TensorFlow } from '../backend/fast_kernel.js';
import { vectorsPerFrame, type WaveRnnConfig } from './config.js';

/** Frames that a convolution of the residual blocks sees. */
const residualKernel = 3;

/**
 * Standard deviation of the gate conditioning of a fresh network: gates start near the middle of their range, and
 * differ.
 */
const initialGateDeviation = 0.3;

/**
 * Longest memory, in samples, of a unit in a fresh network. A unit whose update gate stands at σ(b) forgets in 1 + e^b
 * samples; with b spread evenly up to ln of this there are units for every time scale up to a few periods of a low
 * voice (Tallec and Ollivier 2018, arXiv 1804.11188; the log-uniform choice of time scales is ours).
 */
const longestMemory = 512;

/**
 * Frames of context on each side of a frame: the network sees frame − n … frame + n. What is interpolated needs one
 * more.
 */
export function contextFrames(config: WaveRnnConfig): number {
  const { kernel, residualBlocks } = config.conditioning;
  return (kernel - 1) / 2 + residualBlocks * ((residualKernel - 1) / 2) + (vectorsPerFrame(config) > 1 ? 1 : 0);
}

/**
 * Fresh weights of the frame-rate network by name, row-major, for features of `bins` bins. Convolution kernels are
 * [frames, inputs, outputs]; `output.kernel` is [channels, 3H] and `output.bias` [3H] is the bias of the GRU's gates.
 * Biases are zero but for the update gates', kernels normal with the variance of He et al. 2015 (arXiv 1502.01852, eq.
 * 10; half of it where no ReLU comes before).
 */
export function conditioningParameters(
  config: WaveRnnConfig,
  bins: number,
  seed: number,
): Map<string, { shape: number[]; data: Float32Array }> {
  const { channels, kernel, residualBlocks } = config.conditioning;
  const random = new RandomStream(seed, streams.initialisation);
  const parameters = new Map<string, { shape: number[]; data: Float32Array }>();
  const add = (name: string, shape: number[], deviation: number) => {
    const outputs = shape[shape.length - 1];
    const data = Float32Array.from(
      { length: shape.reduce((product, size) => product * size, 1) },
      () => deviation * random.normal(),
    );
    parameters.set(`${name}.kernel`, { shape, data });
    parameters.set(`${name}.bias`, { shape: [outputs], data: new Float32Array(outputs) });
  };
  add('input', [kernel, bins, channels], Math.sqrt(1 / (kernel * bins)));
  for (let i = 0; i < residualBlocks; i++) {
    add(`residual${i}.wide`, [residualKernel, channels, channels], Math.sqrt(2 / (residualKernel * channels)));
    // All blocks together add the variance of about one and a half layers, however many there are.
    add(`residual${i}.narrow`, [1, channels, channels], Math.sqrt(2 / (channels * residualBlocks)));
  }
  const variance = residualBlocks > 0 ? (1 + 1 / residualBlocks) ** residualBlocks : 1;
  add('output', [channels, 3 * config.hidden], initialGateDeviation * Math.sqrt(2 / (channels * variance)));
  const gateBias = parameters.get('output.bias')?.data as Float32Array;
  for (let unit = 0; unit < config.hidden; unit++) gateBias[unit] = random.uniform() * Math.log(longestMemory);
  return parameters;
}

/** Features [rows, bins] with zero mean and unit variance per bin, by the statistics of the training clips. */
export function normaliseFeatures(
  features: Float32Array,
  { mean, std }: { readonly mean: Float32Array; readonly std: Float32Array },
): Float32Array {
  const bins = mean.length;
  const normalised = new Float32Array(features.length);
  for (let row = 0; row < features.length; row += bins)
    for (let i = 0; i < bins; i++) normalised[row + i] = (features[row + i] - mean[i]) / std[i];
  return normalised;
}

/**
 * The frame-rate network: a convolution, residual blocks of ReLU, convolution over three frames, ReLU, convolution over
 * one, then ReLU and a projection. Nothing is padded: a frame's output is the same in a training segment and in a whole
 * utterance.
 * @param parameters tensors with the names and shapes of `conditioningParameters`
 * @param features [lanes, frames + 2·contextFrames, bins], normalised per bin
 * @param part the gate conditionings that are wanted; default: all `vectors` of each frame
 * @returns gate conditioning [lanes, count, 3H]
 */
export function conditioningForward(
  tf: TensorFlow,
  config: WaveRnnConfig,
  parameters: Readonly<Record<string, Tensor>>,
  features: Tensor3D,
  part?: VectorRange,
): Tensor3D {
  const convolve = (name: string, x: Tensor3D) =>
    tf.add<Tensor3D>(tf.conv1d(x, parameters[`${name}.kernel`] as Tensor3D, 1, 'valid'), parameters[`${name}.bias`]);
  return tf.tidy(() => {
    let x = convolve('input', features);
    for (let i = 0; i < config.conditioning.residualBlocks; i++) {
      const branch = convolve(`residual${i}.narrow`, tf.relu(convolve(`residual${i}.wide`, tf.relu(x))));
      x = tf.add(tf.slice3d(x, [0, (residualKernel - 1) / 2, 0], [-1, branch.shape[1], -1]), branch);
    }
    const [lanes, frames, channels] = x.shape;
    const rows = tf.reshape(tf.relu(x), [lanes * frames, channels]);
    const gate = tf.fused.matMul({
      a: rows,
      b: parameters['output.kernel'],
      bias: parameters['output.bias'],
    });
    const perFrame = tf.reshape<Rank.R3>(gate, [lanes, frames, 3 * config.hidden]);
    const vectors = vectorsPerFrame(config);
    if (vectors === 1) return perFrame;
    return interpolated(tf, perFrame, vectors, part ?? { first: 0, count: (frames - 2) * vectors });
  });
}

/** Some of the gate conditionings of a piece of speech, counted from the beginning of its first frame. */
export interface VectorRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Several vectors for each frame but the first and the last, by linear interpolation: a frame's own stands in its
 * middle. [lanes, frames, width] → [lanes, count, width]. Written out, as TensorFlow.js would take ten passes.
 */
function interpolated(tf: TensorFlow, perFrame: Tensor3D, vectors: number, { first, count }: VectorRange): Tensor3D {
  const [lanes, frames, width] = perFrame.shape;
  // Vector j lies between two frames: before[j], and the next one with weight share[j].
  const before = Int32Array.from({ length: count }, (_, j) => Math.floor((first + j + 0.5) / vectors + 0.5));
  const share = Float32Array.from({ length: count }, (_, j) => ((first + j + 0.5) / vectors + 0.5) % 1);
  const each = (visit: (vector: number, frame: number, share: number) => void) => {
    for (let lane = 0; lane < lanes; lane++)
      for (let j = 0; j < count; j++) visit((lane * count + j) * width, (lane * frames + before[j]) * width, share[j]);
  };
  const operation = tf.customGrad((x) => {
    const from = (x as Tensor).dataSync() as Float32Array;
    const to = new Float32Array(lanes * count * width);
    each((vector, frame, weight) => {
      for (let i = 0; i < width; i++)
        to[vector + i] = from[frame + i] + weight * (from[frame + width + i] - from[frame + i]);
    });
    const gradFunc = (dy: Tensor) => {
      const above = dy.dataSync() as Float32Array;
      const below = new Float32Array(lanes * frames * width);
      each((vector, frame, weight) => {
        for (let i = 0; i < width; i++) {
          below[frame + i] += (1 - weight) * above[vector + i];
          below[frame + width + i] += weight * above[vector + i];
        }
      });
      return tf.tensor3d(below, perFrame.shape);
    };
    return { value: tf.tensor3d(to, [lanes, count, width]), gradFunc };
  });
  return operation(perFrame);
}
