import type { SequenceBatch } from '../interface/kernels.js';
import { type Plan, type StepChunk, type TileGroup, tileLanes } from './plan.js';

/** The batch of a call of the GPU; without a gate conditioning where the call has what it comes from. */
export interface RequestBatch extends Omit<SequenceBatch, 'gate' | 'nll' | 'profile' | 'meanwhile'> {
  readonly gate?: Float32Array;
}

/** Frame of the batch that a chunk begins in, the position of its first step in it, and its frames. */
export interface ChunkFrames {
  readonly firstFrame: number;
  readonly phase: number;
  readonly frames: number;
}

export function chunkFrames(batch: RequestBatch, { start, steps }: StepChunk): ChunkFrames {
  const firstFrame = Math.floor((batch.phase + start) / batch.hop);
  const phase = batch.phase + start - firstFrame * batch.hop;
  return { firstFrame, phase, frames: Math.ceil((phase + steps) / batch.hop) };
}

/** What some lanes of a batch hear and say in some steps. Lanes beyond those of a member do not count. */
export interface HeardArrays {
  /** [lanes, steps + 1] and [lanes, steps], as in the batch; of an even number of elements, because words have two. */
  readonly codes: Uint16Array;
  readonly heard: Uint16Array;
  /** [lanes, steps, cues], where there are any. */
  readonly cues: Float32Array | undefined;
  /** [lanes] samples that count. */
  readonly lengths: Uint32Array;
}

/** The lane of the batch at each place of some tiles; -1 where there is none. */
export function lanesOf({ first, count }: TileGroup, { tilesOfMember }: Plan, lanesOfMember: number) {
  return Int32Array.from({ length: count * tileLanes }, (_, place) => {
    const at = first + Math.floor(place / tileLanes);
    const lane = (at % tilesOfMember) * tileLanes + (place % tileLanes);
    return lane < lanesOfMember ? Math.floor(at / tilesOfMember) * lanesOfMember + lane : -1;
  });
}

/** What `prepare` reads: the arrays of the batch themselves where it is all of it, in order. */
export function heardArrays(
  batch: RequestBatch,
  lanes: Int32Array,
  { start, steps }: Pick<StepChunk, 'start' | 'steps'>,
  cues: number,
): HeardArrays {
  const lengths = new Uint32Array(lanes.length);
  lanes.forEach((lane, place) => {
    if (lane >= 0) lengths[place] = Math.min(steps, Math.max(0, (batch.lengths?.[lane] ?? batch.steps) - start));
  });
  const some = <T extends Uint16Array | Float32Array>(array: T, perLane: number, first: number, count: number): T =>
    someOf(array, lanes, batch.lanes, perLane, first, count);
  const { codes, heard } = batch;
  return {
    codes: some(codes, batch.steps + 1, start, steps + 1),
    heard: heard ? some(heard, batch.steps, start, steps) : some(codes, batch.steps + 1, start, steps),
    cues: cues > 0 ? some(batch.cues!, batch.steps * cues, start * cues, steps * cues) : undefined,
    lengths,
  };
}

/** The gate conditioning of a chunk, [lanes, frames, 3H]. */
export function chunkGate(
  gate: Float32Array,
  lanes: Int32Array,
  { firstFrame, frames }: ChunkFrames,
  batch: RequestBatch,
  hidden: number,
): Float32Array {
  const row = 3 * hidden;
  return someOf(gate, lanes, batch.lanes, batch.frames * row, firstFrame * row, frames * row);
}

/** Of each lane so many elements of an array of the batch, from the first that is wanted; the array itself if that is all. */
function someOf<T extends Uint16Array | Float32Array>(
  array: T,
  lanes: Int32Array,
  lanesOfBatch: number,
  perLane: number,
  first: number,
  count: number,
): T {
  const inOrder =
    lanes.length % 2 === 0 && lanes.length === lanesOfBatch && lanes.every((lane, place) => lane === place);
  if (inOrder && count === perLane) return array;
  const length = lanes.length * count;
  const own = new (array.constructor as new (length: number) => T)(
    array.BYTES_PER_ELEMENT === 2 ? even(length) : length,
  );
  lanes.forEach((lane, place) => {
    if (lane >= 0) own.set(array.subarray(lane * perLane + first, lane * perLane + first + count), place * count);
  });
  return own;
}

const even = (length: number): number => Math.ceil(length / 2) * 2;

/** States [lanes of the batch, H] as tiles have them, [tile][H][lanes]; zeros without any. */
export function tiledStates(state: Float32Array | undefined, lanes: Int32Array, hidden: number) {
  const tiled = new Float32Array(lanes.length * hidden);
  if (state)
    lanes.forEach((lane, place) => {
      if (lane < 0) return;
      const at = Math.floor(place / tileLanes) * hidden * tileLanes + (place % tileLanes);
      for (let i = 0; i < hidden; i++) tiled[at + i * tileLanes] = state[lane * hidden + i];
    });
  return tiled;
}

/** The way back of `tiledStates`. */
export function untileStates(tiled: Float32Array, state: Float32Array, lanes: Int32Array, hidden: number): void {
  lanes.forEach((lane, place) => {
    if (lane < 0) return;
    const at = Math.floor(place / tileLanes) * hidden * tileLanes + (place % tileLanes);
    for (let i = 0; i < hidden; i++) state[lane * hidden + i] = tiled[at + i * tileLanes];
  });
}

/** Puts the nats of the slices of a chunk, [slice][place], into those of the batch, [slices, lanes]. */
export function takeSums(
  sums: Float32Array,
  all: Float32Array,
  lanes: Int32Array,
  { firstSlice }: StepChunk,
  lanesOfBatch: number,
): void {
  lanes.forEach((lane, place) => {
    if (lane < 0) return;
    for (let i = place, slice = firstSlice; i < sums.length; i += lanes.length, slice++)
      all[slice * lanesOfBatch + lane] = sums[i];
  });
}

/** Puts the nats of a chunk, [step][tile][coarse, fine][lanes], into those of the batch, [lanes, steps]. */
export function takeNats(
  nats: Float32Array,
  nll: Float32Array,
  lanes: Int32Array,
  { start, steps }: StepChunk,
  stepsOfBatch: number,
): void {
  lanes.forEach((lane, place) => {
    if (lane < 0) return;
    const at = Math.floor(place / tileLanes) * 2 * tileLanes + (place % tileLanes);
    const to = lane * stepsOfBatch + start;
    for (let t = 0; t < steps; t++) {
      const from = t * lanes.length * 2 + at;
      nll[to + t] = nats[from] + nats[from + tileLanes];
    }
  });
}

/**
 * Puts the gradients of the gate conditioning of a chunk, [lanes, frames, 3H], into those of the batch. A frame that goes
 * on in the chunk after it holds that one's sum too: it is to be taken later.
 */
export function takeGate(
  gradient: Float32Array,
  gate: Float32Array,
  lanes: Int32Array,
  { firstFrame, frames }: Pick<ChunkFrames, 'firstFrame' | 'frames'>,
  framesOfBatch: number,
  hidden: number,
): void {
  const row = 3 * hidden;
  lanes.forEach((lane, place) => {
    if (lane < 0) return;
    gate.set(
      gradient.subarray(place * frames * row, (place + 1) * frames * row),
      (lane * framesOfBatch + firstFrame) * row,
    );
  });
}
