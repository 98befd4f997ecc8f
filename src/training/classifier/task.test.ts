import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fewDigits, quickSearches, tinyEvolution, tinyRecipe } from '../../../test/support/classifier_recipes.js';
import { examplesOf } from '../../data/images/examples.js';
import type { ImageSet } from '../../data/images/images.js';
import { chooseKernels } from '../../kernels/index.js';
import { loadClassifier } from '../../model/classifiers/file.js';
import { loadNewestCheckpoint } from '../run_folder/checkpoint.js';
import { trainClassifier } from './task.js';
import { scoreClassifier } from './validation.js';

const folder = mkdtempSync(join(tmpdir(), 'classifier-run-'));
after(() => rmSync(folder, { recursive: true }));
const kernels = chooseKernels({ threads: 2 });
let images: ImageSet;
before(async () => {
  images = await fewDigits();
});

const withoutSeconds = (out: string) =>
  readFileSync(join(out, 'curve.csv'), 'utf8')
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .filter((_, i) => i !== 1)
        .join(),
    );

test('a run leaves a curve, pictures, checkpoints and a model that does as it says', async () => {
  const out = join(folder, 'run');
  const recipe = tinyRecipe(
    ...quickSearches.es,
    'training.steps=10',
    'training.validateEvery=4',
    'training.checkpointEvery=5',
    'training.pictureEvery=6',
  );
  const result = await trainClassifier({ recipe, images, kernels, out });
  assert.equal(result.step, 10);
  assert.match(readFileSync(join(out, 'curve.csv'), 'utf8'), /^step,seconds,loss,accuracy,nll\n4,.*\n8,.*\n10,.*\n$/);
  assert.deepEqual(readdirSync(join(out, 'masks')), ['step-0000006.png', 'step-0000010.png']);
  assert.deepEqual(readdirSync(join(out, 'checkpoints')), ['000000005', '000000010']);
  assert.match(readdirSync(join(out, 'logs'))[0], /^events\.out\.tfevents\./);
  const { network, normalisation, provenance } = await loadClassifier(result.model);
  assert.equal(provenance.steps, 10);
  assert.deepEqual(scoreClassifier(kernels, network, examplesOf(images, 'test', normalisation)), {
    accuracy: result.accuracy,
    nll: result.nll,
  });
});

for (const { name, recipe, callsOfStep } of [
  {
    name: 'es-guided',
    recipe: (...set: string[]) => tinyRecipe(...quickSearches['es-guided'], ...set),
    callsOfStep: 1,
  },
  // The last layer is searched apart.
  { name: 'pure ES', recipe: (...set: string[]) => tinyEvolution(...set), callsOfStep: 2 },
]) {
  test(`a run (${name}) in two parts is the same run`, async () => {
    const [whole, parts] = ['whole', 'parts'].map((part) => join(folder, `${name}-${part}`));
    const settings = recipe('training.steps=10', 'training.validateEvery=5');
    await trainClassifier({ recipe: settings, images, kernels, out: whole });
    const stop = new AbortController();
    // The signal comes about the sixth step, in the middle of a generation.
    let calls = 0;
    const interrupting = new Proxy(kernels, {
      get: (target, property) => {
        const value = Reflect.get(target, property) as unknown;
        if (typeof value !== 'function') return value;
        if ((property === 'classifierGradients' || property === 'classifierLoss') && ++calls > 6 * callsOfStep)
          stop.abort();
        return value.bind(target) as unknown;
      },
    });
    const first = await trainClassifier({
      recipe: settings,
      images,
      kernels: interrupting,
      out: parts,
      signal: stop.signal,
    });
    assert.ok(first.step > 3 && first.step < 10, `${first.step}`);
    await trainClassifier({ recipe: settings, images, kernels, out: parts });
    assert.deepEqual(withoutSeconds(parts), withoutSeconds(whole));
    assert.deepEqual(loadNewestCheckpoint(parts)?.arrays, loadNewestCheckpoint(whole)?.arrays);
  });
}

test('a folder with another run is refused, longer steps are no other run', async () => {
  const out = join(folder, 'other');
  await trainClassifier({ recipe: tinyRecipe('training.steps=2'), images, kernels, out });
  await assert.rejects(
    trainClassifier({ recipe: tinyRecipe('training.steps=2', 'training.learningRate=0.5'), images, kernels, out }),
    { code: 'ERR_CHECKPOINT', message: /training\.learningRate 0\.001, now 0\.5/ },
  );
  await assert.rejects(
    trainClassifier({
      recipe: tinyRecipe('training.steps=2'),
      images: { ...images, test: images.train },
      kernels,
      out,
    }),
    { code: 'ERR_CHECKPOINT', message: /images/ },
  );
  assert.equal((await trainClassifier({ recipe: tinyRecipe('training.steps=3'), images, kernels, out })).step, 3);
});

test('ten bad steps in a row stop the run with the last good state saved', async () => {
  const out = join(folder, 'bad');
  let calls = 0;
  const failing = new Proxy(kernels, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (property === 'classifierGradients')
        return (...args: Parameters<typeof kernels.classifierGradients>) => {
          const result = target.classifierGradients(...args);
          if (++calls > 3) args[3][0].biases[1][0] = NaN;
          return result;
        };
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  await assert.rejects(trainClassifier({ recipe: tinyRecipe(), images, kernels: failing, out }), {
    code: 'ERR_NOT_FINITE',
    message: /10 steps in a row up to 13 .*learningRate/,
  });
  for (const [name, array] of loadNewestCheckpoint(out)?.arrays ?? []) assert.ok(array.every(Number.isFinite), name);
});
