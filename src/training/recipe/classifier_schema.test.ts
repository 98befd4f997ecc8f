import assert from 'node:assert/strict';
import test from 'node:test';
import { classifierConfig, classifierOf } from '../classifier/model.js';
import type { ClassifierRecipe } from './classifier_schema.js';
import { loadAnyRecipe, loadRecipe } from './recipe.js';

const refuses = (path: string, set: string[], message: RegExp) =>
  assert.throws(() => loadAnyRecipe(path, { set }), { code: 'ERR_RECIPE', message });

test('the shipped recipes load, all of their sizes fit, and they are plain data', () => {
  for (const path of ['recipes/mnist', 'recipes/cifar10']) {
    const recipe = loadAnyRecipe(path) as ClassifierRecipe;
    assert.equal(recipe.task, 'classifier');
    assert.deepEqual(JSON.parse(JSON.stringify(recipe)), recipe);
    for (const size of Object.keys(recipe.sizes)) classifierOf({ ...recipe, size });
  }
  assert.equal(loadAnyRecipe('recipes/mnist/pure-es.yaml').task, 'classifier-es');
});

test('--data is the folder of images of a classifier, and of recordings of a vocoder', () => {
  assert.equal(
    (loadAnyRecipe('recipes/mnist', { data: 'data/mnist-mini' }) as ClassifierRecipe).data.folder,
    'data/mnist-mini',
  );
  assert.equal(loadRecipe('recipes/ljspeech', { data: 'data/ljspeech-mini' }).data.corpus, 'data/ljspeech-mini');
});

test('mistakes are told with the line, the value and the nearest key of the same task', () => {
  refuses('recipes/mnist', ['task=clasifier'], /task "clasifier" is unknown; did you mean "classifier"\?/);
  refuses('recipes/mnist', ['training.lanes=3'], /unknown key training\.lanes; did you mean (?!training\.segment)/);
  refuses('recipes/mnist', ['training.inital=0.5'], /unknown key training\.inital; did you mean training\.initial\?/);
  refuses(
    'recipes/mnist',
    ['sizes.mlp.block=[2, 2]'],
    /sizes\.mlp\.block is \[2,2\]; expected \[16, 1\], \[4, 4\] or \[1, 1\]/,
  );
  refuses('recipes/mnist', ['sizes.mlp.density=0'], /sizes\.mlp\.density is 0/);
  refuses('recipes/mnist', ['sizes.mlp.model=lenet'], /sizes\.mlp\.model is "lenet"; .*"lenet-small"/);
  refuses('recipes/mnist', ['size=tiny'], /size "tiny" is unknown/);
  refuses(
    'recipes/mnist/pure-es.yaml',
    ['training.population=6', 'training.workers=2'],
    /expected populations that are multiples of 2·workers/,
  );
  refuses(
    'recipes/mnist/pure-es.yaml',
    ['training.last.population=8000'],
    /expected at most 8192 members, those of the last layer included/,
  );
  assert.throws(() => loadRecipe('recipes/mnist'), {
    code: 'ERR_RECIPE',
    message: /has task: classifier, expected task: vocoder/,
  });
});

test('a net can be made narrower, of as many layers', () => {
  const { layers } = classifierConfig('lenet-large', [3, 12, 20]);
  assert.deepEqual(
    layers.flatMap((layer) => ('outputs' in layer ? [layer.outputs] : [])),
    [3, 12, 20, 10],
  );
  assert.throws(() => classifierConfig('mlp', [8]), {
    code: 'ERR_RECIPE',
    message: /widths are 8, expected 2 of them for mlp, as its own: 300, 100/,
  });
});
