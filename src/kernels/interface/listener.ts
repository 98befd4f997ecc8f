/** What the listeners of one voice share. */
export interface Hearing {
  /** One of `cueCounts`. */
  readonly cues: number;
  /** Coefficients of a predictor: s[t] ≈ Σ coefficients[k-1]·s[t-k]. */
  readonly order: number;
  /** [codes]: the excitation that each code stands for, ascending. */
  readonly values: Float64Array;
  /**
   * [4, taps], taps odd: the filter through which the excitation of one period ago is heard again, delayed by so many
   * quarters of a sample. Empty: no prediction from the pitch.
   */
  readonly pitchFilter: Float64Array;
}

/** The predictors of some frames. */
export interface FramePredictors {
  /** [frames, order]. */
  readonly coefficients: Float64Array;
  /** [frames]: what an excitation of 1 stands for; full scale is 1. */
  readonly scales: Float64Array;
  /** [frames]: quarters of a sample in a period, from `shortestPeriod` to `longestPeriod` samples. */
  readonly periods: Int32Array;
  /** [frames]: how much of the excitation of one period ago is expected again, 0 to 1. */
  readonly gains: Float64Array;
}

/** Cues that a network can hear. */
export const cueCounts = { symbols: 0, signal: 4 } as const;

/** Bounds of a period in samples; a filter may reach back to half of the shortest. */
export const shortestPeriod = 32;
export const longestPeriod = 960;

/** A period is given in so many parts of a sample. */
export const periodParts = 4;

/** An excitation of 1 is so many standard deviations of the frame; see codec_excitation.ts. */
const deviations = 16;

/** Samples that are remembered at least. */
const memory = 1024;
const room = 4 * memory;

/**
 * Follows the codes of an excitation as a decoder does, and predicts the next sample: from the last samples (short-term
 * prediction), and from the excitation of one period ago (long-term prediction, as in speech coders since Atal and
 * Schroeder 1970, Bell Syst. Tech. J. 49(8)). Says it to the network, if that hears cues: LPCNet's network hears the
 * prediction and the last sample too (Valin and Skoglund 2019, arXiv 1810.11846, section 3.1). The reference of
 * native/excitation/listening.h, which gives the same to the bit.
 *
 * With σ the deviation of the frame's excitation and f(x) = x / (1 + |x|), the cues are the prediction p[t] as
 * f(p / 4σ) and f(p / 32σ), and the last sample s[t-1] as f(s / 4σ) and f(s / 32σ).
 */
export class Listener {
  private predictors: FramePredictors | undefined;
  private index = 0;
  private pitch = 0;
  private prediction = 0;
  /** Of what is known. What comes before the first sample is silence. */
  private end = memory;
  private readonly samples = new Float64Array(room);
  private readonly excitation = new Float64Array(room);

  constructor(private readonly hearing: Hearing) {}

  /** A frame begins. */
  frame(predictors: FramePredictors, index: number): void {
    this.predictors = predictors;
    this.index = index;
  }

  /** A sample from before the first code. */
  know(sample: number): void {
    this.keep(sample, 0);
  }

  /** The prediction of the next sample. */
  predict(): number {
    const { samples, excitation, end, index } = this;
    const { order, pitchFilter } = this.hearing;
    const { coefficients, periods, gains } = this.predictors!;
    let prediction = 0;
    // The newest sample last: what is known earlier can be added up earlier.
    for (let k = order - 1; k >= 0; k--) prediction += coefficients[index * order + k] * samples[end - 1 - k];
    let again = 0;
    if (pitchFilter.length > 0 && gains[index] > 0) {
      const taps = pitchFilter.length / periodParts;
      const whole = Math.floor(periods[index] / periodParts);
      const row = (periods[index] % periodParts) * taps;
      const last = end - whole + (taps >> 1);
      for (let k = 0; k < taps; k++) again += pitchFilter[row + k] * excitation[last - k];
      again *= gains[index];
    }
    this.pitch = again;
    return (this.prediction = prediction + again);
  }

  /** The cues about that sample, after `predict`, into `out` from `at` on. */
  cues(out: Float32Array | number[], at = 0): void {
    if (this.hearing.cues === 0) return;
    const deviation = this.predictors!.scales[this.index] / deviations;
    const last = this.samples[this.end - 1];
    out[at] = softened(this.prediction / (4 * deviation));
    out[at + 1] = softened(this.prediction / (32 * deviation));
    out[at + 2] = softened(last / (4 * deviation));
    out[at + 3] = softened(last / (32 * deviation));
  }

  /** The code of that sample. Returns the sample, within ±1. */
  follow(code: number): number {
    const excitation = this.predictors!.scales[this.index] * this.hearing.values[code];
    const sample = Math.max(-1, Math.min(1, this.prediction + excitation));
    this.keep(sample, this.pitch + excitation);
    return sample;
  }

  private keep(sample: number, excitation: number): void {
    if (this.end === room) {
      this.samples.copyWithin(0, room - memory);
      this.excitation.copyWithin(0, room - memory);
      this.end = memory;
    }
    this.samples[this.end] = sample;
    this.excitation[this.end++] = excitation;
  }
}

/** Any number becomes one within ±1; small ones hardly change. */
const softened = (x: number): number => x / (1 + Math.abs(x));
