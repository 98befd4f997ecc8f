import { TtsError } from '../base/errors.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { acousticOfParts } from '../training/acoustic/parts.js';
import type { PartedLead } from '../training/parts/generations.js';
import type { Generation } from '../training/parts/part.js';
import { acousticRecipeFrom, recipeFrom } from '../training/recipe/recipe.js';
import { vocoderOfParts } from '../training/vocoder/parts.js';
import { decodeExamples } from './acoustic_files.js';
import { acousticFingerprint, fingerprint } from './fingerprint.js';
import { decodeState, encodePart } from './part_files.js';
import { type PartSpec, partSpecSchema } from './parts.js';
import { type JobData, readJson } from './protocol.js';
import { openManifest } from './store_manifest.js';
import type { Workshop } from './thread_messages.js';

/** The run that was worked for last: other jobs of it need nothing but its state. */
let last: { readonly spec: string; readonly learner: Pick<PartedLead, 'trainPart'> } | undefined;
/** The state of its generation, which other parts begin from too. */
let begun: { readonly state: string; readonly generation: Generation } | undefined;

/**
 * Trains a part of a generation.
 * @throws {TtsError} ERR_KERNELS where this machine does not calculate as the run's coordinator does; ERR_CLUSTER for
 * what does not hold together
 */
export async function doPart({ spec, state, index, count }: JobData<'part'>, workshop: Workshop): Promise<Uint8Array> {
  if (last?.spec !== spec) last = { spec, learner: await learnerOf(spec, workshop) };
  if (begun?.state !== state) begun = { state, generation: decodeState(await workshop.blob(state), spec) };
  return encodePart(last.learner.trainPart(begun.generation, { index, count }), state, { index, count });
}

async function learnerOf(spec: string, { blob, folder, threads }: Workshop): Promise<Pick<PartedLead, 'trainPart'>> {
  const found = readJson(partSpecSchema, await blob(spec), 'the description of the run');
  const kernels = chooseKernels({ name: found.kernels, threads });
  const what = 'the recipe of the run';
  const store = async () => openManifest(await blob(found.clips), folder, blob);
  if (found.task === 'acoustic') {
    const recipe = acousticRecipeFrom(found.recipe, what);
    checkAlike(acousticFingerprint(recipe, kernels), found, kernels);
    const data = decodeExamples(await blob(found.examples), await store());
    return acousticOfParts({ recipe, data, kernels });
  }
  const recipe = recipeFrom(found.recipe, what);
  const { tf } = await loadTensorFlow(kernels);
  checkAlike(fingerprint(recipe, kernels, tf), found, kernels);
  return vocoderOfParts({ recipe, store: await store(), kernels }, tf);
}

function checkAlike(own: string, { fingerprint: expected }: Pick<PartSpec, 'fingerprint'>, { name }: Kernels): void {
  if (own !== expected)
    throw new TtsError(
      'ERR_KERNELS',
      `kernels ${name} of this machine calculate otherwise than those of the run's coordinator, in the last ` +
        'digits; expected the same version of the toolkit and of Node, and the same compiler: npm run setup',
    );
}
