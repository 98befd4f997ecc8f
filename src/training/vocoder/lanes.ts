import type { MelSettings } from '../../audio/mel_settings.js';
import type { FeatureStatistics } from '../../data/features/fit.js';
import { type Places, readBatch } from '../../data/store/batches.js';
import type { StoredClip } from '../../data/store/feature_store.js';
import type { CodeNoise, Kernels } from '../../kernels/index.js';
import type { SymbolCodec } from '../../model/wavernn/codec.js';
import { contextFrames, normaliseFeatures } from '../../model/wavernn/conditioning.js';
import type { WaveRnnConfig } from '../../model/wavernn/config.js';

/** What lanes are drawn for; it also says what codec encodes them. */
export interface LaneUse {
  readonly config: WaveRnnConfig;
  readonly settings: MelSettings;
  readonly statistics: FeatureStatistics;
}

/** What draws lanes. */
export interface LaneTools {
  readonly codec: SymbolCodec;
  readonly kernels: Pick<Kernels, 'codeExcitation'>;
}

/** Lanes of a step that are to be drawn. */
export interface Lanes<Clip = StoredClip> extends Places<Clip> {
  /** Of these lanes and those before them, one after the other. */
  readonly noise?: CodeNoise;
  /** Lanes that come before these; a multiple of four. */
  readonly before: number;
}

export interface DrawnLanes {
  /** [lanes, 1+steps]; this and the next two are those of `SequenceBatch`. */
  readonly codes: Uint16Array;
  /** [lanes, steps], only with noise. */
  readonly heard?: Uint16Array;
  /** [lanes, steps, cues], only if the network hears any. */
  readonly cues?: Float32Array;
  /** [lanes, frames + 2·contextFrames, bins], normalised. */
  readonly features: Float32Array;
  /** [lanes]. */
  readonly logWidths: Float64Array;
}

/** Reads lanes and encodes them. Each is the same whichever lanes it is drawn with. */
export function drawLanes(lanes: Lanes, { config, statistics }: LaneUse, { codec, kernels }: LaneTools): DrawnLanes {
  const { pcm, features, phase, frames, context, lanes: count } = readBatch(lanes);
  const bins = statistics.mean.length;
  const perLane = features.length / count;
  /** Of each lane, the frames of the segment and so many around it. */
  const around = (before: number, after: number): Float32Array => {
    const [from, to] = [(context - before) * bins, (context + frames + after) * bins];
    const some = new Float32Array(count * (to - from));
    for (let lane = 0; lane < count; lane++)
      some.set(features.subarray(lane * perLane + from, lane * perLane + to), lane * (to - from));
    return some;
  };
  const { noise, before } = lanes;
  const { meanLogWidths, ...symbols } = codec.encode(
    { lanes: count, pcm, phase, features: around(codec.lead, 0) },
    { noise, before, kernels },
  );
  const heardAround = contextFrames(config);
  return {
    ...symbols,
    features: normaliseFeatures(around(heardAround, heardAround), statistics),
    logWidths: meanLogWidths,
  };
}
