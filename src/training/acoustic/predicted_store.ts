import { createHash } from 'node:crypto';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import type { Product } from '../../model/acoustic/layers.js';
import type { AcousticModel } from '../../model/acoustic/model.js';
import { MelPredictor } from '../../model/acoustic/predict.js';
import type { AcousticData, AcousticExample } from './examples.js';

/**
 * The mels that a model predicts for a recording, frame by frame beside it: with the recording's durations, energy and
 * melody, so that harmonics lie where they are heard (ground-truth aligned, as in Shen et al. 2018, arXiv 1712.05884,
 * section 2.3).
 * @returns [frames, bins]
 */
export function predictedMel(
  predictor: MelPredictor,
  { ids, durations, prosody, contour }: AcousticExample,
): Float32Array {
  return predictor.decode(ids, durations, prosody, { contour }).data;
}

/**
 * A store whose clips have predicted mels in place of their own: for a voice that is tuned to what an acoustic model will
 * give it. Clips without an alignment are left out; statistics are those of the recordings.
 * @param data of the same store, standardised by the model's statistics
 * @param sha256 of the model's file
 */
export function predictedStore(
  store: FeatureStore,
  data: AcousticData,
  model: AcousticModel,
  sha256: string,
  kernels: Product,
): FeatureStore {
  const predictor = new MelPredictor(model, kernels);
  const { bins } = store;
  const clipOf = (example: AcousticExample): StoredClip => {
    const { clip } = example;
    let mel: Float32Array | undefined;
    return {
      ...clip,
      features(startFrame, count) {
        mel ??= predictedMel(predictor, example);
        const result = new Float32Array(count * bins);
        for (let row = 0; row < count; row++) {
          const frame = Math.max(0, Math.min(clip.frames - 1, startFrame + row));
          result.set(mel.subarray(frame * bins, (frame + 1) * bins), row * bins);
        }
        return result;
      },
    };
  };
  return {
    ...store,
    train: data.train.map(clipOf),
    validation: data.validation.map(clipOf),
    hash: createHash('sha256').update(`${data.hash} ${sha256}`).digest('hex'),
    notes: [...store.notes, ...data.notes],
  };
}
