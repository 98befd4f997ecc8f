/** What the listeners of one voice share. */
export interface Hearing {
  /** One of `cueCounts`. */
  readonly cues: number;
  /** Coefficients of a predictor: s[t] ≈ Σ coefficients[k-1]·s[t-k]. */
  readonly order: number;
  /** Shortest and longest period, in samples, among which the pitch is looked for. */
  readonly shortest: number;
  readonly longest: number;
  /** [codes]: the excitation that each code stands for, ascending. */
  readonly values: Float64Array;
}

/** The predictors of some frames. */
export interface FramePredictors {
  /** [frames, order]. */
  readonly coefficients: Float64Array;
  /** [frames]: what an excitation of 1 stands for; full scale is 1. */
  readonly scales: Float64Array;
}

/** Cues about the signal (0 to 3), and with the pitch's (4 to 9) besides. */
export const cueCounts = { symbols: 0, signal: 4, pitch: 10 } as const;

/** Longest period that a listener can find. */
export const longestPeriod = 700;

/** Samples between two looks for the pitch, counted from the beginning of a frame. */
const pitchInterval = 64;

/** The pitch is looked for in the last samples; first of all in means of four. */
const pitchWindow = 320;
const thinning = 4;

/** The power of a step of 16 bits: below it there is no pitch. */
const silence = 1e-9;

/** An excitation of 1 is so many standard deviations of the frame; see codec_excitation.ts. */
const deviations = 16;

/** Samples that are remembered at least. */
const memory = 1024;
const room = 4 * memory;

/**
 * What the network hears of its own voice besides the last symbols: cues. A listener follows the codes of an excitation
 * as a decoder does, and says what linear prediction and the pitch let expect of the next sample. LPCNet's network hears
 * the prediction and the last sample too (Valin and Skoglund 2019, arXiv 1810.11846, section 3.1). The period is found
 * in what was already spoken, as backward-adaptive speech coders do (ITU-T G.728 among them), so that nothing has to be
 * sent. The reference of native/excitation/listening.h, which gives the same to the bit.
 *
 * With σ the deviation of the frame's excitation and f(x) = x / (1 + |x|), the cues are
 * 0, 1: the prediction p[t] as f(p / 4σ) and f(p / 32σ);
 * 2, 3: the last sample s[t-1] as f(s / 4σ) and f(s / 32σ);
 * 4 … 8: the excitation one period L ago, f(e[t-L+k] / 2σ) for k = -2 … 2, 0 where no period was found;
 * 9: the normalised autocorrelation at that period.
 */
export class Listener {
  private coefficients: Float64Array = new Float64Array(0);
  private scale = 1;
  private prediction = 0;
  private periodicity = 0;
  private lag = 0;
  /** Of what is known. What comes before the first sample is silence. */
  private end = memory;
  private readonly samples = new Float64Array(room);
  private readonly excitation = new Float64Array(room);

  constructor(private readonly hearing: Hearing) {}

  /** The predictor [order] of a frame that begins, and what an excitation of 1 stands for. */
  frame(coefficients: Float64Array, scale: number): void {
    this.coefficients = coefficients;
    this.scale = scale;
  }

  /** A sample from before the first code. */
  know(sample: number): void {
    this.keep(sample, 0);
  }

  /** The prediction of the next sample, whose place in its frame is `position`. */
  predict(position: number): number {
    if (this.hearing.cues > cueCounts.signal && position % pitchInterval === 0) this.findPitch();
    let prediction = 0;
    // The newest sample last: what is known earlier can be added up earlier.
    for (let k = this.hearing.order - 1; k >= 0; k--)
      prediction += this.coefficients[k] * this.samples[this.end - 1 - k];
    return (this.prediction = prediction);
  }

  /** The cues about that sample, after `predict`, into `out` from `at` on. */
  cues(out: Float32Array | number[], at = 0): void {
    const { prediction, lag, end } = this;
    if (this.hearing.cues === 0) return;
    const deviation = this.scale / deviations;
    const last = this.samples[end - 1];
    out[at] = softened(prediction / (4 * deviation));
    out[at + 1] = softened(prediction / (32 * deviation));
    out[at + 2] = softened(last / (4 * deviation));
    out[at + 3] = softened(last / (32 * deviation));
    if (this.hearing.cues === cueCounts.signal) return;
    for (let k = -2; k <= 2; k++)
      out[at + 6 + k] = lag > 0 ? softened(this.excitation[end - lag + k] / (2 * deviation)) : 0;
    out[at + 9] = this.periodicity;
  }

  /** The code of that sample. Returns the sample, within ±1. */
  follow(code: number): number {
    const excitation = this.scale * this.hearing.values[code];
    const sample = Math.max(-1, Math.min(1, this.prediction + excitation));
    this.keep(sample, excitation);
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

  /**
   * The period after which the last samples are most like those before: first by means of four samples, then sample by
   * sample around the best.
   */
  private findPitch(): void {
    const { samples, end, hearing } = this;
    const window = pitchWindow / thinning;
    const [first, last] = [hearing.shortest, hearing.longest].map((samples) => Math.floor(samples / thinning));
    const thin = new Float64Array(window + last);
    for (let i = 0, from = end - thin.length * thinning; i < thin.length; i++, from += thinning)
      thin[i] = samples[from] + samples[from + 1] + (samples[from + 2] + samples[from + 3]);
    const power = dot(thin, last, last, window) + silence;
    let most = 0;
    let best = 0;
    for (let lag = first; lag <= last; lag++) {
      const product = Math.max(0, dot(thin, last, last - lag, window));
      // A little in favour of short periods: after two of them speech is as much alike.
      const likeness =
        ((product * product) / ((dot(thin, last - lag, last - lag, window) + silence) * power)) * (1 - 0.001 * lag);
      if (likeness > most) [most, best] = [likeness, lag];
    }
    this.lag = 0;
    this.periodicity = 0;
    if (best === 0) return;
    const from = end - pitchWindow;
    const all = dot(samples, from, from, pitchWindow) + silence;
    const [shortest, longest] = [
      Math.max(hearing.shortest, thinning * best - 3),
      Math.min(hearing.longest, thinning * best + 3),
    ];
    for (let lag = shortest; lag <= longest; lag++) {
      const likeness =
        dot(samples, from, from - lag, pitchWindow) /
        Math.sqrt((dot(samples, from - lag, from - lag, pitchWindow) + silence) * all);
      if (likeness > this.periodicity) [this.periodicity, this.lag] = [likeness, lag];
    }
  }
}

/** Any number becomes one within ±1; small ones hardly change. */
const softened = (x: number): number => x / (1 + Math.abs(x));

/** Σ x[i+n]·x[j+n], in four sums side by side. */
function dot(x: Float64Array, i: number, j: number, count: number): number {
  const sums = [0, 0, 0, 0];
  for (let n = 0; n < count; n += 4) for (let k = 0; k < 4; k++) sums[k] += x[i + n + k] * x[j + n + k];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}
