import { z } from 'zod';
import { TtsError } from '../base/errors.js';
import { limits, real, text, whole } from '../base/limits.js';
import { endToEnd } from './budget.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { statistics } from './criteria.js';
import { rigl, sparseEvolutionaryTraining } from './drop_grow.js';
import { directSearch } from './es.js';
import { guidedSearch } from './es_guided.js';
import { fixedMasks } from './fixed.js';
import type { Mask } from './mask.js';
import { cubicPruning } from './pruning.js';

const steps = whole(limits.steps);
const share = z.number().min(0).max(1);
const amount = z.number().min(0).max(limits.amount.most);

/** Steps of the cubic schedule of Zhu and Gupta (2017, arXiv 1710.01878, eq. 1). */
const pruningSchema = z
  .strictObject({ start: whole({ ...limits.steps, least: 0 }), end: steps, every: steps })
  .refine(({ start, end }) => start < end, 'expected start before end');

const revival = z.enum(['zero', 'weights', 'moments']);

/** SET and RigL: see `DropGrowSettings`. */
const dropGrowSchema = z.strictObject({
  every: steps.default(100),
  drop: share.default(0.3),
  until: share.default(0.75),
});

/** See `DirectSettings` and `PopulationSettings`. */
const directSchema = z
  .strictObject({
    population: whole(limits.population).multipleOf(2).default(8),
    hold: steps.default(20),
    grace: share.default(0),
    stop: share.default(0.8),
    anneal: amount.default(1),
    workers: whole(limits.workers).default(1),
    shuffle: z.boolean().default(false),
    revive: revival.default('moments'),
    sigma: amount.default(0.1),
    meanStep: amount.default(1),
    budget: z.enum(['network', 'layer', 'gate']).default('layer'),
    unit: z.enum(['block', 'column']).default('block'),
    matrices: z.array(text()).max(limits.layers.most).optional(),
  })
  .refine(({ population, workers }) => population % (2 * workers) === 0, {
    error: 'expected a population that is a multiple of 2·workers',
  });

/** See `GuidedSettings`. */
const guidedSchema = z.strictObject({
  population: whole(limits.population).multipleOf(2).default(8),
  every: steps.default(50),
  exchanges: steps.default(48),
  stop: share.default(0.8),
  anneal: amount.default(1),
  begin: share.default(0.3),
  drop: share.default(0.3),
  groups: z.enum(['layer', 'gate']).default('layer'),
  learned: z
    .partialRecord(z.enum(statistics.map(({ name }) => name)), real(limits.amount))
    .default({ keep_gradient: 0, grow_gradient: 0 }),
  growthNoise: amount.default(0.5),
  coefficientSigma: amount.default(0.2),
  budgetSigma: amount.default(0.2),
  budgetRange: real({ least: 1, most: 1e6 }).default(3),
  meanStep: amount.default(1),
  gradientMemory: share.lt(1).default(0.8),
  revive: revival.default('weights'),
  deploy: z.enum(['fittest', 'mean']).default('fittest'),
  shuffle: z.boolean().default(false),
});

/**
 * The part of a recipe under `sparsity`: a method, and under its name its settings. Settings of methods that are not
 * used may be there too.
 */
export const sparsitySchema = z
  .strictObject({
    method: z.enum(['fixed', 'pruning', 'set', 'rigl', 'es', 'es-guided']),
    pruning: pruningSchema.optional(),
    set: dropGrowSchema.optional(),
    rigl: dropGrowSchema.optional(),
    es: directSchema.optional(),
    'es-guided': guidedSchema.optional(),
  })
  .refine(
    ({ method, pruning }) => method !== 'pruning' || pruning !== undefined,
    'method pruning needs the settings sparsity.pruning',
  )
  .transform((settings) => {
    // The method's defaults are written out, so that a checkpoint records what a run was made with.
    const { method } = settings;
    if (method === 'set' || method === 'rigl')
      return { ...settings, [method]: settings[method] ?? dropGrowSchema.parse({}) };
    if (method === 'es') return { ...settings, es: settings.es ?? directSchema.parse({}) };
    if (method === 'es-guided') return { ...settings, 'es-guided': settings['es-guided'] ?? guidedSchema.parse({}) };
    return settings;
  });

export type SparsitySettings = z.infer<typeof sparsitySchema>;

/**
 * The settings that say for how many steps masks stay, with their names: masks change only at common multiples of
 * them. None where they never change.
 */
export function maskSteps(settings: SparsitySettings): { readonly name: string; readonly value: number }[] {
  const { method } = settings;
  const named = (name: string, value: number | undefined) => ({ name, value: value ?? missing(method) });
  switch (method) {
    case 'fixed':
      return [];
    case 'pruning':
      return (['start', 'end', 'every'] as const).map((name) => named(name, settings.pruning?.[name]));
    case 'set':
    case 'rigl':
    case 'es-guided':
      return [named('every', settings[method]?.every)];
    case 'es':
      return [named('hold', settings.es?.hold)];
  }
}

/**
 * The chooser that the settings describe.
 * @param steps length of the run: schedules are shares of it
 * @param given masks to begin from, [matrix], instead of some drawn from the seed: how many blocks they keep, and
 * where, takes the place of the densities
 * @throws {TtsError} ERR_RECIPE for given masks with a method that cannot begin from them
 */
export function createChooser(
  settings: SparsitySettings,
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  given?: readonly Mask[],
): MaskChooser {
  const { method } = settings;
  const first = given && endToEnd(given);
  switch (method) {
    case 'fixed':
      return fixedMasks(matrices, seed, first);
    case 'pruning':
      if (first)
        throw new TtsError(
          'ERR_RECIPE',
          'sparsity.method is pruning, which begins with all blocks and not with the masks of a voice; expected fixed, ' +
            'set, rigl, es or es-guided',
        );
      return cubicPruning(matrices, settings.pruning ?? missing(method));
    case 'set':
      return sparseEvolutionaryTraining(matrices, seed, steps, settings.set ?? missing(method), first);
    case 'rigl':
      return rigl(matrices, seed, steps, settings.rigl ?? missing(method), first);
    case 'es':
      return directSearch(matrices, seed, steps, settings.es ?? missing(method), first);
    case 'es-guided':
      return guidedSearch(matrices, seed, steps, settings['es-guided'] ?? missing(method), first);
  }
}

function missing(method: string): never {
  throw new RangeError(`method ${method} needs its settings: read them with sparsitySchema`);
}
