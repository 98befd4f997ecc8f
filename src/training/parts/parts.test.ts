import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { refused } from '../../../test/support/files.js';
import { hashOf, tinyStore, tinyVocoder } from '../../../test/support/tiny_vocoder.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import { chooseKernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import type { Learner } from '../learner.js';
import { waveRnnConfig } from '../recipe/recipe.js';
import { heldOutNll } from '../vocoder/held_out.js';
import { vocoderLearner, vocoderOfParts } from '../vocoder/parts.js';
import { drawSegments } from '../vocoder/segments.js';
import { VocoderTrainer } from '../vocoder/trainer.js';
import { GenerationLearner } from './generations.js';
import type { ComputeParts, Generation, TrainedPart } from './part.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-parts-'));
after(() => rmSync(folder, { recursive: true }));

const tiny = ['training.steps=20', 'training.learningRate=1e-2', 'training.warmup=0', 'training.generation=4'];
const methods: Record<string, string[]> = {
  fixed: ['sparsity.method=fixed'],
  es: ['sparsity.method=es', 'sparsity.es={ population: 8, hold: 4, grace: 0.4, sigma: 0.5 }'],
  'es-guided': ['sparsity.method=es-guided', 'sparsity.es-guided={ population: 8, every: 4, begin: 0.5 }'],
  rigl: ['sparsity.method=rigl', 'sparsity.rigl={ every: 8, drop: 0.3 }'],
};
const recipeOf = (...set: string[]) => tinyVocoder(...tiny, ...set);

const kernels = chooseKernels({ threads: 2 });
const { tf } = await loadTensorFlow(kernels);
let store: FeatureStore;
before(async () => {
  const recipe = recipeOf();
  store = await tinyStore(recipe, folder);
});

function learnerOf(set: readonly string[], compute?: ComputeParts): Learner {
  const recipe = recipeOf(...set);
  return vocoderLearner(new VocoderTrainer(recipe, store, kernels, tf), { recipe, store, kernels }, tf, compute);
}

async function runTo(learner: Learner, step: number): Promise<Learner> {
  while (learner.step < step) await learner.advance();
  return learner;
}

/** Computes as another machine would: with a trainer of its own for each part, from copies. */
const apart =
  (set: readonly string[]): ComputeParts =>
  (generation, count) => {
    const arrays = new Map([...generation.arrays].map(([name, array]) => [name, array.slice()]));
    const parts = Array.from({ length: count }, (_, index) =>
      vocoderOfParts({ recipe: recipeOf(...set), store, kernels }, tf).trainPart(
        { ...generation, arrays },
        { index, count },
      ),
    );
    return Promise.resolve({ parts });
  };

for (const [method, set] of Object.entries(methods)) {
  test(`${method}: one part is a run without parts, to the bit`, async () => {
    const plain = await runTo(learnerOf(set), 20);
    assert.ok(plain instanceof VocoderTrainer);
    const one = await runTo(learnerOf(set, apart(set)), 20);
    assert.ok(one instanceof GenerationLearner);
    assert.equal(hashOf(one), hashOf(plain));
  });

  test(`${method}: four parts learn, and come to the same wherever they are computed`, async () => {
    const parted = [...set, 'training.parts=4'];
    const recipe = recipeOf(...parted);
    const trainer = new VocoderTrainer(recipe, store, kernels, tf);
    const here = vocoderLearner(trainer, { recipe, store, kernels }, tf);
    const heldOut = () => heldOutNll(tf, kernels, trainer, { ...store, validation: store.validation.slice(0, 2) });
    const before = heldOut();
    assert.equal((await here.advance()).steps, 4);
    await runTo(here, 20);
    assert.ok(heldOut() < before - 0.1, `${before} to ${heldOut()}`);
    assert.equal(hashOf(await runTo(learnerOf(parted, apart(parted)), 20)), hashOf(here));
    assert.notEqual(hashOf(await runTo(learnerOf(set), 20)), hashOf(here));
  });
}

test('four parts learn at twice the rate of one', async () => {
  for (const [count, rate] of [
    [1, 1e-2],
    [4, 2e-2],
  ]) {
    const set = ['sparsity.method=fixed', `training.parts=${count}`, 'training.generation=1'];
    const moved: number[] = [];
    const lead = learnerOf(set, async (generation, parts) => {
      const name = [...generation.arrays.keys()].find((each) => each.startsWith('input/'))!;
      const before = (generation.arrays.get(name) as Float32Array).slice();
      const trained = await apart(set)(generation, parts);
      const after = trained.parts[0].arrays.get(name) as Float32Array;
      moved.push(...before.map((weight, i) => Math.abs(after[i] - weight)));
      return trained;
    });
    const { figures } = await lead.advance();
    assert.equal(figures?.['train/learning_rate'], rate);
    // Adam's first step goes as far as the learning rate, whatever the gradients.
    assert.ok(Math.abs(Math.max(...moved) - rate) < 1e-4, `${Math.max(...moved)}, expected ${rate}`);
  }
});

test('a run in parts goes on exactly where it stopped, also within a generation', async () => {
  const set = [...methods['es-guided'], 'training.parts=2'];
  const whole = await runTo(learnerOf(set), 12);
  const { arrays, state } = whole.save();
  const saved = {
    arrays: new Map([...arrays].map(([name, array]) => [name, array.slice()])),
    state: JSON.parse(JSON.stringify(state)) as Record<string, unknown>,
  };
  const resumed = learnerOf(set);
  resumed.restore(saved, 12);
  assert.equal(hashOf(await runTo(resumed, 20)), hashOf(await runTo(whole, 20)));

  // A run that ended at step 6 had a generation cut short; what follows it ends at step 8.
  const short = await runTo(learnerOf([...set, 'training.steps=6']), 6);
  const longer = learnerOf(set);
  longer.restore(short.save(), 6);
  await longer.advance();
  assert.equal(longer.step, 8);
});

test('parts that cannot be had leave everything as it was', async () => {
  const set = [...methods['es-guided'], 'training.parts=2'];
  let fail = false;
  const lead = learnerOf(set, (...task) => (fail ? Promise.reject(new Error('no workers')) : apart(set)(...task)));
  await runTo(lead, 8);
  const before = hashOf(lead);
  fail = true;
  await assert.rejects(async () => lead.advance(), /no workers/);
  assert.equal(hashOf(lead), before);
  fail = false;
  assert.equal(hashOf(await runTo(lead, 12)), hashOf(await runTo(learnerOf(set), 12)));
});

test('the examples of all parts together are those of an undivided step', () => {
  const recipe = recipeOf('training.noise=0');
  const config = waveRnnConfig(recipe);
  const codec = symbolCodec(config, recipe.features);
  for (const pairs of [0, 4]) {
    const draw = (index: number, count: number) =>
      drawSegments(
        store,
        config,
        codec,
        kernels,
        { lanes: 16, steps: 96, noise: 0, seed: 1, share: { index, count } },
        3,
        pairs / count,
      );
    const all = draw(0, 1);
    const parts = [0, 1, 2, 3].map((index) => draw(index, 4));
    assert.deepEqual(
      parts.flatMap(({ sequence }) => [...sequence.codes]),
      [...all.sequence.codes],
    );
    assert.deepEqual(
      parts.flatMap(({ features }) => [...features]),
      [...all.features],
    );
  }
});

test('results that do not fit are refused, and change nothing', async () => {
  const set = [...methods['es-guided'], 'training.parts=2'];
  const broken = (change: (arrays: Map<string, Float32Array | Int32Array>) => void): ComputeParts => {
    return async (generation: Generation, count: number) => {
      const { parts } = await apart(set)(generation, count);
      const arrays = new Map(parts[1].arrays);
      change(arrays);
      return { parts: [parts[0], { ...parts[1], arrays } satisfies TrainedPart] };
    };
  };
  for (const [change, message] of [
    [(arrays) => arrays.delete('recurrent/first'), /first of part 1 has 0 elements/],
    [(arrays) => arrays.delete('input/weights'), /input\/weights of part 1 has 0 elements/],
    [(arrays) => arrays.get('recurrent/column')?.fill(0, 0, 2), /part 1/],
  ] satisfies [(arrays: Map<string, Float32Array | Int32Array>) => unknown, RegExp][]) {
    const lead = learnerOf(set, broken(change));
    const before = hashOf(lead);
    await assert.rejects(async () => lead.advance(), message);
    assert.equal(hashOf(lead), before);
  }
});

test('recipes whose parts cannot be are refused', () => {
  for (const [set, ...patterns] of [
    [[...methods.fixed, 'training.parts=3'], /training\.lanes is 16, expected a multiple of the 3 parts/],
    [[...methods.es, 'training.parts=8'], /population is 8, expected a multiple of 16/],
    [[...methods.rigl, 'sparsity.rigl.every=6', 'training.parts=2'], /rigl\.every is 6, expected a multiple .* 4/],
    [[...methods.fixed, 'training.parts=0'], /training\.parts is 0/],
  ] satisfies [string[], ...RegExp[]][])
    assert.throws(() => recipeOf(...set), refused('ERR_RECIPE', ...patterns));
});
