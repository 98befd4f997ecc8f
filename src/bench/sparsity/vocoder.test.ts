import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { chooseKernels } from '../../kernels/index.js';
import { loadRecipe } from '../../training/recipe/recipe.js';
import { vocoderTask } from './vocoder.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const recipeOf = (...set: string[]) =>
  loadRecipe(join(root, 'recipes', 'ljspeech'), { data: join(root, 'data', 'ljspeech-mini'), set });

test('the small dense network has about as many weights as the sparse one keeps', () => {
  const small = vocoderTask.smallDense(recipeOf());
  assert.deepEqual(small.sizes.small, { hidden: 128, projection: 64, density: { recurrent: 1, output: 1 } });
  assert.deepEqual(vocoderTask.dense(recipeOf()).sizes.small, {
    hidden: 384,
    projection: 192,
    density: { recurrent: 1, output: 1 },
  });
});

test('methods keep equally many weights, and training makes held-out speech likelier', async () => {
  const tiny = [
    'sizes.small={ hidden: 32, projection: 16, density: { recurrent: 0.3, output: 0.3 } }',
    'model.conditioning.channels=16',
    'training.lanes=16',
    'training.segment=96',
    'training.learningRate=1e-2',
    'training.warmup=0',
  ];
  const kernels = chooseKernels({ threads: 1 });
  const run = (...set: string[]) => vocoderTask.runOnce(recipeOf(...tiny, ...set), kernels);
  const short = await run('training.steps=1');
  const long = await run('training.steps=24');
  const searched = await run('training.steps=24', 'sparsity.method=es-guided', 'sparsity.es-guided.every=4');
  assert.ok(long.quality.nll < short.quality.nll - 0.1, `${short.quality.nll} to ${long.quality.nll}`);
  assert.ok(searched.quality.nll < short.quality.nll - 0.1, `${short.quality.nll} to ${searched.quality.nll}`);
  assert.notEqual(searched.quality.nll, long.quality.nll);
  assert.equal(searched.nonZeros, long.nonZeros);
});
