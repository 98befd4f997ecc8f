import { z } from 'zod';
import { melSettingsSchema } from '../../audio/mel_settings.js';
import { treatmentSchema } from '../../audio/treatment.js';
import { limits, real, text } from '../../base/limits.js';
import { tokenSymbols } from '../../text/tokens.js';
import { acousticConfigSchema } from './config.js';

/** Where an acoustic model comes from; for people, nothing is computed from it. */
export const acousticProvenanceSchema = z.strictObject({
  /** Name and size of the recipe. */
  recipe: text(),
  corpus: text(),
  /** Licence of its recordings. */
  licence: text().optional(),
  /** Clips that its durations were learned from beside those of the corpus. */
  otherAlignments: z.int().min(0),
  /** Hash of the corpus's content, the feature settings and the alignments. */
  corpusHash: text(),
  steps: z.int().min(0),
  /** Wall time of the training, in seconds. */
  seconds: z.number().min(0),
  /** Held-out distance of mels, in nats; null when it was never measured. */
  melDistance: z.number().nullable(),
  kernels: text(),
  /** ISO 8601 date. */
  created: text(),
  /** The file name and SHA-256 of the model that the training began from. */
  from: z.strictObject({ model: text(), sha256: text() }).optional(),
});

const moments = z.strictObject({ mean: real(limits.weight), std: real(limits.deviation) });

/** The JSON values in the metadata of an acoustic model. */
export const acousticMetadataSchema = z.strictObject({
  config: acousticConfigSchema,
  /** A model's numbers of tokens are their places in this list. */
  tokens: z
    .array(text())
    .refine((symbols) => symbols.join('|') === tokenSymbols.join('|'), `expected the tokens ${tokenSymbols.join(' ')}`),
  features: melSettingsSchema,
  treatment: treatmentSchema,
  statistics: z.strictObject({ logF0: moments, energy: moments }),
  provenance: acousticProvenanceSchema,
});
