// Trains a voice of toy size for a few steps, to show the calls; a voice worth hearing takes an hour or more.
//
//   node examples/node/train.js recordings/ run/ [steps]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseKernels, loadRecipe, openCorpus, openFeatureStore, trainVoice } from 'sparsewavernn';

const [recordings, run, steps = '10'] = process.argv.slice(2);

// Any value of the recipe can be changed, as by --set on the command line. Leave these out for a voice worth hearing.
const toy = [
  'sizes.small={ hidden: 32, projection: 16, density: { recurrent: 0.5, output: 0.5 } }',
  'model.conditioning.channels=16',
  'training.lanes=20',
  'training.segment=200',
];
const recipe = loadRecipe(fileURLToPath(new URL('../../recipes/ljspeech', import.meta.url)), {
  data: recordings,
  set: [...toy, `training.steps=${steps}`],
});

const kernels = chooseKernels();
// Decodes the recordings and computes their features, once: they are kept in the cache folder.
const store = await openFeatureStore({
  corpus: await openCorpus(recordings),
  settings: recipe.features,
  treatment: recipe.data.treatment,
  cacheDir: join(run, 'cache'),
  threads: kernels.threads,
  validation: recipe.data.validation,
});

// Stops after the present step, with everything saved; the same call goes on from there.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const result = await trainVoice({ recipe, store, kernels, out: run, signal: stop.signal });
console.log(`step ${result.step} of ${result.steps}, held-out NLL ${result.validationNll?.toFixed(3)} nats per sample`);
console.log(`voice: ${result.voice}`);
