import { z } from 'zod';
import { augmentationSchema } from '../../audio/augmentation.js';
import { melSettingsSchema } from '../../audio/mel_settings.js';
import { limits, real, text, whole } from '../../base/limits.js';
import { corpusTreatmentSchema } from '../../data/corpora/corpus_treatment.js';
import {
  blockSchema,
  conditioningSchema,
  densitySchema,
  encodingSchema,
  hearsSchema,
  hiddenSchema,
  projectionSchema,
} from '../../model/voice/schema.js';
import { sparsitySchema } from '../../sparsity/settings.js';

const steps = whole(limits.steps);
const share = z.number().min(0).max(1);

export const decaySchema = z.strictObject({
  kind: z.enum(['cosine', 'exponential', 'root']),
  final: share.refine((value) => value > 0, 'expected more than 0'),
});
export const adamSchema = z.strictObject({
  beta1: share.lt(1),
  beta2: share.lt(1),
  epsilon: z.number().positive().max(limits.clip.most),
});

/** Sizes of the network that a recipe offers by name. */
export const sizeSchema = z.strictObject({
  hidden: hiddenSchema,
  projection: projectionSchema,
  density: densitySchema,
});

export const dataSchema = z.strictObject({
  /** `ljspeech` or `kathleen`, or a folder of recordings; or a list of these, trained on together. */
  corpus: z.union([text().min(1), z.array(text().min(1)).min(1).max(limits.entries.most)], {
    error: 'expected the name of a corpus, a folder of recordings, or a list of these',
  }),
  /** Licence of the recordings, for the voice's provenance. */
  licence: text().min(1).optional(),
  /** Whether a known corpus that is missing is downloaded. */
  download: z.boolean(),
  /** Clips held out of the training: by id, as a share of all clips, or both. */
  validation: z.strictObject({
    clips: z.array(text()).max(limits.entries.most).optional(),
    share: z.number().min(0).max(0.5).optional(),
  }),
  /** What is done to the recordings before anything is computed from them; nothing unless said. */
  treatment: corpusTreatmentSchema.prefault({}),
  /**
   * File of an acoustic model whose mels take the place of the recordings': a voice is tuned to what it will be given.
   */
  predictedBy: text().min(1).optional(),
  /** Altered copies of the recordings to train on; none unless said. */
  augmentation: augmentationSchema.optional(),
});

export const trainingSchema = z
  .strictObject({
    /** Segments trained side by side. */
    lanes: whole(limits.lanes),
    /** Samples per segment; gradients flow through all of them. */
    segment: whole(limits.segment),
    /**
     * Noise on what the network hears of the past, in steps of the code: each segment draws a deviation between 0 and
     * this one. It makes the voice stand its own errors, which it hears when it speaks (as in LPCNet, Valin and
     * Skoglund 2019, arXiv 1810.11846, section 3.8).
     */
    noise: real(limits.noise),
    steps,
    /** Equal parts in which a step is done, on as many machines as there are; 1 unless said. See `PartedLearner`. */
    parts: whole(limits.parts).optional(),
    /** Steps that parts train apart before they become one again; see `partSettings`. */
    generation: whole(limits.generation).optional(),
    learningRate: z.number().positive().max(1),
    /** Steps over which the learning rate grows from 0. */
    warmup: whole({ ...limits.steps, least: 0 }),
    /** How the learning rate falls after the warm-up, and to which share of itself. */
    decay: decaySchema,
    adam: adamSchema,
    /** Largest allowed norm of all gradients together. */
    clip: z.number().positive().max(limits.clip.most),
    /** Decay of the exponential moving average of the weights, which is what is deployed. */
    ema: share.lt(1),
    seed: z.int().min(0),
    /** Steps between two measurements of the held-out NLL, two audio samples, two checkpoints. */
    validateEvery: steps,
    sampleEvery: steps,
    checkpointEvery: steps,
  })
  .refine(({ lanes, segment }) => lanes * segment <= limits.samplesOfStep.most, {
    path: ['segment'],
    error: `expected at most ${limits.samplesOfStep.most} samples in all lanes together`,
  });

/** What stands in the recipe.yaml of a vocoder; other tasks have schemas of their own. */
export const recipeSchema = z.strictObject({
  name: text().min(1),
  task: z.literal('vocoder'),
  /** A voice to begin from, with its model and its features: the name of one that ships, or a file. */
  from: text().min(1).optional(),
  data: dataSchema,
  /** The name of a preset, or all settings. */
  features: z.union([z.string(), melSettingsSchema], { error: 'expected the name of a preset or all settings' }),
  size: text(),
  sizes: z.record(z.string(), sizeSchema),
  model: z.strictObject({
    encoding: encodingSchema,
    hears: hearsSchema,
    block: blockSchema,
    conditioning: conditioningSchema,
  }),
  sparsity: sparsitySchema,
  training: trainingSchema,
});

export type RecipeFile = z.infer<typeof recipeSchema>;
export type DataSettings = z.infer<typeof dataSchema>;
export type TrainingSettings = z.infer<typeof trainingSchema>;
