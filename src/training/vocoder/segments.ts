import { drawPlaces } from '../../data/store/batches.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Kernels } from '../../kernels/index.js';
import type { SymbolCodec } from '../../model/wavernn/codec.js';
import { contextFrames, type VectorRange } from '../../model/wavernn/conditioning.js';
import { vectorsPerFrame, type WaveRnnConfig } from '../../model/wavernn/config.js';
import type { SampleRateBatch } from '../../model/wavernn/sample_rate_op.js';
import { type Share, whole } from '../parts/part.js';
import { drawTogether } from './drawing_threads.js';
import type { DrawnLanes } from './lanes.js';

/** Teacher-forced segments of speech as the networks want them. */
export interface Segments {
  readonly sequence: SampleRateBatch;
  /**
   * [lanes, rows, bins], normalised: the frames of the segments with the conditioning network's context before and
   * after.
   */
  readonly features: Float32Array;
  readonly rows: number;
  /** Which gate conditionings of these frames the segments lie in. */
  readonly part: VectorRange;
  /** [lanes]: what turns a lane's nats per symbol pair into nats per 16-bit sample; see `Symbols`. */
  readonly logWidths: Float64Array;
}

export interface SegmentSettings {
  /** Of all parts together. */
  readonly lanes: number;
  /** Samples of each. */
  readonly steps: number;
  /** Largest deviation of the noise on what is heard, in steps of the code. */
  readonly noise: number;
  readonly seed: number;
  /** Which part of the lanes is drawn; all unless given. The parts together are what is drawn at once. */
  readonly share?: Share;
}

/** Blocks of random numbers that one step may use for noise, all parts together: four samples each. */
const noiseBlocksPerStep = 2 ** 24;

/**
 * Draws the segments of a step: a pure function of its arguments. With several members the lanes are shared out
 * equally, in order.
 * @param pairs of the share's members, where the two of a pair, 2p and 2p+1, are to get the same segments, so that what
 * tells them apart is their masks alone; 0: all segments differ. The share's lanes are a multiple of 2·pairs
 * @param threads that draw; see `drawTogether`
 */
export function drawSegments(
  store: FeatureStore,
  config: WaveRnnConfig,
  codec: SymbolCodec,
  kernels: Kernels,
  settings: SegmentSettings,
  step: number,
  pairs = 0,
  threads = 1,
): Segments {
  const copies = pairs > 0 ? 2 : 1;
  const { index, count } = settings.share ?? whole;
  const lanes = settings.lanes / count;
  const distinct = lanes / copies;
  const context = contextFrames(config);
  const shape = {
    lanes: distinct * count,
    range: [distinct * index, distinct * (index + 1)],
    steps: settings.steps,
    context: Math.max(context, codec.lead),
    hop: store.hop,
    history: codec.history,
  } as const;
  const places = drawPlaces(store.train, shape, settings.seed, step);
  const { steps, hop, phase, frames } = places;
  const noise =
    settings.noise > 0
      ? {
          seed: settings.seed,
          index: step * noiseBlocksPerStep + index * Math.floor(noiseBlocksPerStep / count),
          most: settings.noise,
        }
      : undefined;
  const drawn = drawTogether(
    { ...places, noise, before: 0 },
    { config, settings: store.settings, statistics: store.statistics },
    { codec, kernels },
    threads,
  );
  const all = <Key extends keyof DrawnLanes>(key: Key): DrawnLanes[Key] => {
    const array = joined(drawn.map((part) => part[key]));
    return array === undefined || copies === 1 ? array : repeated(array, distinct, distinct / pairs);
  };
  // To the kernels, each gate conditioning is a frame.
  const vectorHop = hop / vectorsPerFrame(config);
  const vectorPhase = phase % vectorHop;
  const part = { first: Math.floor(phase / vectorHop), count: Math.ceil((vectorPhase + steps) / vectorHop) };
  return {
    sequence: {
      lanes,
      steps,
      hop: vectorHop,
      phase: vectorPhase,
      frames: part.count,
      codes: all('codes'),
      heard: all('heard'),
      cues: all('cues'),
    },
    features: all('features'),
    rows: frames + 2 * context,
    part,
    logWidths: all('logWidths'),
  };
}

type LaneArray = Uint16Array | Float32Array | Float64Array;

/** An array of the type of another. */
const arrayLike = <T extends LaneArray>(array: T, length: number): T =>
  new (array.constructor as { new (length: number): T })(length);

/** The parts of an array end to end; undefined where they are. */
function joined<T extends LaneArray | undefined>(parts: readonly T[]): T {
  const arrays = parts.filter((part) => part !== undefined);
  if (arrays.length <= 1) return parts[0];
  const whole = arrayLike(
    arrays[0],
    arrays.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

/** Every `share` lanes twice in a row. */
function repeated<T extends LaneArray>(array: T, lanes: number, share: number): T {
  const size = (array.length / lanes) * share;
  const twice = arrayLike(array, 2 * array.length);
  for (let at = 0; at < array.length; at += size)
    for (const copy of [0, 1]) twice.set(array.subarray(at, at + size), 2 * at + copy * size);
  return twice;
}
