import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../backend/backend.js';
import { conditioningForward, normaliseFeatures } from './conditioning.js';
import { vectorsPerFrame, type WaveRnnConfig } from './config.js';

/** The trained frame-rate network of a voice, held ready. Call `dispose` at the end. */
export class GateConditioner {
  private readonly parameters: Record<string, Tensor>;

  constructor(
    private readonly tf: TensorFlow,
    private readonly config: WaveRnnConfig,
    conditioning: ReadonlyMap<string, { readonly shape: number[]; readonly data: Float32Array }>,
    private readonly statistics: { readonly mean: Float32Array; readonly std: Float32Array },
  ) {
    this.parameters = Object.fromEntries(
      [...conditioning].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
    );
  }

  /**
   * Gate conditioning of some frames.
   * @param features [frames + 2·contextFrames, bins], as the voice's feature settings make them; before the first and
   * after the last frame of an utterance its edge frames are repeated
   * @returns [frames · vectors, 3H]
   */
  gate(features: Float32Array, frames: number): Float32Array {
    const bins = this.statistics.mean.length;
    const { tf } = this;
    // Arrays do not leave through tidy's return value: it would look for tensors in every element.
    let values: Float32Array = new Float32Array(0);
    tf.tidy(() => {
      const input = tf.tensor3d(normaliseFeatures(features, this.statistics), [1, features.length / bins, bins]);
      const gate = conditioningForward(tf, this.config, this.parameters, input);
      const expected = frames * vectorsPerFrame(this.config);
      if (gate.shape[1] !== expected)
        throw new RangeError(
          `${features.length / bins} rows of features give ${gate.shape[1]} vectors, expected ${expected}`,
        );
      values = gate.dataSync() as Float32Array;
    });
    return values;
  }

  dispose(): void {
    this.tf.dispose(this.parameters);
  }
}
