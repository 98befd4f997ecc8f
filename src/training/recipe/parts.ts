import { TtsError } from '../../base/errors.js';
import { maskSteps } from '../../sparsity/settings.js';
import type { AcousticRecipeFile } from './acoustic_schema.js';
import type { RecipeFile } from './vocoder_schema.js';

/** Steps of a generation where the recipe says none, at most. */
const usualGeneration = 15;

/** How a recipe's steps are done in parts. */
export interface PartSettings {
  readonly parts: number;
  /** Steps that parts train apart. */
  readonly generation: number;
}

/**
 * The parts that a recipe asks for; without `training.generation` it is the most up to 15 steps that divides the steps
 * for which masks stay.
 * @throws {TtsError} ERR_RECIPE for masks that would change within a generation, a population that does not split into
 * pairs on every part, and lanes that parts cannot share out
 */
export function partSettings({ sparsity, training }: Pick<RecipeFile, 'sparsity' | 'training'>): PartSettings {
  const { parts = 1, lanes } = training;
  const stay = maskSteps(sparsity);
  const usual = Array.from({ length: usualGeneration }, (_, i) => usualGeneration - i);
  const generation = training.generation ?? usual.find((steps) => stay.every(({ value }) => value % steps === 0))!;
  for (const { name, value } of stay)
    if (value % generation !== 0)
      throw new TtsError(
        'ERR_RECIPE',
        `sparsity.${sparsity.method}.${name} is ${value}, expected a multiple of training.generation ${generation}: masks ` +
          'stay while parts train apart',
      );
  const { method } = sparsity;
  const population = method === 'es' ? (sparsity.es?.population ?? 1) : 1;
  if (parts > 1 && population > 1 && population % (2 * parts) !== 0)
    throw new TtsError(
      'ERR_RECIPE',
      `sparsity.${method}.population is ${population}, expected a multiple of ${2 * parts}: pairs for each of the ` +
        `${parts} parts`,
    );
  if (lanes % parts !== 0)
    throw new TtsError('ERR_RECIPE', `training.lanes is ${lanes}, expected a multiple of the ${parts} parts`);
  return { parts, generation };
}

/**
 * The same for an acoustic model.
 * @throws {TtsError} ERR_RECIPE for clips that parts cannot share out
 */
export function acousticPartSettings({ training }: Pick<AcousticRecipeFile, 'training'>): PartSettings {
  const { parts = 1, generation = usualGeneration, clips, tokenClips } = training;
  for (const [name, value] of Object.entries({ clips, tokenClips }))
    if (value % parts !== 0)
      throw new TtsError('ERR_RECIPE', `training.${name} is ${value}, expected a multiple of the ${parts} parts`);
  return { parts, generation };
}
