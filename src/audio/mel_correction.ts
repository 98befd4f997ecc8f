import Fft from 'fft.js';
import { concatenated } from '../base/concatenated.js';
import { compressor, expander } from './compression.js';
import { filterBank, gravity } from './filter_bank.js';
import type { MelSettings } from './mel_settings.js';
import { centredHann, padLength } from './stft.js';
import { expectedLevels, levelOf, type UpperBand, upperBands } from './upper_bands.js';

/** No pass changes a band by more than this, in nats of amplitude: 12 dB. */
const mostGain = (12 / 20) * Math.LN10;

/** Where windows sum up to less, at the ends, samples are not made louder than this allows. */
const leastWindow = 1e-3;

/** Each brings the speech nearer to its features; after three there is little left to gain. */
const passes = 3;

/**
 * A band is changed by this power of its ratio (over-relaxation): windows overlap and bands do, so that a pass reaches
 * less than it aims at. At 1.7 two passes already overshoot.
 */
const relaxation = 1.3;

/**
 * Gives speech the mel spectrum that it was made from: what a vocoder speaks has levels of its own in each band and
 * frame, above all where it draws at random, and the features say what they should be. Each frame of the short-time
 * Fourier transform is multiplied by the ratio of the two, interpolated between the bands' centres, and the frames are
 * overlapped and added again (Griffin and Lim 1984, IEEE Trans. ASSP 32(2), eq. 6), three times. Phases stay as they
 * are; what the bands do not resolve is left to the vocoder. Above the last band speech is given the levels that the
 * features let expect, if the voice knows how, and otherwise what the last band needs.
 *
 * Works piece by piece; what comes out does not depend on the pieces. Frame f of the features has samples f·hop …
 * (f+1)·hop - 1; the sound comes later by the part of a window that lies beyond a frame, for each pass.
 */
export class MelCorrection {
  private readonly passes: Pass[];

  /** @param upper what `UpperBandFit` learned from the voice's recordings */
  constructor(settings: MelSettings, upper?: Float32Array) {
    this.passes = Array.from({ length: passes }, () => new Pass(settings, upper));
  }

  /**
   * Takes some frames.
   * @param samples [frames · hop], full scale is 1
   * @param features [frames, bins]
   * @param last whether they are the last ones
   * @returns the next samples, as far as all windows over them are there; at the end all that are left, so that as many
   * have come out as went in
   */
  push(samples: Float64Array, features: Float32Array, last = false): Float64Array {
    return this.passes.reduce((ready, pass) => pass.push(ready, features, last), samples);
  }
}

/** One pass over the frames. Samples may come later than the features of their frames. */
class Pass {
  private readonly bands: { readonly first: number; readonly weights: Float64Array }[];
  private readonly upperBands: UpperBand[];
  private readonly expected: (features: Float32Array) => Float64Array;
  /** Power of the pre-emphasis at each bin of the spectrum. */
  private readonly emphasis: Float64Array;
  private readonly compress: (output: number) => number;
  private readonly expand: (value: number) => number;
  private readonly window: Float64Array;
  private readonly fft: Fft;
  private readonly pad: number;
  /** For each bin of the spectrum, the band at or below it (the upper ones come last), and the share of the next band. */
  private readonly below: Int32Array;
  private readonly share: Float64Array;
  /** Of the frame at work. */
  private readonly input: Float64Array;
  private readonly spectrum: Float64Array;
  private readonly output: Float64Array;
  private readonly levels: Float64Array;
  /** What has come: samples from `start` on, and the features of the frames from `frame` on. */
  private samples: Float64Array = new Float64Array(0);
  private start = 0;
  private features: Float32Array = new Float32Array(0);
  private frame = 0;
  /** Sums of windowed frames and of windows, from sample `done` on; zeros where none has come yet. */
  private sums: Float64Array = new Float64Array(0);
  private weights: Float64Array = new Float64Array(0);
  private done = 0;
  private received = 0;

  constructor(
    private readonly settings: MelSettings,
    upper: Float32Array | undefined,
  ) {
    const { fftSize, preEmphasis } = settings;
    this.bands = filterBank(settings);
    this.upperBands = upper ? upperBands(settings) : [];
    this.expected = expectedLevels(settings, upper ?? new Float32Array(0));
    this.compress = compressor(settings);
    this.expand = expander(settings);
    this.window = centredHann(settings);
    this.fft = new Fft(fftSize);
    this.pad = padLength(settings);
    const bins = fftSize / 2 + 1;
    this.input = new Float64Array(fftSize);
    this.spectrum = new Float64Array(2 * fftSize);
    this.output = new Float64Array(2 * fftSize);
    this.levels = new Float64Array(bins);
    this.emphasis = Float64Array.from(
      { length: bins },
      (_, k) =>
        (1 - preEmphasis * Math.cos((2 * Math.PI * k) / fftSize)) ** 2 +
        (preEmphasis * Math.sin((2 * Math.PI * k) / fftSize)) ** 2,
    );
    // A filter narrower than one bin may be empty.
    const centres = [
      ...this.bands.map((filter) => gravity(filter)?.centre ?? filter.first),
      ...this.upperBands.map(({ first, end }) => (first + end - 1) / 2),
    ];
    this.below = new Int32Array(bins);
    this.share = new Float64Array(bins);
    for (let k = 0, band = 0; k < bins; k++) {
      while (band + 2 < centres.length && centres[band + 1] <= k) band++;
      const width = centres[band + 1] - centres[band];
      this.below[k] = band;
      this.share[k] = width > 0 ? Math.max(0, Math.min(1, (k - centres[band]) / width)) : 0;
    }
  }

  push(samples: Float64Array, features: Float32Array, last: boolean): Float64Array {
    this.samples = concatenated([this.samples, samples], Float64Array);
    this.features = concatenated([this.features, features], Float32Array);
    this.received += samples.length;
    const { hop, fftSize, bins } = this.settings;
    let frames = 0;
    for (; (frames + 1) * bins <= this.features.length; frames++) {
      const first = this.frame * hop - this.pad;
      if (!last && first + fftSize > this.received) break;
      this.correct(first, this.features.subarray(frames * bins, (frames + 1) * bins));
      this.frame++;
    }
    this.features = this.features.slice(frames * bins);
    // The next frame's window begins here.
    const next = this.frame * hop - this.pad;
    const count = Math.max(0, (last ? this.received : Math.min(next, this.received)) - this.done);
    const out = new Float64Array(count);
    for (let i = 0; i < count; i++) out[i] = (this.sums[i] ?? 0) / Math.max(leastWindow, this.weights[i] ?? 0);
    for (const array of [this.sums, this.weights]) {
      array.copyWithin(0, count);
      array.fill(0, Math.max(0, array.length - count));
    }
    this.done += count;
    const forgotten = Math.max(0, Math.min(next - this.start, this.samples.length));
    this.samples = this.samples.slice(forgotten);
    this.start += forgotten;
    return out;
  }

  /** One frame, whose window begins at sample `first`. */
  private correct(first: number, features: Float32Array): void {
    const { fftSize, power, powerOffset } = this.settings;
    const { input, spectrum, output, levels, emphasis, window, samples, below, share } = this;
    const at = first - this.start;
    const from = Math.max(0, -at);
    const to = Math.min(fftSize, samples.length - at);
    input.fill(0);
    for (let i = from; i < to; i++) input[i] = window[i] * samples[at + i];
    this.fft.realTransform(spectrum, input);
    const bins = levels.length;
    for (let k = 0; k < bins; k++) {
      const [re, im] = [spectrum[2 * k], spectrum[2 * k + 1]];
      const energy = (re * re + im * im) * emphasis[k] + powerOffset;
      levels[k] = power === 1 ? Math.sqrt(energy) : energy;
    }
    const ratios = this.bands.map(({ first, weights }, band) => {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * levels[first + k];
      // Through the floor and the clipping that the features went through.
      return Math.log(this.expand(features[band]) / this.expand(this.compress(sum))) / power;
    });
    const expected = this.expected(features);
    this.upperBands.forEach((band, i) =>
      ratios.push(expected[i] - levelOf(band, (k) => spectrum[2 * k] ** 2 + spectrum[2 * k + 1] ** 2)),
    );
    const gains = ratios.map((ratio) => Math.max(-mostGain, Math.min(mostGain, relaxation * ratio)));
    for (let k = 0; k < bins; k++) {
      const low = gains[below[k]];
      const high = gains[Math.min(below[k] + 1, gains.length - 1)];
      const gain = Math.exp(low + share[k] * (high - low));
      spectrum[2 * k] *= gain;
      spectrum[2 * k + 1] *= gain;
    }
    this.fft.completeSpectrum(spectrum);
    this.fft.inverseTransform(output, spectrum);
    const end = first + fftSize - this.done;
    if (end > this.sums.length) {
      this.sums = grown(this.sums, end);
      this.weights = grown(this.weights, end);
    }
    const { sums, weights } = this;
    const place = first - this.done;
    for (let i = Math.max(0, -place); i < fftSize; i++) {
      sums[place + i] += window[i] * output[2 * i];
      weights[place + i] += window[i] * window[i];
    }
  }
}

function grown(array: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(length);
  longer.set(array);
  return longer;
}
