import { z } from 'zod';
import { melSettingsSchema } from '../../audio/mel_settings.js';
import { limits, real, text, whole } from '../../base/limits.js';
import { type AcousticConfig, acousticConfigSchema } from '../../model/acoustic/config.js';
import { adamSchema, dataSchema, decaySchema } from './vocoder_schema.js';

const steps = whole(limits.steps);
const share = z.number().min(0).lt(1);
const clips = whole(limits.examples);

/** Sizes that a recipe offers by name; the rest of the network is in `model`. */
export const acousticSizeSchema = acousticConfigSchema.pick({ tokenWidth: true, width: true });

const acousticTrainingSchema = z
  .strictObject({
    /** Of all three stages together. */
    steps,
    /** Shares of the steps that durations and prosody are trained for, in this order; the decoder has the rest. */
    stages: z
      .strictObject({ durations: share, prosody: share })
      .refine(({ durations, prosody }) => durations + prosody < 1, 'expected less than 1 together'),
    /** Clips of a step: of those that only read tokens, and of the decoder. */
    tokenClips: clips,
    clips,
    /** Equal parts in which a step is done, on as many machines as there are; 1 unless said: `acousticPartSettings`. */
    parts: whole(limits.parts).optional(),
    /** Steps that parts train apart before they become one again; 15 unless said. */
    generation: whole(limits.generation).optional(),
    /** At its height, in each stage. */
    learningRate: z.number().positive().max(1),
    /** Steps of each stage over which the learning rate grows from 0. */
    warmup: whole({ ...limits.steps, least: 0 }),
    /** How the learning rate falls after that in each stage, and to which share of itself. */
    decay: decaySchema,
    adam: adamSchema,
    /** Largest allowed norm of all gradients together. */
    clip: z.number().positive().max(limits.clip.most),
    /** Decay of the moving average of the weights, which is what is measured and saved. */
    ema: share,
    /** Share of the outputs of blocks that are zeroed: of networks that read tokens, and of the decoder. */
    tokenDropout: share.max(0.9),
    dropout: share.max(0.9),
    /**
     * Deviation of the noise on the pitch, energy and voicing that the decoder hears in training, all standardised:
     * those that it will hear are predicted, and not exact.
     */
    prosodyNoise: real({ least: 0, most: 10 }),
    seed: z.int().min(0),
    validateEvery: steps,
    sampleEvery: steps,
    checkpointEvery: steps,
  })
  .refine(({ steps: all, stages: { durations, prosody } }) => Math.round(all * (durations + prosody)) < all, {
    path: ['steps'],
    error: 'expected a step of the decoder at least',
  });

/** What stands in the recipe.yaml of an acoustic model. */
export const acousticRecipeSchema = z.strictObject({
  name: text().min(1),
  task: z.literal('acoustic'),
  /** An acoustic model to begin from, with its network and its features: a file. */
  from: text().min(1).optional(),
  /** The vocoder that speaks samples in training: the name of one that ships, or a file. */
  voice: text().min(1),
  data: dataSchema.omit({ augmentation: true, predictedBy: true }).extend({
    /**
     * Folder of TextGrids, one for each clip, by its id; default: those in a folder `textgrid` beside the recordings,
     * and an alignment of our own for clips that have none.
     */
    textGrids: text().min(1).optional(),
    /** Alignments of other readers, for the durations: folders of TextGrids with a `metadata.csv` of transcripts. */
    others: z.array(text().min(1)).max(limits.entries.most).default([]),
  }),
  features: z.union([z.string(), melSettingsSchema], { error: 'expected the name of a preset or all settings' }),
  size: text(),
  sizes: z.record(z.string(), acousticSizeSchema),
  model: acousticConfigSchema.omit({ tokenWidth: true, width: true }),
  training: acousticTrainingSchema,
});

export type AcousticRecipeFile = z.infer<typeof acousticRecipeSchema>;
export type AcousticTrainingSettings = z.infer<typeof acousticTrainingSchema>;

/** The sizes of the network that a recipe describes. */
export const acousticConfigOf = ({
  sizes,
  size,
  model,
}: Pick<AcousticRecipeFile, 'sizes' | 'size' | 'model'>): AcousticConfig => ({
  ...sizes[size],
  ...model,
});
