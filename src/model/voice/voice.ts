import type { z } from 'zod';
import type { MelSettings } from '../../audio/mel_settings.js';
import type { Treatment } from '../../audio/treatment.js';
import type { FeatureStatistics } from '../../data/features/fit.js';
import type { StoredMatrix } from '../../kernels/interface/blocks.js';
import type { DenseName, SparseName, WaveRnnConfig } from '../wavernn/config.js';
import type { provenanceSchema } from './schema.js';

export type Provenance = z.infer<typeof provenanceSchema>;

/** Everything that synthesis needs: the network, the features it expects, and where it comes from. */
export interface Voice {
  readonly config: WaveRnnConfig;
  readonly features: MelSettings;
  /** What was done to the recordings it was trained on, and is done to those that it copies. */
  readonly treatment: Treatment;
  readonly statistics: FeatureStatistics;
  /**
   * Weights [bands, bins+1] of what the features let expect of the spectrum above them; see `expectedLevels`. None
   * where they reach as far as there is sound, and in voices that were made before there was this.
   */
  readonly upper?: Float32Array;
  /** In any precision; those of a voice fresh from training are float32. */
  readonly sparse: Record<SparseName, StoredMatrix>;
  /** Row-major, with the shapes of `shapeOf`. */
  readonly dense: Record<DenseName, Float32Array>;
  /** The conditioning network's weights by name, row-major. */
  readonly conditioning: Map<string, { shape: number[]; data: Float32Array }>;
  readonly provenance: Provenance;
}
