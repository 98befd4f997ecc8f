import type { AcousticModel } from '../model/acoustic/model.js';
import type { PredictedMel, PredictOptions } from '../model/acoustic/predict.js';
import type { Token } from '../text/tokens.js';

/** A sentence as mels, and when its tokens are spoken; see `PredictedMel`. */
export type SpokenMel = Pick<PredictedMel, 'data' | 'frames' | 'starts'>;

/** Anything that makes mels of sentences, in the place of an acoustic model of this toolkit. */
export interface MelSource extends Pick<AcousticModel, 'features' | 'lexicon'> {
  /** @param tokens by `tokensOf` */
  predict(tokens: readonly Token[], options: PredictOptions): SpokenMel | Promise<SpokenMel>;
}
