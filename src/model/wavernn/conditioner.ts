import { TtsError } from '../../base/errors.js';
import type { TensorFlow } from '../backend/backend.js';
import { conditioningForward, normaliseFeatures } from './conditioning.js';
import { vectorsPerFrame, type WaveRnnConfig } from './config.js';

/**
 * The trained frame-rate network of a voice. It holds no tensors between calls: TensorFlow.js keeps a tensor until it
 * is told, and nobody may be left to tell it, where a stream is let go of in the middle.
 */
export class GateConditioner {
  constructor(
    private readonly tf: TensorFlow,
    private readonly config: WaveRnnConfig,
    private readonly conditioning: ReadonlyMap<string, { readonly shape: number[]; readonly data: Float32Array }>,
    private readonly statistics: { readonly mean: Float32Array; readonly std: Float32Array },
  ) {}

  /**
   * Gate conditioning of some frames.
   * @param features [frames + 2·contextFrames, bins], as the voice's feature settings make them; before the first and
   * after the last frame of an utterance its edge frames are repeated
   * @returns [frames · vectors, 3H]
   * @throws {TtsError} ERR_NOT_FINITE for weights or features so large that what comes out is not finite
   */
  gate(features: Float32Array, frames: number): Float32Array {
    const bins = this.statistics.mean.length;
    const { tf } = this;
    // Arrays do not leave through tidy's return value: it would look for tensors in every element.
    let values: Float32Array = new Float32Array(0);
    tf.tidy(() => {
      const input = tf.tensor3d(normaliseFeatures(features, this.statistics), [1, features.length / bins, bins]);
      // On the cpu backend a tensor of an array is the array.
      const parameters = Object.fromEntries(
        [...this.conditioning].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
      );
      const gate = conditioningForward(tf, this.config, parameters, input);
      const expected = frames * vectorsPerFrame(this.config);
      if (gate.shape[1] !== expected)
        throw new RangeError(
          `${features.length / bins} rows of features give ${gate.shape[1]} vectors, expected ${expected}`,
        );
      values = gate.dataSync() as Float32Array;
    });
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new TtsError(
        'ERR_NOT_FINITE',
        `the voice's network at frame rate gives ${values[bad]} for frame ${Math.floor((bad / values.length) * frames)} ` +
          'of these; expected finite numbers: the weights of the voice or the features are absurdly large',
      );
    return values;
  }
}
