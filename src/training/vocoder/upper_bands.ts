import { fromInt16 } from '../../audio/audio.js';
import { UpperBandFit } from '../../audio/upper_bands.js';
import type { FeatureStore } from '../../data/store/feature_store.js';

/** Minutes of speech that are looked at: of one voice, from five to ten the fit came nearer by 0.04 dB. */
const minutes = 10;

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
