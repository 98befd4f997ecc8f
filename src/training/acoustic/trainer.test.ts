import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { tinyAcoustic, tinyAcousticStore, tinyConfig } from '../../../test/support/acoustic.js';
import { untreated } from '../../audio/treatment.js';
import { chooseKernels } from '../../kernels/index.js';
import { loadAcoustic } from '../../model/acoustic/file.js';
import type { AcousticRecipe } from '../recipe/recipe.js';
import type { AcousticData } from './examples.js';
import { trainAcoustic } from './task.js';
import { AcousticTrainer, stageOf } from './trainer.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-acoustic-run-'));
after(() => rmSync(folder, { recursive: true }));

let data: AcousticData;
let recipe: AcousticRecipe;
before(async () => {
  recipe = tinyAcoustic(
    'training.steps=45',
    'training.tokenClips=5',
    'training.validateEvery=1000',
    'training.sampleEvery=1000',
    'training.checkpointEvery=1000',
  );
  ({ data } = await tinyAcousticStore(recipe, join(folder, 'cache')));
});

const trainer = (threads = 1) => new AcousticTrainer(tinyConfig, recipe.training, data, chooseKernels({ threads }));
const weightsOf = ({ parameters }: AcousticTrainer) =>
  [...parameters.states].map(([name, { weights }]) => [name, weights.slice()]);

test('the three stages follow each other, and fill all steps', () => {
  const settings = { steps: 45, stages: { durations: 0.4, prosody: 0.2 } };
  assert.deepEqual(stageOf(0, settings), { stage: 'durations', step: 0, steps: 18 });
  assert.deepEqual(stageOf(18, settings), { stage: 'prosody', step: 0, steps: 9 });
  assert.deepEqual(stageOf(27, settings), { stage: 'decoder', step: 0, steps: 18 });
  assert.deepEqual(stageOf(44, settings), { stage: 'decoder', step: 17, steps: 18 });
});

test('the loss of each stage falls, and a stage changes only its own network', () => {
  const learner = trainer();
  const losses: Record<string, number[]> = {};
  for (let step = 0; step < 45; step++) {
    const { stage } = stageOf(step, recipe.training);
    const before = weightsOf(learner);
    const { loss, applied } = learner.advance();
    assert.ok(applied);
    (losses[stage] ??= []).push(loss);
    if (step % 9 !== 4) continue;
    const now = new Map(weightsOf(learner) as [string, Float32Array][]);
    for (const [name, weights] of before as [string, Float32Array][])
      if (!name.startsWith(`${stage}.`)) assert.deepEqual(now.get(name), weights, `${name} in the stage of ${stage}`);
  }
  for (const [stage, all] of Object.entries(losses)) {
    const mean = (part: number[]) => part.reduce((sum, value) => sum + value, 0) / part.length;
    const [first, last] = [mean(all.slice(0, 3)), mean(all.slice(-3))];
    assert.ok(last < 0.95 * first, `${stage}: ${first} to ${last}`);
  }
});

test('one thread and two give the same weights to the bit, and so does a run that was stopped in between', () => {
  const [one, two] = [trainer(1), trainer(2)];
  for (let step = 0; step < 33; step++) one.advance();
  for (let step = 0; step < 33; step++) {
    two.advance();
    // In the middle of a stage, and between two.
    if (step !== 10 && step !== 17 && step !== 29) continue;
    const { arrays, state } = two.save();
    const copy = new Map([...arrays].map(([name, array]) => [name, array.slice()]));
    for (let extra = 0; extra < 2; extra++) two.advance();
    two.restore({ arrays: copy, state }, step + 1);
  }
  assert.deepEqual(weightsOf(one), weightsOf(two));
});

test('a run writes a model that says where it comes from, goes on exactly, and another begins from it', async () => {
  const kernels = chooseKernels({ threads: 2 });
  const whole = await trainAcoustic({ recipe, data, treatment: untreated, kernels, out: join(folder, 'whole') });
  assert.equal(whole.step, 45);
  assert.ok(whole.melDistance !== null && whole.melDistance > 0 && whole.durationCorrelation !== null);
  const model = await loadAcoustic(whole.model);
  assert.deepEqual(
    [model.provenance.recipe, model.provenance.steps, model.provenance.melDistance, model.config],
    ['ljspeech-acoustic-small', 45, whole.melDistance, tinyConfig],
  );
  assert.match(
    readFileSync(join(folder, 'whole', 'curve.csv'), 'utf8'),
    /^step,.*duration_correlation,f0_correlation,/,
  );

  const stopped = new AbortController();
  const out = join(folder, 'stopped');
  const counting = {
    ...recipe,
    training: { ...recipe.training, checkpointEvery: 7 },
  };
  const watched = new Proxy(kernels, {
    get(target, name) {
      if (name === 'adam')
        return (...args: Parameters<typeof kernels.adam>) => {
          if (args[0].step === 5) stopped.abort();
          target.adam(...args);
        };
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const part = await trainAcoustic({
    recipe: counting,
    data,
    treatment: untreated,
    kernels: watched,
    out,
    signal: stopped.signal,
  });
  assert.equal(part.step, 5);
  const rest = await trainAcoustic({ recipe: counting, data, treatment: untreated, kernels, out });
  assert.deepEqual((await loadAcoustic(rest.model)).weights, model.weights);

  const next = { ...recipe, from: whole.model, training: { ...recipe.training, steps: 20 } };
  const further = await trainAcoustic({ recipe: next, data, treatment: untreated, kernels, out: join(folder, 'next') });
  const { provenance } = await loadAcoustic(further.model);
  assert.equal(provenance.from?.model, 'acoustic.safetensors');
  await assert.rejects(
    trainAcoustic({
      recipe: { ...counting, features: { ...recipe.features } },
      data: { ...data, hash: 'other' },
      treatment: untreated,
      kernels,
      out,
    }),
    { code: 'ERR_CHECKPOINT' },
  );
});
