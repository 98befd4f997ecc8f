import type { MelSettings } from '../../audio/mel_settings.js';
import type { RawFeatures } from './feature_file.js';
import type { FeatureStatistics } from './fit.js';

/** Features as they were found; `readRawFeatures` makes them. */
export type FeatureInput = RawFeatures;

/** What a voice expects of features: its name, and the settings and statistics of those it was trained on. */
export interface ExpectedFeatures {
  readonly name: string;
  readonly settings: MelSettings;
  readonly statistics: FeatureStatistics;
}
