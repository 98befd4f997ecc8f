import { TtsError } from '../base/errors.js';

/** Acoustic features as the voice expects them: [frames, bins], frame by frame; see `conformFeatures` for others. */
export interface SynthesisFeatures {
  readonly data: Float32Array;
  readonly frames: number;
}

/** Frames that arrive piece by piece. Only those that are still needed are kept: a stream may be endless. */
export class FrameSource {
  private readonly pieces: AsyncIterator<SynthesisFeatures> | Iterator<SynthesisFeatures>;
  /** Frames `first` … `end`-1. */
  private held = new Float32Array(0);
  private first = 0;
  private end = 0;
  private ended = false;

  /**
   * @param bins values of a frame
   * @param context frames before and after a frame that its sound depends on
   */
  constructor(
    features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
    private readonly bins: number,
    private readonly context: number,
  ) {
    const pieces = typeof features === 'object' && features !== null && Symbol.asyncIterator in features;
    this.pieces = pieces ? features[Symbol.asyncIterator]() : [features].values();
  }

  /**
   * The number of frames that can be spoken from `first` on, at most `most`: those whose context has arrived. Waits for
   * at least one; 0 at the end. Frames before the context of `first` are forgotten.
   * @throws {TtsError} ERR_FEATURE_SHAPE when the data are not [frames, bins], or there are none at all;
   * ERR_FEATURE_NOT_FINITE
   */
  async ready(first: number, most: number): Promise<number> {
    this.forget(first - this.context);
    while (!this.ended && this.end < first + 1 + this.context) await this.more();
    return Math.min(most, (this.ended ? this.end : this.end - this.context) - first);
  }

  /** Whether a frame is known to be the last one. */
  isLast(frame: number): boolean {
    return this.ended && frame === this.end - 1;
  }

  /** [count, bins]: frames first … first+count-1; outside of the utterance its edge frames. */
  window(first: number, count: number): Float32Array {
    const { bins } = this;
    const window = new Float32Array(count * bins);
    for (let i = 0; i < count; i++) {
      const at = Math.max(0, Math.min(this.end - 1, first + i)) - this.first;
      window.set(this.held.subarray(at * bins, (at + 1) * bins), i * bins);
    }
    return window;
  }

  /**
   * Tells the source of the features that no more are wanted. Does not wait for it: it may answer only after the next
   * ones.
   */
  close(): void {
    if (!this.ended) Promise.resolve(this.pieces.return?.()).catch(() => undefined);
    this.ended = true;
  }

  private async more(): Promise<void> {
    const { done, value } = await this.pieces.next();
    if (!done) {
      if (typeof value !== 'object' || value === null || !(value.data instanceof Float32Array))
        throw new TtsError(
          'ERR_FEATURE_SHAPE',
          `a piece of features is ${typeof value} without data, expected { data: Float32Array, frames }`,
        );
      const { data, frames } = value;
      if (!Number.isInteger(frames) || frames < 1 || data.length !== frames * this.bins)
        throw new TtsError(
          'ERR_FEATURE_SHAPE',
          `the features have ${data.length} values in ${frames} frames, expected ${this.bins} in each of at least one`,
        );
      const bad = data.findIndex((level) => !Number.isFinite(level));
      if (bad >= 0)
        throw new TtsError(
          'ERR_FEATURE_NOT_FINITE',
          `the features have ${data[bad]} in frame ${this.end + Math.floor(bad / this.bins)}, bin ${bad % this.bins}; ` +
            'expected finite numbers',
        );
      const kept = this.held;
      this.held = new Float32Array(kept.length + data.length);
      this.held.set(kept);
      this.held.set(data, kept.length);
      this.end += frames;
      return;
    }
    this.ended = true;
    if (this.end === 0)
      throw new TtsError('ERR_FEATURE_SHAPE', 'the features ended before the first frame, expected at least one');
  }

  private forget(before: number): void {
    // The last frame stays: it stands for those that an utterance lacks at its end.
    const first = Math.max(this.first, Math.min(before, this.end - 1));
    this.held = this.held.subarray((first - this.first) * this.bins);
    this.first = first;
  }
}
