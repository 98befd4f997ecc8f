import { RandomStream, streams } from '../../base/random.js';
import { type FramePredictors, type Hearing, Listener } from './listener.js';

/**
 * Segments of speech that are to be coded as the excitation of linear predictors. All begin at the same place of their
 * frames.
 * The predictors are those of all lanes, one after the other: [lanes, frames].
 */
export interface ExcitationBatch extends Hearing, FramePredictors {
  readonly lanes: number;
  /** Samples per lane. */
  readonly length: number;
  /** [lanes, length], 16-bit. */
  readonly pcm: Int16Array;
  /** Samples in which the coder settles: what counts is sample `history` and all after it. More than `order`. */
  readonly history: number;
  /** Samples per frame. */
  readonly hop: number;
  /** Position of sample `history` in its frame, 0 … hop-1. */
  readonly phase: number;
  /** `lead` frames before that of sample `history`, that frame, and so on. The first one stands for all before it. */
  readonly frames: number;
  readonly lead: number;
  /** [codes-1]: where one code's cell ends and the next one's begins. */
  readonly edges: Float64Array;
  readonly noise?: CodeNoise;
}

/**
 * Noise on codes as the network's own errors when it speaks. Each lane in turn draws its deviation, between 0 and
 * `most` codes, and then a number of that deviation for each of its samples; all from the stream `heardNoise` of
 * `seed`, from block `index` on.
 */
export interface CodeNoise {
  readonly seed: number;
  readonly index: number;
  readonly most: number;
}

/**
 * The noise of lanes that come after others: it goes on in the stream where theirs ends.
 * @param before lanes before; a multiple of four, for the numbers of four lanes fill whole blocks, of four words each
 * @param samples each lane's, to which noise is added
 */
export function noiseAfter(noise: CodeNoise, before: number, samples: number): CodeNoise {
  if (before % 4 !== 0) throw new RangeError(`${before} lanes before, expected a multiple of 4`);
  return { ...noise, index: noise.index + (before / 4) * (1 + samples) };
}

export interface ExcitationCodes {
  /** [lanes, 1+n]: the codes of the samples that count, and of the one before them. */
  readonly codes: Uint16Array;
  /** [lanes, n], only with noise: for each sample, the disturbed code of the one before. */
  readonly heard?: Uint16Array;
  /** [lanes, n, cues]: what a listener says about each sample that counts; only with cues. */
  readonly cues?: Float32Array;
}

/**
 * Codes the excitation of linear predictors: what is left of each sample after the prediction from what a decoder will
 * have reconstructed, so that errors of coding do not add up. With noise the decoder follows the disturbed codes; the
 * codes say how to go on from there. The reference of native/excitation/coder.cc, which gives the same to the bit.
 */
export function codeExcitation(batch: ExcitationBatch): ExcitationCodes {
  const { lanes, length, pcm, history, hop, phase, frames, lead, order, edges, noise } = batch;
  const samples = length - history;
  const codes = new Uint16Array(lanes * (1 + samples));
  const heard = noise && new Uint16Array(lanes * samples);
  const cues = batch.cues > 0 ? new Float32Array(lanes * samples * batch.cues) : undefined;
  const random = noise && new RandomStream(noise.seed, streams.heardNoise, noise.index);
  for (let lane = 0; lane < lanes; lane++) {
    const disturb = random && disturbance(random, noise.most, batch.values.length);
    const given = pcm.subarray(lane * length, (lane + 1) * length);
    const listener = new Listener(batch);
    for (let i = 0; i < order; i++) listener.know(given[i] / 32768);
    for (let i = order; i < length; i++) {
      const frame = Math.floor((i - history + phase) / hop);
      const row = lane * frames + Math.max(0, frame + lead);
      listener.frame(batch, row);
      const prediction = listener.predict();
      const code = codeOf((given[i] / 32768 - prediction) / batch.scales[row], edges);
      if (cues && i >= history) listener.cues(cues, (lane * samples + i - history) * batch.cues);
      const followed = disturb ? disturb(code) : code;
      listener.follow(followed);
      if (i >= history - 1) codes[lane * (1 + samples) + i - history + 1] = code;
      if (heard && i >= history - 1 && i + 1 < length) heard[lane * samples + i - history + 1] = followed;
    }
  }
  return { codes, ...(heard && { heard }), ...(cues && { cues }) };
}

/** How many edges are at or below a value. */
function codeOf(value: number, edges: Float64Array): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Draws a deviation between 0 and `most`, and returns a function that adds rounded noise of that deviation to codes,
 * which stay within 0 … codes-1.
 */
export function disturbance(random: RandomStream, most: number, codes: number): (code: number) => number {
  const deviation = most * random.uniform();
  return (code) => Math.max(0, Math.min(codes - 1, code + Math.round(deviation * nearlyNormal(random.uint32()))));
}

/**
 * The sum of the four bytes of a random word, with mean 0 and variance 1: near enough to a normal number, at a fraction
 * of its cost.
 */
function nearlyNormal(word: number): number {
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  return (sum - 510) / Math.sqrt((256 ** 2 - 1) / 3);
}
