import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { fewDigits, tinyEvolution } from '../../../test/support/classifier_recipes.js';
import { type Examples, examplesOf } from '../../data/images/examples.js';
import { chooseKernels } from '../../kernels/index.js';
import { EvolvedClassifier } from './evolved.js';
import { scoreClassifier } from './validation.js';

let train: Examples;
before(async () => {
  train = examplesOf(await fewDigits(), 'train');
});

function evolved(steps: number, set: readonly string[], threads = 2): EvolvedClassifier {
  const learner = new EvolvedClassifier(tinyEvolution(...set), train, chooseKernels({ threads }));
  while (learner.step < steps) learner.advance();
  return learner;
}

test('without a gradient the net learns', () => {
  const kernels = chooseKernels({ threads: 2 });
  const set = [
    'training.population=32',
    'training.steps=40',
    'training.sigma=0.2',
    'training.learningRate=2',
    'training.decay.final=0.5',
    'training.ema=0.5',
  ];
  const before = scoreClassifier(kernels, evolved(0, set).deployed(), train);
  const after = scoreClassifier(kernels, evolved(40, set).deployed(), train);
  assert.ok(
    after.nll < before.nll - 0.8 && after.accuracy > 0.2,
    `${JSON.stringify(before)} to ${JSON.stringify(after)}`,
  );
});

test('it goes on exactly where it stopped, whatever the threads, and workers make a difference', () => {
  // It stops between two looks at all examples, and where it is known from the last how they are drawn.
  const importance = ['training.importance.every=2'];
  const whole = evolved(5, importance, 1).save();
  const resumed = evolved(0, importance, 3);
  resumed.restore(evolved(3, importance).save(), 3);
  while (resumed.step < 5) resumed.advance();
  assert.deepEqual(resumed.save(), whole);
  assert.notDeepEqual(evolved(5, [...importance, 'training.workers=4']).save(), whole);
});

test('examples drawn by importance have other losses, of the same mean', () => {
  const losses = (set: string) => {
    const learner = evolved(0, [set, 'training.learningRate=1e-6', 'training.sigma=0.01', 'training.decay.final=1']);
    return Array.from({ length: 60 }, () => learner.advance().loss);
  };
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [drawn, alike] = ['training.importance.uniform=0.2', 'training.importance.uniform=1'].map(losses);
  assert.notDeepEqual(drawn, alike);
  assert.ok(Math.abs(mean(drawn) - mean(alike)) < 0.02 * mean(alike), `${mean(drawn)}, ${mean(alike)}`);
});
