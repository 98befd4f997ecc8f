import type { MelSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import { type ExpectedFeatures, judgedFrames, spectralCorrelation } from './fit.js';
import type { NpyArray } from './npy.js';

/** An array as any acoustic model may have left it, and the settings beside it if there are any. */
export interface RawFeatures {
  /** Names the file in messages. */
  readonly path: string;
  readonly array: NpyArray;
  readonly settings?: MelSettings;
}

/** Features as float32, row-major [frames, bins], and what was done to make them so. */
export interface LaidOut {
  readonly path: string;
  readonly settings?: MelSettings;
  readonly data: Float32Array;
  readonly frames: number;
  readonly notes: readonly string[];
}

/**
 * Brings an array into the layout [frames, bins] of float32: leading axis of 1, transposition, Fortran order, other
 * precisions; and, where that is clear, features that are upside down or were reshaped.
 *
 * @throws TtsError ERR_FEATURE_SHAPE if no axis has the voice's number of bins, ERR_FEATURE_NOT_FINITE for NaN or
 * infinity.
 */
export function layOut({ path, array, settings }: RawFeatures, expected: ExpectedFeatures): LaidOut {
  const { bins, sampleRate, hop } = expected.settings;
  const notes: string[] = [];
  const shape = `[${array.shape.join(', ')}]`;
  const wanted = `the voice ${expected.name} expects ${bins} (mel, ${sampleRate} Hz, hop ${hop})`;
  const fail = (message: string) => new TtsError('ERR_FEATURE_SHAPE', `${path} ${message}`);

  if (array.dtype === 'int16')
    throw fail(`holds int16 numbers of shape ${shape}: expected floating-point features, numpy.float32`);
  let axes = array.shape;
  if (axes.length === 3 && axes[0] === 1) {
    axes = axes.slice(1);
    notes.push(`dropped the leading axis of shape ${shape}`);
  }
  if (axes.length !== 2) throw fail(`has shape ${shape}: expected two axes, [frames, bins]`);
  const [first, second] = axes;
  if (first !== bins && second !== bins)
    throw fail(`has ${settings?.bins ?? second} bins, ${wanted}; its shape is ${shape}`);
  if (first * second === 0) throw fail(`has shape ${shape}: there are no frames`);
  refuseNotFinite(path, array);

  if (array.fortranOrder) notes.push('rearranged from Fortran order');
  if (array.dtype !== 'float32') notes.push(`converted from ${array.dtype} to float32`);
  // In memory, Fortran order of [a, b] is C order of [b, a].
  const asStored = Float32Array.from(array.data);
  const straight = array.fortranOrder ? transpose(asStored, second, first) : asStored;
  if (first !== bins) {
    const { data, note } = orient(straight, first, expected, false);
    return { path, settings, data, frames: first, notes: [...notes, ...note] };
  }
  const transposed = transpose(straight, first, second);
  if (second !== bins) {
    notes.push(`transposed from [${first}, ${second}] to [frames, bins]`);
    const { data, note } = orient(transposed, second, expected, false);
    return { path, settings, data, frames: second, notes: [...notes, ...note] };
  }

  // As many frames as bins: the shape says nothing.
  const { data, note } = orient(straight, first, expected, true);
  const gain =
    spectralCorrelation(transposed, expected.statistics) - spectralCorrelation(straight, expected.statistics);
  if (note.length === 0 && gain > -clearlyBetter)
    notes.push(`took ${shape} as [frames, bins]; it could be the other way round`);
  return { path, settings, data, frames: first, notes: [...notes, ...note] };
}

/**
 * Another arrangement is taken where the mean spectrum correlates so much better with the voice's. Of 984 excerpts with
 * as many frames as bins none was transposed wrongly, and 71 were undecided; upside down, clips of a second and more
 * lose 0.9 to 1.8, a reshaped array 0.4 to 1.5, and what is right loses nothing.
 */
const clearlyBetter = 0.3;
/** And it has to look like speech then: whole clips have 0.6 to 0.95. */
const leastCorrelation = 0.5;

/** Features as they stand, or turned so that they look like speech, with a note of what was done. */
function orient(
  data: Float32Array,
  frames: number,
  { settings: { bins }, statistics }: ExpectedFeatures,
  square: boolean,
): { data: Float32Array; note: string[] } {
  if (frames < judgedFrames) return { data, note: [] };
  const transposed = transpose(data, square ? frames : bins, square ? bins : frames);
  const arrangements = [
    { turned: flip(data, bins), note: 'turned upside down: the first bin was the highest' },
    square
      ? {
          turned: transposed,
          note: `transposed to [frames, bins]: of [${bins}, ${bins}] the mean spectrum fits only that way`,
        }
      : { turned: transposed, note: `rearranged: the array was [${bins}, ${frames}], reshaped and not transposed` },
    {
      turned: flip(transposed, bins),
      note: 'transposed to [frames, bins] and turned upside down: the mean spectrum fits only that way',
    },
  ].map((one) => ({ ...one, fit: spectralCorrelation(one.turned, statistics) }));
  const best = arrangements.reduce((a, b) => (b.fit > a.fit ? b : a));
  const clear = best.fit - spectralCorrelation(data, statistics) > clearlyBetter && best.fit > leastCorrelation;
  return clear ? { data: best.turned, note: [best.note] } : { data, note: [] };
}

function flip(data: Float32Array, bins: number): Float32Array {
  return data.map((_, i) => data[i - (i % bins) + (bins - 1 - (i % bins))]);
}

function refuseNotFinite(path: string, { data, shape }: NpyArray): void {
  const bad = (data as Float64Array).findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const count = (data as Float64Array).reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
  throw new TtsError(
    'ERR_FEATURE_NOT_FINITE',
    `${path}: ${count} of ${data.length} values are not finite, the first is ${data[bad]} at place ${bad} of ` +
      `an array of shape [${shape.join(', ')}]: expected finite numbers`,
  );
}

function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column];
  return result;
}
