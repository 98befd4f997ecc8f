import { fromInt16 } from '../../audio/audio.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { forEachFrame, framesOf } from '../../audio/stft.js';
import { levelOf, nepers, type UpperBand, upperBands } from '../../audio/upper_bands.js';
import { solveSymmetric } from '../../base/statistics.js';
import type { FeatureStore } from '../../data/store/feature_store.js';

/** Minutes of speech that are looked at: of one voice, from five to ten the fit came nearer by 0.04 dB. */
const minutes = 10;

/** Frames of average spread by which the fit is drawn to the means: few against minutes, many against a second. */
const ridgeFrames = 10;

/** What the features of a corpus let expect of the spectrum above them, from clips all over it; see `UpperBandFit`. */
export function fitUpperBands({ settings, train }: FeatureStore): Float32Array | undefined {
  const fit = new UpperBandFit(settings);
  const samples = train.reduce((sum, clip) => sum + clip.samples, 0);
  const every = Math.max(1, samples / (minutes * 60 * settings.sampleRate));
  for (let at = 0; at < train.length; at += every) {
    const clip = train[Math.floor(at)];
    fit.add(fromInt16(clip.pcm(0, clip.samples)), clip.features(0, clip.frames));
  }
  return fit.solve();
}

/** Learns `expectedLevels` from speech and its features, by least squares with a little ridge. */
export class UpperBandFit {
  private readonly bands: UpperBand[];
  private readonly level: ReturnType<typeof nepers>;
  private frames = 0;
  /** Sums over the frames of features and levels [bins+bands], and of their products, but for the lower half. */
  private readonly sums: Float64Array;
  private readonly products: Float64Array;

  constructor(private readonly settings: MelSettings) {
    this.bands = upperBands(settings);
    this.level = nepers(settings);
    const size = settings.bins + this.bands.length;
    this.sums = new Float64Array(size);
    this.products = new Float64Array(size * size);
  }

  /**
   * Takes a recording.
   * @param samples full scale is 1
   * @param features [frames, bins]
   */
  add(samples: Float32Array | Float64Array, features: Float32Array): void {
    const { bands, settings, sums, products, level } = this;
    const { bins } = settings;
    if (bands.length === 0 || framesOf(samples.length, settings) === 0) return;
    const size = sums.length;
    const values = new Float64Array(size);
    forEachFrame(samples, settings, (power, frame) => {
      if ((frame + 1) * bins > features.length) return;
      const own = features.subarray(frame * bins, (frame + 1) * bins);
      for (let bin = 0; bin < bins; bin++) values[bin] = level(own, bin);
      bands.forEach((band, i) => (values[bins + i] = levelOf(band, (bin) => power[bin])));
      for (let i = 0; i < size; i++) {
        sums[i] += values[i];
        if (i < bins) for (let j = i; j < size; j++) products[i * size + j] += values[i] * values[j];
      }
      this.frames++;
    });
  }

  /** The weights [bands, bins+1]; undefined where there are no upper bands, or was no speech. */
  solve(): Float32Array | undefined {
    const { bands, frames, sums, products } = this;
    const { bins } = this.settings;
    if (bands.length === 0 || frames === 0) return undefined;
    const size = sums.length;
    const mean = sums.map((sum) => sum / frames);
    const covariance = (i: number, j: number) => products[i * size + j] / frames - mean[i] * mean[j];
    let spread = 0;
    for (let i = 0; i < bins; i++) spread += covariance(i, i) / bins;
    const ridge = (spread * ridgeFrames) / frames + 1e-9;
    const matrix = Array.from({ length: bins }, (_, i) =>
      Array.from({ length: bins }, (_, j) => covariance(Math.min(i, j), Math.max(i, j)) + (i === j ? ridge : 0)),
    );
    const weights = new Float32Array(bands.length * (bins + 1));
    bands.forEach((_, band) => {
      const row = solveSymmetric(
        matrix,
        Array.from({ length: bins }, (_, bin) => covariance(bin, bins + band)),
      );
      weights.set(row, band * (bins + 1));
      weights[band * (bins + 1) + bins] = row.reduce(
        (rest, weight, bin) => rest - weight * mean[bin],
        mean[bins + band],
      );
    });
    return weights;
  }
}
