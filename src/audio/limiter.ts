import { concatenated } from '../base/concatenated.js';

/** Seconds: at a peak the gain is what it needs, twice this far from it is 1 again. */
const reachSeconds = 0.0025;

/** Below the largest 16-bit sample by what rounding may add. */
const ceiling = 32766 / 32768;

/**
 * Keeps samples within full scale: around a peak that is beyond it speech becomes softer, smoothly, instead of being cut
 * off, which clicks. Each sample's gain is the mean, under a Hann window of 2.5 ms to each side, of the least gains that samples
 * within 2.5 ms need, so it is never above what its own sample needs. What has no peaks beyond full scale stays as it is,
 * to the bit.
 *
 * Works piece by piece; what comes out does not depend on the pieces. The sound comes 5 ms later.
 */
export class Limiter {
  private readonly reach: number;
  private readonly window: Float64Array;
  /** The last samples: those that were given out and still count, then those that wait. */
  private samples: Float64Array = new Float64Array(0);
  private waiting = 0;

  constructor(sampleRate: number) {
    this.reach = Math.max(1, Math.round(reachSeconds * sampleRate));
    const { reach } = this;
    this.window = Float64Array.from(
      { length: 2 * reach + 1 },
      (_, k) => 1 - Math.cos((Math.PI * (k + 1)) / (reach + 1)),
    );
    const sum = this.window.reduce((total, weight) => total + weight, 0);
    this.window.forEach((weight, k) => (this.window[k] = weight / sum));
  }

  /**
   * Takes some samples, full scale is 1.
   * @param last whether they are the last ones
   * @returns the next ones, as far as what follows them is known; at the end all that are left
   */
  push(samples: Float64Array, last = false): Float64Array {
    const { reach } = this;
    this.samples = concatenated([this.samples, samples], Float64Array);
    this.waiting += samples.length;
    const ready = last ? this.waiting : Math.max(0, this.waiting - 2 * reach);
    const from = this.samples.length - this.waiting;
    const out = this.limited(from, from + ready);
    this.waiting -= ready;
    this.samples = this.samples.slice(Math.max(0, from + ready - 2 * reach));
    return out;
  }

  /** Samples from `from` up to `to` of those that are held. */
  private limited(from: number, to: number): Float64Array {
    const { samples, reach, window } = this;
    const out = samples.slice(from, to);
    // The least gain that any sample within reach needs; what lies outside needs none.
    const first = from - reach;
    const least = new Float64Array(out.length + 2 * reach).fill(1);
    const begin = Math.max(0, from - 2 * reach);
    let quiet = true;
    for (let i = begin; i < Math.min(samples.length, to + 2 * reach); i++) {
      if (Math.abs(samples[i]) <= ceiling) continue;
      quiet = false;
      const gain = ceiling / Math.abs(samples[i]);
      const end = Math.min(least.length, i + reach + 1 - first);
      for (let n = Math.max(0, i - reach - first); n < end; n++) least[n] = Math.min(least[n], gain);
    }
    if (quiet) return out;
    for (let n = 0; n < out.length; n++) {
      let gain = 0;
      for (let k = 0; k < window.length; k++) gain += window[k] * least[n + k];
      // Where nothing is lowered the mean of ones may be off by rounding.
      if (gain < 1 - 1e-9) out[n] *= gain;
    }
    return out;
  }
}
