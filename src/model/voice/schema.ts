import { z } from 'zod';
import { melSettingsSchema } from '../../audio/mel_settings.js';
import { treatmentSchema } from '../../audio/treatment.js';

/** Shared by voice files and recipes: what the sizes of a WaveRNN may be (see WaveRnnConfig). */
const multipleOf = (step: number, largest: number) => z.int().min(step).max(largest).multipleOf(step);
/** A block's height or width; it must divide 16, and so divides every matrix. */
const blockSide = z.literal([1, 2, 4, 8, 16]);

export const hiddenSchema = multipleOf(32, 16384);
export const projectionSchema = multipleOf(16, 16384);
export const encodingSchema = z.enum(['linear16', 'mulaw10', 'lpc10', 'ltp10']);
export const hearsSchema = z.enum(['symbols', 'signal']).optional();
export const densitySchema = z.strictObject({
  recurrent: z.number().positive().max(1),
  output: z.number().positive().max(1),
});
export const blockSchema = z.tuple([blockSide, blockSide]);
export const conditioningSchema = z.strictObject({
  channels: z.int().min(1).max(4096),
  kernel: z
    .int()
    .min(1)
    .max(63)
    .refine((length) => length % 2 === 1, 'expected an odd number'),
  residualBlocks: z.int().min(0).max(64),
  vectors: z.int().min(1).max(64).optional(),
});

export const waveRnnConfigSchema = z.strictObject({
  hidden: hiddenSchema,
  projection: projectionSchema,
  encoding: encodingSchema,
  hears: hearsSchema,
  density: densitySchema,
  block: z.strictObject({ rows: blockSide, columns: blockSide }),
  conditioning: conditioningSchema,
});

/** Where a voice comes from; for people, nothing is computed from it. */
export const provenanceSchema = z.strictObject({
  /** Name and size of the recipe, such as `ljspeech/small`. */
  recipe: z.string(),
  corpus: z.string(),
  /** Licence of its recordings. */
  licence: z.string().optional(),
  /** Hash of the corpus's content and the feature settings. */
  corpusHash: z.string(),
  /** Optimiser steps taken. */
  steps: z.int().min(0),
  /** Wall time of the training, in seconds. */
  seconds: z.number().min(0),
  /** Held-out negative log-likelihood in nats per sample; null when it was never measured. */
  nll: z.number().nullable(),
  /** The kernels that trained it, such as `avx512`. */
  kernels: z.string(),
  /** ISO 8601 date. */
  created: z.string(),
  /** The voice that the training began from. */
  get from() {
    return originSchema.optional();
  },
});

/** A voice that another one was trained from. */
const originSchema = z.strictObject({
  /** The name of a voice that ships, or that of a file. */
  voice: z.string(),
  /** Of its file, in hexadecimal digits. */
  sha256: z.string(),
  get provenance() {
    return provenanceSchema;
  },
});

/** The JSON values in a voice file's metadata. */
export const voiceMetadataSchema = z.strictObject({
  config: waveRnnConfigSchema,
  features: melSettingsSchema,
  treatment: treatmentSchema,
  statistics: z.strictObject({ min: z.number(), max: z.number() }),
  provenance: provenanceSchema,
});
