import { z } from 'zod';
import { peakMemory } from '../bench/measure.js';
import { runClassifierTrial } from '../bench/sparsity/classifier.js';
import { type TrialFigures } from '../bench/sparsity/sparsity.js';
import { runVocoderTrial } from '../bench/sparsity/vocoder.js';
import { chooseKernels } from '../kernels/index.js';
import { classifierRecipeFrom, recipeFrom } from '../training/recipe/recipe.js';
import { type JobData, readJson } from './protocol.js';
import { openManifest } from './store_manifest.js';
import type { Workshop } from './thread_messages.js';
import { decodeImages, encodeFigures, trialSpecSchema } from './trials.js';

/**
 * A run of a comparison, from its first step to its figures.
 * @throws {TtsError} ERR_KERNELS where this machine lacks the kernels; what the run throws
 */
export async function doTrial({ spec, input }: JobData<'trial'>, workshop: Workshop): Promise<Uint8Array> {
  const { blob, folder, threads } = workshop;
  const found = readJson(trialSpecSchema, await blob(spec), 'the description of the comparison');
  const recipe = readJson(z.unknown(), await blob(input), 'the recipe of a trial');
  const kernels = chooseKernels({ name: found.kernels, threads });
  const data = await blob(found.data);
  const figures =
    found.task === 'vocoder'
      ? await runVocoderTrial(
          recipeFrom(recipe, 'the recipe of a trial'),
          await openManifest(data, folder, blob),
          kernels,
        )
      : await runClassifierTrial(classifierRecipeFrom(recipe, 'the recipe of a trial'), decodeImages(data), kernels);
  return encodeFigures({ ...figures, peakMegabytes: peakMemory(), kernels: kernels.name } satisfies TrialFigures);
}
