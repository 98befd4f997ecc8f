import { fillNormals } from '../../base/random.js';
import type { BlockMatrix, GradientBlocks, StoredMatrix } from '../interface/blocks.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierNetwork,
  ClassifierResult,
} from '../interface/classifier.js';
import type { PairNoise } from '../interface/evolution.js';
import { codeExcitation, type ExcitationBatch, type ExcitationCodes } from '../interface/excitation.js';
import type {
  AdamSettings,
  AdamState,
  Kernels,
  Sampler,
  SampleRateNetwork,
  SamplerGroup,
  SamplerNetwork,
  SamplerSettings,
  SequenceBatch,
  SequenceGradients,
} from '../interface/kernels.js';
import { LANES } from '../interface/kernels.js';
import { referenceClassifier } from './classifier.js';
import { addTransposed, addWeights, multiply, multiplyStored } from './products.js';
import { ReferenceSampler } from './sampler.js';
import { separateSamplers } from './separate_samplers.js';
import { referenceSequence, someLanes } from './sequence.js';

/**
 * What the native kernels are tested against: short, slow and obviously right, all arithmetic in double. Like them it
 * checks no arguments: see `guarded`.
 */
export class ReferenceKernels implements Kernels {
  readonly name = 'reference';
  readonly threads = 1;

  product(matrix: BlockMatrix, x: Float32Array, y: Float32Array): void {
    const out = new Float64Array(matrix.rows);
    for (let lane = 0; lane < LANES; lane++) {
      multiply(matrix, laneOf(x, lane), out);
      out.forEach((value, row) => (y[row * LANES + lane] = value));
    }
  }

  productTransposed(matrix: BlockMatrix, dy: Float32Array, dx: Float32Array): void {
    for (let lane = 0; lane < LANES; lane++) {
      const sums = laneOf(dx, lane);
      addTransposed(matrix, laneOf(dy, lane), sums);
      sums.forEach((value, column) => (dx[column * LANES + lane] = value));
    }
  }

  productWeights(matrix: BlockMatrix, dy: Float32Array, x: Float32Array, steps: number, dw: Float32Array): void {
    const ySize = matrix.rows * LANES;
    const xSize = matrix.columns * LANES;
    const sums = Float64Array.from(dw);
    for (let t = 0; t < steps; t++)
      for (let lane = 0; lane < LANES; lane++) {
        const dyLane = laneOf(dy.subarray(t * ySize, (t + 1) * ySize), lane);
        addWeights(matrix, dyLane, laneOf(x.subarray(t * xSize, (t + 1) * xSize), lane), sums);
      }
    dw.set(sums);
  }

  sequenceLoss(network: SampleRateNetwork, batch: SequenceBatch): Float64Array {
    return referenceSequence(network, batch, 1, null);
  }

  sequenceGradients(
    network: SampleRateNetwork,
    batch: SequenceBatch,
    scale: number,
    gradients: SequenceGradients,
  ): Float64Array {
    return this.memberGradients([network], batch, scale, [gradients]);
  }

  memberGradients(
    members: readonly SampleRateNetwork[],
    batch: SequenceBatch,
    scale: number,
    gradients: readonly SequenceGradients[],
    blocks?: GradientBlocks,
  ): Float64Array {
    const lanes = batch.lanes / members.length;
    return Float64Array.from(
      members.flatMap((network, m) => [
        ...referenceSequence(network, someLanes(batch, m * lanes, lanes), scale, gradients[m], blocks),
      ]),
    );
  }

  classifierLoss(members: readonly ClassifierNetwork[], batch: ClassifierBatch): ClassifierResult {
    return referenceClassifier(members, batch, 1, null);
  }

  classifierGradients(
    members: readonly ClassifierNetwork[],
    batch: ClassifierBatch,
    scale: number,
    gradients: readonly ClassifierGradients[],
    blocks?: GradientBlocks,
  ): ClassifierResult {
    return referenceClassifier(members, batch, scale, gradients, blocks);
  }

  mirroredMembers(
    noise: PairNoise,
    mean: Float32Array,
    sigma: Float32Array,
    scale: number,
    members: readonly Float32Array[],
  ): void {
    for (let pair = 0; pair < members.length / 2; pair++)
      noiseOf(noise, pair, mean.length).forEach((value, i) => {
        members[2 * pair][i] = mean[i] + scale * sigma[i] * value;
        members[2 * pair + 1][i] = mean[i] - scale * sigma[i] * value;
      });
  }

  noiseSum(noise: PairNoise, pairs: Float32Array, sum: Float32Array): void {
    const sums = new Float64Array(sum.length);
    pairs.forEach((weight, pair) =>
      noiseOf(noise, pair, sum.length).forEach((value, i) => (sums[i] += weight * value)),
    );
    sum.set(sums);
  }

  adam(settings: AdamSettings, gradient: Float32Array, state: AdamState): void {
    const { learningRate, beta1, beta2, epsilon, step, gradientScale } = settings;
    const { weights, first, second, average } = state;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] * gradientScale;
      const m = beta1 * first[i] + (1 - beta1) * g;
      const v = beta2 * second[i] + (1 - beta2) * g * g;
      const w =
        weights[i] - (learningRate * (m / (1 - beta1 ** step))) / (Math.sqrt(v / (1 - beta2 ** step)) + epsilon);
      first[i] = m;
      second[i] = v;
      weights[i] = w;
      average[i] = settings.average * average[i] + (1 - settings.average) * w;
    }
  }

  matMul(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
  ): void {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum += a[transposeA ? l * m + i : i * k + l] * b[transposeB ? j * k + l : l * n + j];
        c[i * n + j] = sum;
      }
  }

  createSampler(network: SamplerNetwork, settings: SamplerSettings): Sampler {
    return new ReferenceSampler(network, settings);
  }

  codeExcitation(batch: ExcitationBatch): ExcitationCodes {
    return codeExcitation(batch);
  }

  createSamplerGroup(network: SamplerNetwork, slots: number): SamplerGroup {
    return separateSamplers(this, network, slots);
  }

  samplerProduct(matrix: StoredMatrix, x: Float32Array, y: Float32Array, repetitions = 1): number {
    const out = new Float64Array(matrix.rows);
    let best = Infinity;
    for (let i = 0; i < repetitions; i++) {
      const begun = performance.now();
      multiplyStored(matrix, Float64Array.from(x), out);
      best = Math.min(best, (performance.now() - begun) / 1000);
    }
    y.set(out);
    return best;
  }

  activations(x: Float32Array): { sigmoid: Float32Array; tanh: Float32Array } {
    return { sigmoid: x.map((value) => 1 / (1 + Math.exp(-value))), tanh: x.map(Math.tanh) };
  }
}

function noiseOf({ seed, stream, first, stride }: PairNoise, pair: number, numbers: number): Float64Array {
  const noise = new Float64Array(numbers);
  fillNormals(noise, seed, stream, first + pair * stride);
  return noise;
}

/** One lane of a group, [rows] of [rows, 16]. */
function laneOf(group: Float32Array, lane: number): Float64Array {
  return Float64Array.from({ length: group.length / LANES }, (_, row) => group[row * LANES + lane]);
}
