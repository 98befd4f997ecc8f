import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { tinyAcoustic, tinyAcousticStore } from '../../../test/support/acoustic.js';
import { temporaryFolder } from '../../../test/support/command_line.js';
import { refused } from '../../../test/support/files.js';
import { hashOf } from '../../../test/support/tiny_vocoder.js';
import { chooseKernels } from '../../kernels/index.js';
import type { Learner } from '../learner.js';
import type { ComputeParts, Generation } from '../parts/part.js';
import { acousticConfigOf } from '../recipe/acoustic_schema.js';
import type { AcousticData } from './examples.js';
import { acousticLearner, acousticOfParts } from './parts.js';
import { AcousticTrainer } from './trainer.js';

const folder = temporaryFolder({ after });
const kernels = chooseKernels({ threads: 1 });
let data: AcousticData;
before(async () => {
  ({ data } = await tinyAcousticStore(tinyAcoustic(), join(folder, 'cache')));
});

/** 10 steps of durations, 5 of prosody, 10 of the decoder. */
const recipeOf = (...set: string[]) => tinyAcoustic('training.steps=25', 'training.generation=4', ...set);

const trainerOf = (...set: string[]) => {
  const recipe = recipeOf(...set);
  return new AcousticTrainer(acousticConfigOf(recipe), recipe.training, data, kernels);
};

const learnerOf = (set: readonly string[], compute?: ComputeParts): Learner =>
  acousticLearner(trainerOf(...set), { recipe: recipeOf(...set), data, kernels }, compute);

async function runTo(learner: Learner, step: number): Promise<Learner> {
  while (learner.step < step) await learner.advance();
  return learner;
}

/** Computes as other machines would: each part by a trainer of its own, the last one first. */
const apart =
  (set: readonly string[], generations: Generation[] = []): ComputeParts =>
  (generation, count) => {
    generations.push(generation);
    const arrays = new Map([...generation.arrays].map(([name, array]) => [name, array.slice()]));
    const parts = Array.from({ length: count }, (_, i) => {
      const index = count - 1 - i;
      const own = acousticOfParts({ recipe: recipeOf(...set), data, kernels });
      return own.trainPart({ ...generation, arrays }, { index, count });
    });
    return Promise.resolve({ parts: parts.reverse() });
  };

test('one part is the same as none, to the bit', async () => {
  const plain = await runTo(trainerOf(), 25);
  const parted = await runTo(learnerOf(['training.parts=1'], apart([])), 25);
  assert.equal(hashOf(parted), hashOf(plain));
});

test('parts come to the same bits wherever they are computed, and generations end with their stage', async () => {
  const set = ['training.parts=2'];
  const generations: Generation[] = [];
  const here = hashOf(await runTo(learnerOf(set), 25));
  assert.equal(hashOf(await runTo(learnerOf(set, apart(set, generations)), 25)), here);
  assert.notEqual(here, hashOf(await runTo(trainerOf(), 25)));
  assert.deepEqual(
    generations.map(({ step, steps }) => [step, steps]),
    [
      [0, 4],
      [4, 4],
      [8, 2],
      [10, 2],
      [12, 3],
      [15, 1],
      [16, 4],
      [20, 4],
      [24, 1],
    ],
  );
  for (const { step, arrays } of generations) {
    const stage = step < 10 ? 'durations' : step < 15 ? 'prosody' : 'decoder';
    for (const name of arrays.keys()) assert.match(name, new RegExp(`^${stage}\\.`));
  }
});

test('a run in parts goes on where it stopped', async () => {
  const set = ['training.parts=2'];
  const whole = await runTo(learnerOf(set), 25);
  const first = await runTo(learnerOf(set), 12);
  const second = learnerOf(set);
  second.restore(structuredClone(first.save()), first.step);
  assert.equal(hashOf(await runTo(second, 25)), hashOf(whole));
});

test('parts learn together', async () => {
  const learner = learnerOf(['training.steps=100', 'training.parts=2']);
  const losses: number[] = [];
  while (learner.step < 100) {
    const decoder = learner.step >= 60;
    const { loss } = await learner.advance();
    if (decoder) losses.push(loss);
  }
  assert.ok(losses[losses.length - 1] < 0.9 * losses[0], losses.join());
});

test('parts that cannot share the clips are refused', () => {
  assert.throws(
    () => recipeOf('training.parts=3'),
    refused('ERR_RECIPE', /training\.clips is 2, expected a multiple of the 3 parts/),
  );
});
