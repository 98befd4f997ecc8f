import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { tinyStore, tinyVocoder } from '../../../test/support/tiny_vocoder.js';
import { TtsError } from '../../base/errors.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import { chooseKernels, type Kernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { maskOf } from '../../sparsity/mask.js';
import { heldOutNll } from './held_out.js';
import { VocoderTrainer } from './trainer.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-trainer-'));
after(() => rmSync(folder, { recursive: true }));

const tiny = ['training.steps=24', 'training.learningRate=1e-2'];
const searches = {
  es: 'sparsity.es={ population: 4, hold: 5, sigma: 0.5 }',
  'es-guided': 'sparsity.es-guided={ population: 4, every: 5, begin: 0.5 }',
  rigl: 'sparsity.rigl={ every: 5, drop: 0.3 }',
};
const recipeOf = (...set: string[]) => tinyVocoder(...tiny, ...set);

let store: FeatureStore;
before(async () => {
  const recipe = recipeOf();
  store = await tinyStore(recipe, folder);
});

async function trainerOf(set: string[], threads = 2): Promise<VocoderTrainer> {
  const kernels = chooseKernels({ threads });
  return new VocoderTrainer(recipeOf(...set), store, kernels, (await loadTensorFlow(kernels)).tf);
}

const losses = (trainer: VocoderTrainer, steps: number) => Array.from({ length: steps }, () => trainer.advance().loss);
/** Copies, as a checkpoint makes them. */
const copied = ({ arrays, state }: ReturnType<VocoderTrainer['save']>) => ({
  arrays: new Map([...arrays].map(([name, array]) => [name, array.slice()] as const)),
  state: JSON.parse(JSON.stringify(state)) as Record<string, unknown>,
});

for (const [method, settings] of Object.entries(searches)) {
  const set = [`sparsity.method=${method}`, settings];

  test(`${method}: masks change while weights learn, and keep exactly their number of blocks in the end`, async () => {
    const trainer = await trainerOf(set);
    const kept = (of: VocoderTrainer) => of.deployed().sparse.reduce((sum, { column }) => sum + column.length, 0);
    const first = trainer.picture();
    const blocks = kept(await trainerOf(['sparsity.method=fixed']));
    const kernels = chooseKernels({ threads: 2 });
    const { tf } = await loadTensorFlow(kernels);
    const before = heldOutNll(tf, kernels, trainer, store);
    losses(trainer, 24);
    const after = heldOutNll(tf, kernels, trainer, store);
    assert.ok(after < before - 0.1, `${before} to ${after}`);
    assert.equal(kept(trainer), blocks);
    assert.notDeepEqual(trainer.picture(), first);
    assert.ok(
      trainer.diagnostics()['masks/ever_active'] >
        blocks /
          trainer
            .deployed()
            .sparse.reduce(
              (sum, { rows, columns, blockRows, blockColumns }) => sum + (rows * columns) / (blockRows * blockColumns),
              0,
            ),
    );
  });

  test(
    `${method}: resumed in the middle of a generation, or after the last one, a run ` +
      'goes on as if it had never stopped',
    async () => {
      const whole = await trainerOf(set);
      for (const [steps, members] of [
        [7, method === 'es' ? 4 : 1],
        [14, 1],
      ]) {
        losses(whole, steps);
        assert.equal(whole.members, members);
        const saved = copied(whole.save());
        const resumed = await trainerOf(set);
        resumed.restore(saved, whole.step);
        assert.deepEqual(losses(resumed, 3), losses(whole, 3));
        assert.deepEqual(copied(resumed.save()), copied(whole.save()));
      }
    },
  );

  test(`${method}: the number of threads changes nothing`, async () => {
    const [one, two] = [await trainerOf(set, 1), await trainerOf(set, 2)];
    assert.deepEqual(losses(one, 8), losses(two, 8));
    assert.deepEqual(copied(one.save()), copied(two.save()));
  });
}

/** Kernels whose device goes at a call for gradients. */
function lostAt(lost: number): Kernels {
  const kernels = chooseKernels({ threads: 2 });
  let call = 0;
  return new Proxy(kernels, {
    get(target, name) {
      if (name === 'memberGradients' && ++call === lost) throw new TtsError('ERR_GPU_LOST', 'the GPU is gone');
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Kernels that do something else while they would wait for their device. */
function besideDevice(threads: number, called: () => void): Kernels {
  const kernels = chooseKernels({ threads: 2 });
  const own: Partial<Kernels> = {
    threads,
    memberGradients: (members, batch, ...rest) => {
      called();
      batch.meanwhile?.();
      return kernels.memberGradients(members, batch, ...rest);
    },
  };
  return new Proxy(kernels, {
    get(target, name) {
      if (name in own) return own[name as keyof Kernels];
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('segments that several threads draw beside a device are those of the step', async () => {
  const set = ['sparsity.method=es', searches.es, 'training.lanes=64'];
  const plain = await trainerOf(set);
  const expected = losses(plain, 12);
  const { tf } = await loadTensorFlow(chooseKernels({ threads: 2 }));
  for (const threads of [1, 4]) {
    let calls = 0;
    const trainer = new VocoderTrainer(
      recipeOf(...set),
      store,
      besideDevice(threads, () => calls++),
      tf,
    );
    assert.deepEqual(losses(trainer, 12), expected, `${threads} threads`);
    assert.ok(calls >= 12);
    assert.deepEqual(copied(trainer.save()), copied(plain.save()));
  }
});

// Steps 5 and 10 begin with other masks. In `rigl` calls 6 and 12 are for the dense gradients that choose them, and the
// call after each is the step's own.
for (const [method, calls] of [
  ['rigl', [6, 7, 12, 13, 14]],
  ['es-guided', [6, 7, 12, 13]],
] as const)
  test(`${method}: saved after a step that its device left in the middle, a run goes on as if it had not`, async () => {
    const set = [`sparsity.method=${method}`, searches[method]];
    const whole = await trainerOf(set);
    losses(whole, 12);
    const { tf } = await loadTensorFlow(chooseKernels({ threads: 2 }));
    for (const call of calls) {
      const broken = new VocoderTrainer(recipeOf(...set), store, lostAt(call), tf);
      assert.throws(() => losses(broken, 12), { code: 'ERR_GPU_LOST' });
      const resumed = await trainerOf(set);
      resumed.restore(copied(broken.save()), broken.step);
      losses(resumed, 12 - broken.step);
      assert.deepEqual(copied(resumed.save()), copied(whole.save()), `lost at call ${call}`);
    }
  });

test('the shuffled control begins as the search does, and parts from it once fitness counts', async () => {
  const [search, control] = [
    await trainerOf(['sparsity.method=es', searches.es]),
    await trainerOf(['sparsity.method=es', 'sparsity.es={ population: 4, hold: 5, sigma: 0.5, shuffle: true }']),
  ];
  assert.deepEqual(losses(search, 5), losses(control, 5));
  assert.notDeepEqual(losses(search, 10), losses(control, 10));
});

test('masks are judged on the same segments, which are not those of the step, and blocks that are not there count for nothing', async () => {
  const trainer = await trainerOf(['sparsity.method=fixed']);
  losses(trainer, 3);
  const view = trainer.view();
  const kept = trainer.deployed().sparse.map(maskOf);
  const all = kept.map((mask) => mask.slice().fill(1));
  const none = kept.map((mask) => mask.slice().fill(0));
  const judged = view.losses([kept, kept, all, none]);
  assert.equal(judged.length, 16);
  for (const [one, again, more, nothing] of judged) {
    assert.ok(Number.isFinite(one));
    assert.equal(again, one);
    // A block that was never trained is zero.
    assert.ok(Math.abs(more - one) < 1e-4, `${more}, ${one}`);
    assert.notEqual(nothing, one);
  }
  assert.deepEqual(view.losses([kept]), trainer.view().losses([kept]));
  losses(trainer, 1);
  assert.notDeepEqual(
    trainer.view().losses([kept]),
    judged.map(([one]) => Float64Array.of(one)),
  );
});

test('members that do not divide the lanes are refused', async () => {
  await assert.rejects(trainerOf(['sparsity.method=es', 'sparsity.es={ population: 6, hold: 5 }']), {
    code: 'ERR_RECIPE',
    message: /training\.lanes is 16, expected a multiple of the 6 members/,
  });
});
