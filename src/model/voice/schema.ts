import { z } from 'zod';
import { melSettingsSchema } from '../../audio/mel_settings.js';
import { treatmentSchema } from '../../audio/treatment.js';
import { type Limit, limits, real, text, whole } from '../../base/limits.js';
import { kernelShapes } from '../../kernels/interface/blocks.js';

/** Shared by voice files and recipes: what the sizes of a WaveRNN may be (see WaveRnnConfig). */
const multipleOf = (step: number, limit: Limit) => whole(limit).multipleOf(step);
const isKernelShape = (rows: number, columns: number) => kernelShapes.includes(`${rows}×${columns}`);
/** A block's height or width; it must divide 16, and so divides every matrix. */
const blockSide = z.literal([1, 2, 4, 8, 16]);

export const hiddenSchema = multipleOf(32, limits.hidden);
export const projectionSchema = multipleOf(16, limits.projection);
export const encodingSchema = z.enum(['linear16', 'mulaw10', 'lpc10', 'ltp10']);
export const hearsSchema = z.enum(['symbols', 'signal']).optional();
export const densitySchema = z.strictObject({
  recurrent: z.number().positive().max(1),
  output: z.number().positive().max(1),
});
export const blockSchema = z.tuple([blockSide, blockSide]);
export const conditioningSchema = z.strictObject({
  channels: whole(limits.channels),
  kernel: whole(limits.kernel).refine((length) => length % 2 === 1, 'expected an odd number'),
  residualBlocks: whole(limits.residualBlocks),
  vectors: whole(limits.vectors).optional(),
});

export const waveRnnConfigSchema = z.strictObject({
  hidden: hiddenSchema,
  projection: projectionSchema,
  encoding: encodingSchema,
  hears: hearsSchema,
  density: densitySchema,
  block: z
    .strictObject({ rows: blockSide, columns: blockSide })
    .refine(({ rows, columns }) => isKernelShape(rows, columns), {
      error: ({ input }) => {
        const { rows, columns } = input as { rows: number; columns: number };
        return `blocks of ${rows}×${columns}, expected one of ${kernelShapes.join(', ')}`;
      },
    }),
  conditioning: conditioningSchema,
});

/** Where a voice comes from; for people, nothing is computed from it. */
export const provenanceSchema = z.strictObject({
  /** Name and size of the recipe, such as `ljspeech/small`. */
  recipe: text(),
  corpus: text(),
  /** Licence of its recordings. */
  licence: text().optional(),
  /** Hash of the corpus's content and the feature settings. */
  corpusHash: text(),
  /** Optimiser steps taken. */
  steps: z.int().min(0),
  /** Wall time of the training, in seconds. */
  seconds: z.number().min(0),
  /** Held-out negative log-likelihood in nats per sample; null when it was never measured. */
  nll: z.number().nullable(),
  /** The kernels that trained it, such as `avx512`. */
  kernels: text(),
  /** ISO 8601 date. */
  created: text(),
  /** The voice that the training began from. */
  get from() {
    return originSchema.optional();
  },
});

/** A voice that another one was trained from. */
const originSchema = z.strictObject({
  /** The name of a voice that ships, or that of a file. */
  voice: text(),
  /** Of its file, in hexadecimal digits. */
  sha256: text(),
  get provenance() {
    return provenanceSchema;
  },
});

/** The JSON values in a voice file's metadata. */
export const voiceMetadataSchema = z
  .strictObject({
    config: waveRnnConfigSchema,
    features: melSettingsSchema,
    treatment: treatmentSchema,
    statistics: z
      .strictObject({ min: real(limits.weight), max: real(limits.weight) })
      .refine(({ min, max }) => min <= max, 'expected min to be at most max'),
    provenance: provenanceSchema,
  })
  .superRefine(({ config, features }, context) => {
    const { vectors = 1 } = config.conditioning;
    if (features.hop % vectors !== 0)
      context.addIssue({
        code: 'custom',
        path: ['config', 'conditioning', 'vectors'],
        message: `expected a divisor of the hop of ${features.hop} samples`,
      });
  });
