import type { z } from 'zod';
import type { MelSettings } from '../../audio/mel_settings.js';
import type { Treatment } from '../../audio/treatment.js';
import type { Lexicon } from '../../text/lexicon/own.js';
import type { AcousticConfig } from './config.js';
import type { acousticProvenanceSchema } from './schema.js';

/** What numbers are standardised by; all of the reader's clips to train on. */
export interface AcousticStatistics {
  /** [bins] of the mels. */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** Natural logarithm of the fundamental frequency in Hz, over phones. */
  readonly logF0: { readonly mean: number; readonly std: number };
  /** Of a token: the mean over its frames and all bins of the standardised mel. */
  readonly energy: { readonly mean: number; readonly std: number };
}

export type AcousticProvenance = z.infer<typeof acousticProvenanceSchema>;

/** An acoustic model: tokens in, mels out. */
export interface AcousticModel {
  readonly config: AcousticConfig;
  /** Of the mels that it makes. */
  readonly features: MelSettings;
  /** What was done to the recordings it was trained on. */
  readonly treatment: Treatment;
  readonly statistics: AcousticStatistics;
  /** By the names of `acousticShapes`. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** How the reader says words, as far as it is not in the dictionary's way. */
  readonly lexicon: Lexicon;
  readonly provenance: AcousticProvenance;
}
