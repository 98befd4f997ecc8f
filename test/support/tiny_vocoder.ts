import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openCorpus } from '../../src/data/corpora/corpus.js';
import { type FeatureStore, openFeatureStore } from '../../src/data/store/feature_store.js';
import type { Learner } from '../../src/training/learner.js';
import { loadRecipe, type Recipe } from '../../src/training/recipe/recipe.js';
import { root, shortSpeech } from './command_line.js';

/** A recipe of a vocoder that takes a step in milliseconds. @param set changes to it */
export function tinyVocoder(...set: readonly string[]): Recipe {
  const tiny = [
    'sizes.small={ hidden: 32, projection: 16, density: { recurrent: 0.3, output: 0.3 } }',
    'model.conditioning.channels=16',
    'training.lanes=16',
    'training.segment=96',
  ];
  return loadRecipe(join(root, 'recipes', 'ljspeech'), { set: [...tiny, ...set] });
}

/** The features of short speech, as such a recipe wants them; two of the six clips are held out. */
export async function tinyStore({ features }: Recipe, cacheDir: string): Promise<FeatureStore> {
  return openFeatureStore({
    corpus: await openCorpus(join(root, shortSpeech)),
    settings: features,
    cacheDir,
    threads: 2,
    validation: { clips: ['LJ001-0008', 'LJ011-0202'] },
  });
}

/** SHA-256 of everything that a checkpoint holds: weights, moments, averages, masks and the search. */
export function hashOf(learner: Pick<Learner, 'save'>): string {
  const { arrays, state } = learner.save();
  const hash = createHash('sha256').update(JSON.stringify(state));
  for (const [name, array] of arrays)
    hash.update(name).update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return hash.digest('hex');
}
