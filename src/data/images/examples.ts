import { RandomStream, streams } from '../../base/random.js';
import type { ClassifierBatch } from '../../kernels/interface/classifier.js';
import { type ImageSet, type LabelledImages, type Normalisation, normalisationOf } from './images.js';

/** Images of one part of a set, and what they are as network input. */
export interface Examples extends LabelledImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [channels, 256]: the normalised value of each pixel value. */
  readonly levels: Float32Array;
}

/**
 * How training images are varied: mirrored left to right or not, and moved by up to `shift` pixels each way, zeros (the
 * mean colour) coming in.
 */
export interface Augmentation {
  readonly flip: boolean;
  readonly shift: number;
}

/** Size of a batch of random examples. */
export interface DrawSettings {
  /** Examples of each member, at most 32,768. */
  readonly count: number;
  /**
   * For each member the number of the draw it gets, 0 … 4095: members with equal numbers share their examples. Default:
   * one member, draw 0.
   */
  readonly draws?: readonly number[];
  readonly augment?: Augmentation;
  /** Draws the number of an example; by default all are equally likely. */
  readonly choose?: (random: RandomStream) => number;
}

/** A batch of random examples, and which ones they are. */
export interface DrawnExamples extends ClassifierBatch {
  /** [members, examples]. */
  readonly chosen: Int32Array;
}

/** Philox blocks that one draw may use: four words each, far more than any draws. */
const blocksPerDraw = 65536;
const drawsPerStep = 4096;
const mostExamples = 32768;

/**
 * The training or the test images, normalised by the training images' statistics unless others are given (those of a
 * saved model).
 */
export function examplesOf(
  set: ImageSet,
  part: 'train' | 'test',
  { mean, deviation }: Normalisation = normalisationOf(set),
): Examples {
  const { height, width, channels } = set;
  const levels = Float32Array.from(
    { length: channels * 256 },
    (_, i) => ((i & 255) - mean[i >> 8]) / deviation[i >> 8],
  );
  return { ...set[part], count: set[part].labels.length, height, width, channels, levels };
}

/**
 * Examples `first` … `first + count − 1` in their order, for one member. Throws RangeError if there are fewer.
 */
export function takeExamples(examples: Examples, first: number, count: number): ClassifierBatch {
  checkInteger('first', first, 0, examples.count - 1);
  checkInteger('count', count, 1, examples.count - first);
  const batch = emptyBatch(examples, 1, count);
  for (let k = 0; k < count; k++) place(examples, first + k, batch, k);
  return batch;
}

/**
 * Draws the examples of a step: a pure function of its arguments, so that training resumes exactly. Whether and how
 * they are varied does not change which ones they are. Images are normalised, [members, count, height, width,
 * channels]. Throws RangeError for settings out of range.
 */
export function drawExamples(
  examples: Examples,
  { count, draws = [0], augment, choose = (random) => random.below(examples.count) }: DrawSettings,
  seed: number,
  step: number,
): DrawnExamples {
  checkInteger('count', count, 1, mostExamples);
  checkInteger('step', step, 0, Math.floor(Number.MAX_SAFE_INTEGER / (drawsPerStep * blocksPerDraw)) - 1);
  if (augment) checkInteger('shift', augment.shift, 0, Math.min(examples.height, examples.width) - 1);
  const batch = { ...emptyBatch(examples, draws.length, count), chosen: new Int32Array(draws.length * count) };
  const { height, width, channels } = examples;
  const size = count * height * width * channels;
  draws.forEach((draw, member) => {
    checkInteger('draw', draw, 0, drawsPerStep - 1);
    const earlier = draws.indexOf(draw);
    if (earlier < member) {
      batch.images.copyWithin(member * size, earlier * size, (earlier + 1) * size);
      for (const each of [batch.labels, batch.chosen])
        each.copyWithin(member * count, earlier * count, (earlier + 1) * count);
      return;
    }
    const random = new RandomStream(seed, streams.batches, (step * drawsPerStep + draw) * blocksPerDraw);
    const chosen = batch.chosen.subarray(member * count, (member + 1) * count);
    for (let k = 0; k < count; k++) chosen[k] = choose(random);
    chosen.forEach((index, k) => {
      if (!augment) return place(examples, index, batch, member * count + k);
      const flip = random.uint32() >= 0x80000000 && augment.flip;
      const [down, right] = [
        random.below(2 * augment.shift + 1) - augment.shift,
        random.below(2 * augment.shift + 1) - augment.shift,
      ];
      return place(examples, index, batch, member * count + k, flip, down, right);
    });
  });
  return batch;
}

function emptyBatch({ height, width, channels }: Examples, members: number, examples: number): ClassifierBatch {
  return {
    examples,
    images: new Float32Array(members * examples * height * width * channels),
    labels: new Uint8Array(members * examples),
  };
}

/**
 * Writes example `index` as the batch's `position`-th image, mirrored, then moved. What comes in at the edges stays
 * zero.
 */
function place(
  examples: Examples,
  index: number,
  batch: ClassifierBatch,
  position: number,
  flip = false,
  down = 0,
  right = 0,
): void {
  const { height, width, channels } = examples;
  const size = height * width * channels;
  batch.labels[position] = examples.labels[index];
  const columns = width - Math.abs(right);
  const left = Math.max(0, -right);
  for (let y = Math.max(0, down); y < height + Math.min(0, down); y++) {
    const to = position * size + (y * width + Math.max(0, right)) * channels;
    const from = index * size + ((y - down) * width + (flip ? width - 1 - left : left)) * channels;
    placeRow(examples, from, flip ? -channels : channels, batch.images, to, columns);
  }
}

/** Normalises `columns` pixels from `from` on, `step` numbers apart. With few weights it is much of a step: plain loops. */
function placeRow(
  { images, levels, channels }: Examples,
  from: number,
  step: number,
  batch: Float32Array,
  to: number,
  columns: number,
): void {
  for (let c = 0; c < channels; c++)
    for (let i = from + c, k = to + c, end = k + columns * channels; k < end; i += step, k += channels)
      batch[k] = levels[c * 256 + images[i]];
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is ${value}, expected an integer in ${least} … ${most}`);
}
