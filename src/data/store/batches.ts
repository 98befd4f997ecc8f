import { TtsError } from '../../base/errors.js';
import { RandomStream, streams } from '../../base/random.js';
import type { StoredClip } from './clip.js';

/** Size of a batch. */
export interface BatchShape {
  /** Number of segments. */
  readonly lanes: number;
  /** Samples per segment. */
  readonly steps: number;
  /** Frames of features before and after those that the segment lies in. */
  readonly context: number;
  /** Samples per frame. */
  readonly hop: number;
  /** Samples before the segment; 1 by default. */
  readonly history?: number;
  /** Which lanes are drawn, first and end; all by default. Those of a range are the same in every range. */
  readonly range?: readonly [number, number];
}

/** What a batch is read as. */
interface Extent {
  readonly steps: number;
  readonly hop: number;
  /** Position of the first sample within its frame, 0 … hop−1. */
  readonly phase: number;
  /** ceil((phase + steps) / hop): frames that a segment touches. */
  readonly frames: number;
  readonly context: number;
  readonly history: number;
}

/** Where the segments of a batch lie. */
export interface Places<Clip = StoredClip> extends Extent {
  /** [lanes]: whose speech it is, and the frame of its first sample. */
  readonly places: readonly { readonly clip: Clip; readonly frame: number }[];
}

/**
 * Segments of speech with their features. All lanes begin at the same phase within a frame, so their frames change at
 * the same step.
 */
export interface Batch extends Extent {
  /** Number of lanes that were drawn. */
  readonly lanes: number;
  /** [lanes, history+steps]: the samples before the segment, then the segment. */
  readonly pcm: Int16Array;
  /** [lanes, frames+2·context, bins], raw; row `context` is the frame of the first sample. */
  readonly features: Float32Array;
}

/** Philox blocks that one step may use: four words each, far more than any batch draws. */
const blocksPerStep = 65536;

/** Draws the batch of a step: reads what lies at its `drawPlaces`. */
export function drawBatch(clips: readonly StoredClip[], shape: BatchShape, seed: number, step: number): Batch {
  return readBatch(drawPlaces(clips, shape, seed, step));
}

/**
 * Draws where the batch of a step lies: a pure function of its arguments, so that training resumes exactly. Every place
 * of every clip where a whole segment fits is equally likely, hence clips by their length. Throws ERR_CORPUS if no clip
 * is long enough, RangeError for an impossible shape.
 */
export function drawPlaces(
  clips: readonly StoredClip[],
  { lanes: all, steps, context, hop, history = 1, range: [first, end] = [0, all] }: BatchShape,
  seed: number,
  step: number,
): Places {
  for (const [name, value, least] of [
    ['lanes', end - first, 1],
    ['steps', steps, 1],
    ['context', context, 0],
    ['hop', hop, 1],
    ['history', history, 1],
    ['step', step, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new RangeError(`${name} is ${value}, expected an integer of at least ${least}`);
  }
  // At the latest phase, so that a corpus is refused at the first step or never.
  const needed = Math.ceil((hop - 1 + steps) / hop);
  const longest = clips.reduce((most, clip) => Math.max(most, clip.frames), 0);
  if (longest < needed) {
    throw new TtsError(
      'ERR_CORPUS',
      `the longest of ${clips.length} training clips has ${longest} frames, expected at least ${needed} for ` +
        `segments of ${steps} samples`,
    );
  }
  const random = new RandomStream(seed, streams.batches, step * blocksPerStep);
  const phase = random.below(hop);
  const frames = Math.ceil((phase + steps) / hop);
  // ends[i]: number of possible first frames in clips 0 … i.
  const ends = new Float64Array(clips.length);
  let possible = 0;
  for (let i = 0; i < clips.length; i++) ends[i] = possible += Math.max(0, clips[i].frames - frames + 1);
  for (let lane = 0; lane < first; lane++) random.below(possible);
  const places = Array.from({ length: end - first }, () => {
    const place = random.below(possible);
    const index = firstAbove(ends, place);
    const clip = clips[index];
    return { clip, frame: place - (ends[index] - (clip.frames - frames + 1)) };
  });
  return { places, steps, hop, phase, frames, context, history };
}

/** Reads segments with their features. */
export function readBatch({ places, ...extent }: Places): Batch {
  const { steps, hop, phase, frames, context, history } = extent;
  const lanes = places.length;
  const pcm = new Int16Array(lanes * (history + steps));
  let features = new Float32Array(0);
  places.forEach(({ clip, frame }, lane) => {
    pcm.set(clip.pcm(frame * hop + phase - history, history + steps), lane * (history + steps));
    const laneFeatures = clip.features(frame - context, frames + 2 * context);
    if (lane === 0) features = new Float32Array(lanes * laneFeatures.length);
    features.set(laneFeatures, lane * laneFeatures.length);
  });
  return { ...extent, lanes, pcm, features };
}

/** Index of the first element of an ascending array that is above `value`. */
function firstAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
