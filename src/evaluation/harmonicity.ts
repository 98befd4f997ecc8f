import { type Alignment, measureHop, sameFrames } from './alignment.js';

/** The range of periods that are tried, as frequencies in Hz. */
const lowest = 70;
const highest = 400;
/** The length of the two stretches that are correlated, in seconds; the same as YIN's window in `trackPitch`. */
const windowSeconds = 0.025;

/**
 * How periodic each frame of `measureHop` is, frame f centred on c = f · hop: the highest correlation of a stretch of
 * speech with the one a period later, over all periods from 400 to 70 Hz. This is the normalised cross-correlation
 * function of RAPT (Talkin 1995, "A robust algorithm for pitch tracking") with the means taken out. In whole samples,
 * with w = round(25 ms · rate), for every lag from floor(rate / 400) to ceil(rate / 70):
 *
 *     s = c - floor((w + lag) / 2), so that both stretches together lie around the centre
 *     a = x[s .. s + w), b = x[s + lag .. s + lag + w), each less its mean
 *     correlation = Σ a·b / √(Σ a² · Σ b²)
 *
 * 1 for a steady tone, SNR / (1 + SNR) for one in white noise, a little above 0 for noise alone (it is the highest of
 * many). 0 where nothing sounds. Zeros are assumed beyond both ends.
 * @param samples mono
 * @param sampleRate in Hz
 * @returns [floor(length / hop) + 1], each in [-1, 1]; frames are those of `trackPitch`
 */
export function framePeriodicity(samples: Float32Array, sampleRate: number): Float64Array {
  const hop = measureHop(sampleRate);
  const window = Math.round(windowSeconds * sampleRate);
  const [shortest, longest] = [Math.floor(sampleRate / highest), Math.ceil(sampleRate / lowest)];
  const before = Math.floor((window + longest) / 2);
  const frame = new Float64Array(window + longest);
  const sums = new Float64Array(frame.length + 1);
  const squares = new Float64Array(frame.length + 1);
  return Float64Array.from({ length: Math.floor(samples.length / hop) + 1 }, (_, f) => {
    const first = f * hop - before;
    frame.fill(0);
    frame.set(samples.subarray(Math.max(0, first), Math.max(0, first + frame.length)), Math.max(0, -first));
    const mean = frame.reduce((a, b) => a + b, 0) / frame.length;
    frame.forEach((value, i) => {
      // Without the mean of the frame, the differences of sums below keep their digits.
      frame[i] = value - mean;
      sums[i + 1] = sums[i] + frame[i];
      squares[i + 1] = squares[i] + frame[i] * frame[i];
    });
    const tiny = 1e-9 * squares[frame.length];
    let best = -1;
    for (let lag = shortest; lag <= longest; lag++) {
      const a = before - Math.floor((window + lag) / 2);
      const b = a + lag;
      const [aSum, bSum] = [sums[a + window] - sums[a], sums[b + window] - sums[b]];
      const aVariance = squares[a + window] - squares[a] - (aSum * aSum) / window;
      const bVariance = squares[b + window] - squares[b] - (bSum * bSum) / window;
      let product = 0;
      for (let i = 0; i < window; i++) product += frame[a + i] * frame[b + i];
      const sounds = aVariance > tiny && bVariance > tiny;
      best = Math.max(best, sounds ? (product - (aSum * bSum) / window) / Math.sqrt(aVariance * bVariance) : 0);
    }
    return Math.min(1, best);
  });
}

/**
 * Harmonicity of a copy, as a share of the original's: the mean of `framePeriodicity` of the copy over that of the
 * original, both over the frames in which the original is voiced. 1 is as harmonic as the recording; hoarse or noisy
 * copies are below, and one that buzzes where the recording is breathy is above. Low harmonics, which hold most of the
 * energy, decide it.
 * @param voiced the original's track of `trackPitch`; 0 where it is unvoiced
 * @param target of the original, by `framePeriodicity`
 * @param output of the copy, by `framePeriodicity`
 * @param alignment which frames are compared; frame by frame unless given
 * @returns null where the original is nowhere voiced
 */
export function harmonicityShare(
  voiced: Float64Array,
  target: Float64Array,
  output: Float64Array,
  alignment: Alignment = sameFrames(target.length, output.length),
): number | null {
  let original = 0;
  let copy = 0;
  alignment.target.forEach((frame, i) => {
    if (voiced[frame] <= 0) return;
    original += target[frame];
    copy += output[alignment.output[i]];
  });
  return original > 0 ? copy / original : null;
}
