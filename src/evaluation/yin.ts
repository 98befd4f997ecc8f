import Fft from 'fft.js';

/** A period that a frame may have, as its frequency, and how probable it is. */
export interface PitchCandidate {
  /** In Hz. */
  readonly frequency: number;
  readonly probability: number;
}

/** What is believed of the best period of a frame that none of the thresholds accepts (Mauch and Dixon's p_a). */
const leastTrust = 0.01;

/**
 * The probability that the threshold of YIN lies below x: the cumulative Beta(2, 18) distribution of Mauch and Dixon,
 * with mean 0.1.
 */
function thresholdBelow(x: number): number {
  const rest = 1 - Math.min(1, Math.max(0, x));
  return 1 - rest ** 19 - 19 * (1 - rest) * rest ** 18;
}

/**
 * The candidates of probabilistic YIN for one frame after the other: de Cheveigné and Kawahara 2002, "YIN, a
 * fundamental frequency estimator for speech and music", JASA 111(4), steps 1 to 3 and 5, for every threshold at once,
 * each as probable as Mauch and Dixon 2014, "pYIN", ICASSP, say (equations 4 and 5, the sum over thresholds taken in
 * the limit of many).
 *
 * A frame of `frameLength` samples is `windowLength`, over which differences are summed, and the longest period.
 */
export class YinFrames {
  readonly frameLength: number;
  private readonly shortest: number;
  private readonly longest: number;
  private readonly fft: Fft;
  private readonly size: number;
  private readonly input: Float64Array;
  private readonly spectra: readonly [Float64Array, Float64Array];
  private readonly correlation: Float64Array;
  /** [longest + 2], the cumulative mean normalised difference d' by lag. */
  private readonly difference: Float64Array;

  /** @param windowLength in samples; lowest and highest are in Hz */
  constructor(
    private readonly sampleRate: number,
    private readonly windowLength: number,
    lowest: number,
    highest: number,
  ) {
    this.shortest = Math.max(2, Math.floor(sampleRate / highest));
    this.longest = Math.ceil(sampleRate / lowest);
    // One lag more on either side, so that a minimum at the edge can be recognised and refined.
    this.frameLength = windowLength + this.longest + 1;
    this.size = 2 ** Math.ceil(Math.log2(this.frameLength));
    this.fft = new Fft(this.size);
    this.input = new Float64Array(this.size);
    this.spectra = [new Float64Array(2 * this.size), new Float64Array(2 * this.size)];
    this.correlation = new Float64Array(2 * this.size);
    this.difference = new Float64Array(this.longest + 2);
  }

  /**
   * @param frame [frameLength]
   * @returns the candidates, shortest period first; none for digital silence
   */
  candidates(frame: Float64Array): PitchCandidate[] {
    this.normalisedDifference(frame);
    const d = this.difference;
    const minima: number[] = [];
    for (let lag = this.shortest; lag <= this.longest; lag++)
      if (d[lag] < d[lag - 1] && d[lag] <= d[lag + 1] && d[lag] < 1) minima.push(lag);
    // A threshold takes the first minimum below it: a minimum stands for the thresholds between itself and the lowest
    // one before it.
    let lowest = 1;
    const found = minima.flatMap((lag) => {
      if (d[lag] >= lowest) return [];
      const probability = thresholdBelow(lowest) - thresholdBelow(d[lag]);
      lowest = d[lag];
      return [{ lag, probability }];
    });
    return found.map(({ lag, probability }, i) => ({
      frequency: this.sampleRate / this.refined(lag),
      probability: probability + (i === found.length - 1 ? leastTrust * thresholdBelow(lowest) : 0),
    }));
  }

  /**
   * Equations 6 and 8 of YIN: the squared difference between the window and itself `lag` later, over its mean at all
   * lags up to this one.
   */
  private normalisedDifference(frame: Float64Array): void {
    const { windowLength, difference, input, correlation } = this;
    const [window, whole] = this.spectra;
    input.fill(0);
    input.set(frame);
    this.fft.realTransform(whole, input);
    input.fill(0, windowLength);
    this.fft.realTransform(window, input);
    // The correlation of the window with the frame: the conjugate of the one times the other.
    for (let i = 0; i <= this.size; i += 2) {
      const [a, b, c, d] = [window[i], window[i + 1], whole[i], whole[i + 1]];
      whole[i] = a * c + b * d;
      whole[i + 1] = a * d - b * c;
    }
    this.fft.completeSpectrum(whole);
    this.fft.inverseTransform(correlation, whole);

    let energy = 0;
    for (let i = 0; i < windowLength; i++) energy += frame[i] * frame[i];
    // What the transform rounds away is not to look like a period.
    const tiny = 1e-9 * energy;
    let shifted = energy;
    let sum = 0;
    difference[0] = 1;
    for (let lag = 1; lag < difference.length; lag++) {
      shifted += frame[lag + windowLength - 1] ** 2 - frame[lag - 1] ** 2;
      const value = Math.max(0, energy + shifted - 2 * correlation[2 * lag]);
      sum += value;
      difference[lag] = sum > tiny * lag ? (value * lag) / sum : 1;
    }
  }

  /** Step 5: the place of a minimum between samples, by the parabola through it and its neighbours. */
  private refined(lag: number): number {
    const [before, at, after] = this.difference.subarray(lag - 1, lag + 2);
    const curvature = before - 2 * at + after;
    return curvature > 0 ? lag + (before - after) / (2 * curvature) : lag;
  }
}
