import { type Alignment, sameFrames } from './dtw.js';

/** How far the melody of a copy is off. */
export interface PitchErrors {
  /**
   * Root mean square of 1200 · log2(f' / f), the interval between the fundamental frequencies, over the frames in which
   * both are voiced, in cents (1200 to the octave); octave errors count in full. Null where no frame is voiced in both.
   */
  readonly f0Rmse: number | null;
  /**
   * Share of all frames, in percent, that are voiced in one and unvoiced in the other (Nakatani et al. 2008's voicing
   * decision error).
   */
  readonly voicingError: number;
}

/**
 * Compares two tracks of `trackPitch`: Hz per frame, 0 where unvoiced.
 * @param alignment which frames are compared; frame by frame unless given
 */
export function pitchErrors(
  target: Float64Array,
  output: Float64Array,
  alignment: Alignment = sameFrames(target.length, output.length),
): PitchErrors {
  let voiced = 0;
  let squares = 0;
  let wrong = 0;
  alignment.target.forEach((frame, i) => {
    const [f, g] = [target[frame], output[alignment.output[i]]];
    if (f > 0 !== g > 0) wrong++;
    else if (f > 0) {
      voiced++;
      squares += (1200 * Math.log2(g / f)) ** 2;
    }
  });
  return {
    f0Rmse: voiced > 0 ? Math.sqrt(squares / voiced) : null,
    voicingError: (100 * wrong) / alignment.target.length,
  };
}
