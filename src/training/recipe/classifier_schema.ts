import { z } from 'zod';
import { limits, text, whole } from '../../base/limits.js';
import { type ClassifierName, classifiers } from '../../model/classifiers/classifiers.js';
import { sparsitySchema } from '../../sparsity/settings.js';
import { adamSchema, decaySchema } from './vocoder_schema.js';

const steps = whole(limits.steps);
const density = z.number().gt(0).max(1);
/** Outputs × inputs: the shapes that the kernels have. */
const blockSchema = z
  .tuple([z.int(), z.int()])
  .refine(
    ([rows, columns]) => ['16×1', '4×4', '1×1'].includes(`${rows}×${columns}`),
    'expected [16, 1], [4, 4] or [1, 1]',
  );

/** Images and how they are varied. */
const imagesSchema = z.strictObject({
  dataset: z.enum(['mnist', 'cifar10']),
  /** Where files in the set's format lie; default: the set's own folder under `data`. */
  folder: text().min(1).optional(),
  /** Whether the set is downloaded when its own folder does not have it. */
  download: z.boolean(),
  /** See `Augmentation`. */
  augment: z.strictObject({ flip: z.boolean(), shift: z.int().min(0).max(16) }).optional(),
});

const modelSchema = z.enum(Object.keys(classifiers) as ClassifierName[]);

/** A network that a recipe offers by name. */
const sparseSizeSchema = z.strictObject({
  model: modelSchema,
  /**
   * Outputs of the layers but the last, in order, instead of the model's own: a narrower or wider net of the same kind.
   */
  widths: z.array(whole(limits.width)).max(limits.layers.most).optional(),
  /** Share of blocks kept in each masked layer. */
  density,
  block: blockSchema.default([1, 1]),
  /** Densities of single layers, by name. */
  layers: z.record(z.string(), density).optional(),
});

const interval = { validateEvery: steps, checkpointEvery: steps };
const seed = whole(limits.seed);

const classifierTrainingSchema = z.strictObject({
  /** Examples of a step, shared out equally among the members of a population. */
  examples: whole(limits.examples),
  steps,
  learningRate: z.number().positive().max(1),
  warmup: whole({ ...limits.steps, least: 0 }),
  decay: decaySchema,
  adam: adamSchema,
  /** Decay of the exponential moving average of the weights, which is what is validated and saved. */
  ema: z.number().min(0).lt(1),
  /**
   * Factor on the deviation of the initial weights of masked layers: from small ones, magnitudes soon tell what was
   * learned.
   */
  initial: z.number().positive().max(limits.amount.most),
  seed,
  ...interval,
  /** Steps between two pictures of the masks. */
  pictureEvery: steps,
});

/** What stands in the recipe.yaml of a classifier whose weights are trained by backpropagation. */
export const classifierRecipeSchema = z.strictObject({
  name: text().min(1),
  task: z.literal('classifier'),
  data: imagesSchema,
  size: text(),
  sizes: z.record(z.string(), sparseSizeSchema),
  sparsity: sparsitySchema,
  training: classifierTrainingSchema,
});

const evolutionSchema = z
  .strictObject({
    /** Examples of a pair, which all its members see. */
    examples: whole(limits.examples),
    steps,
    /**
     * How examples are drawn: `uniform` is the share of draws in which all are equally likely, the others favour those
     * that the mean gets wrong, as it did when it was last tried on all of them, every `every` generations.
     */
    importance: z.strictObject({ uniform: z.number().positive().max(1), every: steps }),
    /** Members of a generation: a multiple of 2·workers. */
    population: whole(limits.weightPopulation).multipleOf(2),
    /** Parts of the population that are ranked each for itself (semi-updates). */
    workers: whole(limits.workers),
    /**
     * The search of the last layer, whose members share the other layers: `examples` of each of a generation's eight
     * draws, which an eighth of the members see.
     */
    last: z.strictObject({
      population: whole(limits.weightPopulation).multipleOf(16),
      examples: whole(limits.examples),
      learningRate: z.number().positive().max(limits.amount.most),
    }),
    /** Deviation of the weights at the start, as a share of that of a layer's initial weights. */
    sigma: z.number().positive().max(limits.amount.most),
    /** Step of the mean in units of sigma. */
    learningRate: z.number().positive().max(limits.amount.most),
    /** How sigma falls, and to which share of itself. */
    decay: decaySchema,
    /** Decay of the exponential moving average of the mean, which is what is validated and saved. */
    ema: z.number().min(0).lt(1),
    seed,
    ...interval,
  })
  .refine(
    ({ population, last, workers }) => population % (2 * workers) === 0 && last.population % (2 * workers) === 0,
    'expected populations that are multiples of 2·workers',
  )
  .refine(
    ({ population, last }) => population + last.population <= limits.weightPopulation.most,
    `expected at most ${limits.weightPopulation.most} members, those of the last layer included`,
  );

/** What stands in the recipe of a classifier whose weights an evolution strategy finds, without gradients. */
export const evolvedRecipeSchema = z.strictObject({
  name: text().min(1),
  task: z.literal('classifier-es'),
  data: imagesSchema,
  size: text(),
  sizes: z.record(z.string(), z.strictObject({ model: modelSchema })),
  training: evolutionSchema,
});

export type ClassifierRecipe = z.infer<typeof classifierRecipeSchema>;
export type EvolvedRecipe = z.infer<typeof evolvedRecipeSchema>;
export type ImagesSettings = z.infer<typeof imagesSchema>;
