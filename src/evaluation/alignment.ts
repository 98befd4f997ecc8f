/** Seconds from one frame to the next in all measures that look at frames; vocoders use the same (WORLD, SPTK). */
const hopSeconds = 0.005;

/** The same in samples. */
export function measureHop(sampleRate: number): number {
  return Math.max(1, Math.round(hopSeconds * sampleRate));
}

/** Which frames of two signals belong together: frame target[i] and frame output[i], for each i. */
export interface Alignment {
  readonly target: Int32Array;
  readonly output: Int32Array;
}

/** Frame by frame, as far as both signals go. */
export function sameFrames(targetFrames: number, outputFrames: number): Alignment {
  const frames = Int32Array.from({ length: Math.min(targetFrames, outputFrames) }, (_, i) => i);
  return { target: frames, output: frames };
}

/**
 * Dynamic time warping (Sakoe and Chiba 1978, IEEE TASSP 26(1), symmetric form without slope constraint and with equal
 * weights): the path from the first pair of frames to the last, by steps of one frame in either signal or in both,
 * along which the distances have the smallest sum. Takes a byte per pair of frames.
 */
export function warp(
  targetFrames: number,
  outputFrames: number,
  distance: (target: number, output: number) => number,
): Alignment {
  // 0: from (i-1, j-1), 1: from (i-1, j), 2: from (i, j-1)
  const moves = new Uint8Array(targetFrames * outputFrames);
  let above = new Float64Array(outputFrames).fill(Infinity);
  let row = new Float64Array(outputFrames);
  for (let i = 0; i < targetFrames; i++) {
    for (let j = 0; j < outputFrames; j++) {
      const both = i === 0 && j === 0 ? 0 : j > 0 ? above[j - 1] : Infinity;
      const left = j > 0 ? row[j - 1] : Infinity;
      const move = both <= above[j] && both <= left ? 0 : above[j] <= left ? 1 : 2;
      moves[i * outputFrames + j] = move;
      row[j] = distance(i, j) + [both, above[j], left][move];
    }
    [above, row] = [row, above];
  }
  const target: number[] = [];
  const output: number[] = [];
  for (let i = targetFrames - 1, j = outputFrames - 1; i >= 0 && j >= 0;) {
    target.push(i);
    output.push(j);
    const move = moves[i * outputFrames + j];
    if (move !== 2) i--;
    if (move !== 1) j--;
  }
  return { target: Int32Array.from(target.reverse()), output: Int32Array.from(output.reverse()) };
}
