import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { TtsError } from '../../base/errors.js';
import type { ClipFiles } from './files.js';
import { sealBytes } from './sealed.js';

/** One clip of the store: its 16-bit audio and its features, readable anywhere without holding all of it in memory. */
export interface StoredClip {
  readonly id: string;
  readonly frames: number;
  /** frames·hop: the audio is cut to that, or zeros are appended. */
  readonly samples: number;
  /** `length` samples from `start` on; zeros before the beginning and after the end. */
  pcm(start: number, length: number): Int16Array;
  /**
   * `count` frames from `startFrame` on, row-major [count, bins]; the first and last frame are repeated beyond the
   * ends.
   */
  features(startFrame: number, count: number): Float32Array;
}

export interface ClipShape {
  readonly id: string;
  readonly frames: number;
  readonly hop: number;
  readonly bins: number;
}

/** What a clip is opened from. */
export interface ClipSource {
  readonly shape: ClipShape;
  readonly files: ClipFiles;
}

const sources = new WeakMap<StoredClip, ClipSource>();

/**
 * What another thread can open the same clip from; undefined where it is not all in files. A copy of a clip has none:
 * what it reads may be another thing.
 */
export const clipSource = (clip: StoredClip): ClipSource | undefined => sources.get(clip);

/** Opens a clip whose files are there; `resident` keeps them in memory from the first read on. */
export function storedClip(shape: ClipShape, files: ClipFiles, resident: boolean): StoredClip {
  const { id, frames, hop, bins } = shape;
  const samples = frames * hop;
  const readPcm = reader(files.pcm, Int16Array, resident);
  const readFeatures = reader(files.features, Float32Array, resident);
  const clip: StoredClip = {
    id,
    frames,
    samples,
    pcm(start, length) {
      checkRange(id, start, length);
      const result = new Int16Array(length);
      const from = Math.max(0, start);
      const to = Math.min(samples, start + length);
      if (to > from) readPcm(result.subarray(from - start, to - start), from);
      return result;
    },
    features(startFrame, count) {
      checkRange(id, startFrame, count);
      const result = new Float32Array(count * bins);
      if (count === 0) return result;
      const within = (frame: number) => Math.max(0, Math.min(frames - 1, frame));
      const first = within(startFrame);
      const last = within(startFrame + count - 1);
      // Row of the result that holds frame `first` when the request begins before the clip; a request beyond the end
      // has it in row 0.
      const offset = Math.min(count - 1, Math.max(0, first - startFrame));
      const rows = last - first + 1;
      readFeatures(result.subarray(offset * bins, (offset + rows) * bins), first * bins);
      for (let row = 0; row < offset; row++) result.copyWithin(row * bins, offset * bins, (offset + 1) * bins);
      const end = offset + rows - 1;
      for (let row = end + 1; row < count; row++) result.copyWithin(row * bins, end * bins, (end + 1) * bins);
      return result;
    },
  };
  sources.set(clip, { shape: { id, frames, hop, bins }, files });
  return clip;
}

function checkRange(id: string, start: number, count: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`clip ${id}: cannot read ${count} from ${start}, expected integers and a count of at least 0`);
  }
}

type Samples = Int16Array | Float32Array;
type SamplesConstructor<T extends Samples> = { new (buffer: ArrayBuffer): T; readonly BYTES_PER_ELEMENT: number };

/** A function that fills `target` with the elements of a file from `position` on. */
function reader<T extends Samples>(
  path: string,
  type: SamplesConstructor<T>,
  resident: boolean,
): (target: T, position: number) => void {
  if (!resident) return (target, position) => readAt(path, target, position * type.BYTES_PER_ELEMENT);
  let whole: T | undefined;
  return (target, position) => {
    if (whole === undefined) {
      const bytes = readFileSync(path);
      whole = new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength - sealBytes));
    }
    target.set(whole.subarray(position, position + target.length));
  };
}

function readAt(path: string, target: Samples, position: number): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < bytes.length;) {
      const count = readSync(file, bytes, done, bytes.length - done, position + done);
      if (count === 0)
        throw new TtsError(
          'ERR_CORPUS',
          `${path} ends at byte ${position + done}, expected ` +
            `${position + bytes.length} or more; remove it and run again`,
        );
      done += count;
    }
  } finally {
    closeSync(file);
  }
}
