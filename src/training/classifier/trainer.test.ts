import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { fewDigits, quickSearches, tinyRecipe } from '../../../test/support/classifier_recipes.js';
import { type Examples, examplesOf } from '../../data/images/examples.js';
import { chooseKernels } from '../../kernels/index.js';
import { countWeights } from './parameters.js';
import { ClassifierTrainer } from './trainer.js';
import { scoreClassifier } from './validation.js';

let train: Examples;
let held: Examples;
before(async () => {
  const images = await fewDigits();
  train = examplesOf(images, 'train');
  held = examplesOf(images, 'test');
});

/** A trainer after so many steps. */
function trained(steps: number, set: readonly string[], threads = 2): ClassifierTrainer {
  const trainer = new ClassifierTrainer(tinyRecipe(...set), train, chooseKernels({ threads }));
  while (trainer.step < steps) trainer.advance();
  return trainer;
}

test('with fixed masks the loss falls and held-out digits are recognised', () => {
  const trainer = new ClassifierTrainer(
    tinyRecipe('sizes.mlp.widths=[300, 100]', 'training.steps=200', 'training.learningRate=5e-3'),
    train,
    chooseKernels({ threads: 2 }),
  );
  const first = trainer.advance().loss;
  assert.ok(Math.abs(first - Math.log(10)) < 0.2, `${first}`);
  let last = NaN;
  while (trainer.step < 200) last = trainer.advance().loss;
  assert.ok(last < first / 4, `${first} to ${last}`);
  const { accuracy, nll } = scoreClassifier(chooseKernels({ threads: 2 }), trainer.deployed(), held);
  assert.ok(accuracy > 0.75 && nll < 1, `${accuracy}, ${nll}`);
});

test('every method keeps as many weights, at the end of its schedule', () => {
  for (const method of ['fixed', 'set', 'rigl', 'pruning', 'es', 'es-guided']) {
    const set = [
      `sparsity.method=${method}`,
      'training.steps=12',
      'sparsity.pruning={ start: 2, end: 8, every: 2 }',
      `sparsity.${method === 'set' || method === 'rigl' ? `${method}.every` : 'es.hold'}=3`,
    ];
    assert.equal(countWeights(trained(12, set).deployed()), 784 * 100 * 0.02 + 100 * 50 * 0.02 + 500, method);
  }
});

test('small initial weights are small in masked layers only', () => {
  const [small, usual] = [0.25, 1].map((initial) => trained(0, [`training.initial=${initial}`]).deployed().layers);
  for (const i of [0, 1, 2]) {
    const [a, b] = [small[i], usual[i]];
    assert.ok(a.kind === 'convolution' && b.kind === 'convolution');
    assert.deepEqual(
      a.matrix.values,
      b.matrix.values.map((value) => (i < 2 ? 0.25 * value : value)),
    );
  }
});

test('the number of threads changes nothing, another seed everything', () => {
  const set = quickSearches['es-guided'];
  const weights = (threads: number, seed: number) => trained(10, [...set, `training.seed=${seed}`], threads).save();
  assert.deepEqual(weights(3, 1), weights(1, 1));
  assert.notDeepEqual(weights(2, 2).arrays.get('fc3.weights/weights'), weights(2, 1).arrays.get('fc3.weights/weights'));
});

for (const [method, set] of Object.entries({
  ...quickSearches,
  rigl: ['sparsity.method=rigl', 'sparsity.rigl.every=4'],
  pruning: ['sparsity.method=pruning', 'sparsity.pruning={ start: 2, end: 9, every: 2 }'],
})) {
  test(`${method} goes on exactly where it stopped, in the middle of a generation`, () => {
    const whole = trained(12, [...set, 'training.steps=16']);
    const stopped = trained(6, [...set, 'training.steps=16']);
    const { arrays, state } = stopped.save();
    const resumed = trained(0, [...set, 'training.steps=16']);
    resumed.restore(
      {
        arrays: new Map([...arrays].map(([name, array]) => [name, array.slice()])),
        state: JSON.parse(JSON.stringify(state)) as Record<string, unknown>,
      },
      6,
    );
    assert.deepEqual(resumed.parameters.masks(), stopped.parameters.masks());
    while (resumed.step < 12) resumed.advance();
    assert.deepEqual(resumed.save(), whole.save());
  });
}

test('members run on masks of their own, and come back to one', () => {
  const trainer = trained(1, quickSearches.es);
  const masks = trainer.parameters.masks();
  assert.equal(masks.length, 4);
  assert.notDeepEqual(masks[0], masks[1]);
  const done = trained(9, [...quickSearches.es, 'training.steps=9', 'sparsity.es.stop=0.8']);
  assert.equal(done.parameters.masks().length, 1);
});

test('masks are judged on the same images: what is judged is the loss of their networks', () => {
  const trainer = trained(100, ['sparsity.method=fixed', 'training.learningRate=5e-3']);
  const kept = trainer.parameters.masks()[0];
  const all = kept.map((mask) => mask.slice().fill(1));
  const none = kept.map((mask) => mask.slice().fill(0));
  const judged = trainer.view().losses([kept, all, none]);
  assert.equal(judged.length, 8);
  for (const [one, more, nothing] of judged) {
    assert.ok(Math.abs(more - one) < 1e-5, 'a block that was never trained is zero');
    // Without weights between, all images get the biases' answer.
    assert.ok(nothing > one + 0.1, `${nothing}, ${one}`);
  }
  const mean = judged.reduce((sum, [one]) => sum + one, 0) / judged.length;
  const { nll } = scoreClassifier(chooseKernels({ threads: 1 }), trainer.parameters.deployed(kept, 'weights'), train);
  assert.ok(Math.abs(mean - nll) < 0.3 * nll, `${mean}, ${nll} over all images`);
});

test('examples that the members cannot share out, and images of another size, are refused', () => {
  assert.throws(() => trained(0, [...quickSearches.es, 'training.examples=62']), {
    code: 'ERR_RECIPE',
    message: /training\.examples is 62, expected a multiple of the 4 members/,
  });
  assert.throws(() => new ClassifierTrainer(tinyRecipe(), { ...train, height: 14 }, chooseKernels({ threads: 1 })), {
    code: 'ERR_RECIPE',
    message: /mlp takes images of 28 × 28 × 1, those of the data are 14 × 28 × 1/,
  });
});
