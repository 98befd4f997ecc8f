import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { shortSpeech } from '../../../test/support/command_line.js';
import { openCorpus } from '../../data/corpora/corpus.js';
import { type FeatureStore, openFeatureStore } from '../../data/store/feature_store.js';
import { chooseKernels, type Kernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { loadVoice } from '../../model/voice/file.js';
import { loadRecipe, type Recipe } from '../recipe/recipe.js';
import { loadNewestCheckpoint } from '../run_folder/checkpoint.js';
import { trainVoice } from './task.js';
import { VocoderTrainer } from './trainer.js';
import { fitUpperBands } from './upper_bands.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tts-run-'));
after(() => rmSync(folder, { recursive: true }));

let recipe: Recipe;
let store: FeatureStore;
before(async () => {
  const tiny = [
    'sizes.small.hidden=32',
    'sizes.small.projection=16',
    'sizes.small.density={ recurrent: 0.5, output: 0.5 }',
    'model.conditioning.channels=16',
  ];
  recipe = loadRecipe(join(root, 'recipes', 'ljspeech'), {
    set: [
      ...tiny,
      'sparsity.method=fixed',
      'model.encoding=mulaw10',
      'training.lanes=16',
      'training.segment=160',
      'training.steps=30',
      'training.warmup=0',
      'training.learningRate=1e-2',
      'training.checkpointEvery=1000',
    ],
  });
  const corpus = await openCorpus(join(root, shortSpeech));
  store = await openFeatureStore({
    corpus,
    settings: recipe.features,
    cacheDir: join(folder, 'cache'),
    threads: 2,
    validation: { clips: ['LJ001-0008', 'LJ011-0202'] },
  });
});

/** Kernels whose gradients go wrong at some steps, as overflow makes them. */
function failingAt(steps: (step: number) => boolean): Kernels {
  const kernels = chooseKernels({ threads: 2 });
  let step = 0;
  return new Proxy(kernels, {
    get(target, name) {
      if (name === 'memberGradients')
        return (...args: Parameters<Kernels['memberGradients']>) => {
          const loss = target.memberGradients(...args);
          if (steps(++step)) args[3][0].sparse[0][5] = NaN;
          return loss;
        };
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('a step whose gradients are not finite is dropped, and changes nothing', async () => {
  const kernels = failingAt((step) => step === 3);
  const { tf } = await loadTensorFlow(kernels);
  const trainer = new VocoderTrainer(recipe, store, kernels, tf);
  const weights = () => [...trainer.parameters.toArrays().values()].map((array) => array.slice());
  assert.ok(trainer.advance().applied);
  assert.ok(trainer.advance().applied);
  const before = weights();
  const bad = trainer.advance();
  assert.ok(!bad.applied);
  assert.ok(!Number.isFinite(bad.figures['train/gradient_norm']));
  assert.deepEqual(weights(), before);
  assert.ok(trainer.advance().applied);
  assert.notDeepEqual(weights(), before);
});

test('ten bad steps in a row stop the run with the last good state saved', async () => {
  const out = join(folder, 'bad');
  await assert.rejects(trainVoice({ recipe, store, kernels: failingAt((step) => step > 4), out }), {
    code: 'ERR_NOT_FINITE',
    message: /10 steps in a row up to 14 .*learningRate/,
  });
  const checkpoint = loadNewestCheckpoint(out);
  assert.equal(checkpoint?.step, 14);
  for (const [name, array] of checkpoint?.arrays ?? []) assert.ok(array.every(Number.isFinite), name);
  await loadVoice(join(out, 'voice.safetensors'));
});

test('the loss falls, and the voice is the average of the weights', async () => {
  const out = join(folder, 'good');
  const kernels = chooseKernels({ threads: 2 });
  const { tf } = await loadTensorFlow(kernels);
  const first = new VocoderTrainer(recipe, store, kernels, tf).advance().loss;
  const { validationNll, step, voice } = await trainVoice({ recipe, store, kernels, out });
  assert.equal(step, 30);
  assert.ok(validationNll !== null && validationNll < first - 0.15, `${first} to ${validationNll}`);
  const { config, provenance, upper } = await loadVoice(voice);
  assert.equal(config.hidden, 32);
  assert.equal(provenance.steps, 30);
  assert.equal(provenance.nll, validationNll);
  assert.equal(upper?.length, 2 * 81);
  assert.deepEqual(upper, fitUpperBands(store));
  assert.ok(readdirSync(join(out, 'samples')).some((name) => name.includes('step-0000030')));
});
