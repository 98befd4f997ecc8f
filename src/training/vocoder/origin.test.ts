import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCorpus } from '../../data/corpora/corpus.js';
import { type FeatureStore, openFeatureStore } from '../../data/store/feature_store.js';
import { negativeLogLikelihood } from '../../evaluation/nll.js';
import { chooseKernels, inFloat32 } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { loadVoice, saveVoice } from '../../model/voice/file.js';
import { voiceInPrecision, voiceNetwork } from '../../model/voice/network.js';
import type { Voice } from '../../model/voice/voice.js';
import { GateConditioner } from '../../model/wavernn/conditioner.js';
import { sparseNames } from '../../model/wavernn/config.js';
import { loadRecipe } from '../recipe/recipe.js';
import { readCurve } from '../run_folder/curve.js';
import { heldOutNll } from './held_out.js';
import { trainVoice, vocoderCurve } from './task.js';
import { VocoderTrainer } from './trainer.js';
import { fitUpperBands } from './upper_bands.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tts-origin-'));
after(() => rmSync(folder, { recursive: true }));

const training = ['training.lanes=16', 'training.segment=96', 'training.steps=12', 'training.learningRate=1e-3'];
const network = [
  'sizes.small={ hidden: 32, projection: 16, density: { recurrent: 0.3, output: 0.3 } }',
  'model.conditioning.channels=16',
  'model.encoding=mulaw10',
];
/** Moves blocks between the gates, so that the counts in the masks are no longer those of the densities. */
const guided = 'sparsity.es-guided={ population: 4, every: 5, groups: gate, budgetSigma: 1 }';
const methods = {
  fixed: [],
  set: ['sparsity.set={ every: 5 }'],
  rigl: ['sparsity.rigl={ every: 5 }'],
  es: ['sparsity.es={ population: 4, hold: 5, budget: network }'],
  'es-guided': [guided],
};
const recipeAt = join(root, 'recipes', 'ljspeech');
const kernels = chooseKernels({ threads: 2 });

/** Some clips of the excerpt are held out; which ones decides the statistics of the others. */
const storeOf = async (clips: string[], settings = loadRecipe(recipeAt).features): Promise<FeatureStore> =>
  openFeatureStore({
    corpus: await openCorpus(join(root, 'data', 'ljspeech-mini')),
    settings,
    cacheDir: join(folder, 'cache'),
    threads: 2,
    validation: { clips },
  });

/** A voice from a short run, and another part of the corpus to go on with. */
const path = join(folder, 'base.safetensors');
let voice: Voice;
let store: FeatureStore;
before(async () => {
  const recipe = loadRecipe(recipeAt, {
    set: [...network, ...training, 'training.learningRate=1e-2', 'sparsity.method=es-guided', guided],
  });
  const { voice: trained } = await trainVoice({
    recipe,
    store: await storeOf(['LJ001-0002', 'LJ001-0008']),
    kernels,
    out: join(folder, 'base'),
  });
  voice = await loadVoice(trained);
  await saveVoice(path, voice);
  store = await storeOf(['LJ001-0002']);
});

const recipeFrom = (...set: string[]) => loadRecipe(recipeAt, { from: path, set: [...training, ...set] });
const trainerOf = async (recipe = recipeFrom('sparsity.method=fixed')) =>
  new VocoderTrainer(recipe, store, kernels, (await loadTensorFlow(kernels)).tf);

/** The NLL of a voice as it stands in its file. */
async function nllOf(spoken: Voice): Promise<number> {
  const { tf } = await loadTensorFlow(kernels);
  const conditioner = new GateConditioner(tf, spoken.config, spoken.conditioning, spoken.statistics);
  const { config, features: settings } = spoken;
  return negativeLogLikelihood(
    { kernels, network: inFloat32(voiceNetwork(spoken)), config, conditioner, settings },
    store.validation,
  );
}

test('a run begins with the settings, the weights, the masks, the statistics and the NLL of the voice', async () => {
  const trainer = await trainerOf();
  const { tf } = await loadTensorFlow(kernels);
  const { sparse, dense, conditioning, statistics, upper, config, features } = trainer.voice(voice.provenance);
  for (const name of sparseNames) assert.deepEqual(sparse[name], voice.sparse[name], name);
  assert.deepEqual(
    { dense, conditioning, config, features },
    {
      dense: voice.dense,
      conditioning: voice.conditioning,
      config: voice.config,
      features: voice.features,
    },
  );
  assert.deepEqual([statistics.mean, statistics.std], [voice.statistics.mean, voice.statistics.std]);
  assert.notDeepEqual(statistics.mean, store.statistics.mean);
  // What lies above the features is the new speaker's.
  assert.deepEqual(upper, fitUpperBands(store));
  assert.notDeepEqual(upper, voice.upper);
  assert.ok(statistics.min <= store.statistics.min && statistics.max >= store.statistics.max);
  const nll = await nllOf(voice);
  assert.ok(Math.abs(heldOutNll(tf, kernels, trainer, store) - nll) < 1e-9);
  const fresh = new VocoderTrainer({ ...recipeFrom('sparsity.method=fixed'), from: undefined }, store, kernels, tf);
  assert.ok(heldOutNll(tf, kernels, fresh, store) > nll + 0.1);
  for (const [name, { first, second }] of trainer.parameters.named())
    assert.ok(
      [...first, ...second].every((moment) => moment === 0),
      name,
    );
  assert.equal(trainer.step, 0);
});

for (const [method, settings] of Object.entries(methods)) {
  test(`${method} begins from the masks of the voice, and keeps as many blocks`, async () => {
    const trainer = await trainerOf(recipeFrom(`sparsity.method=${method}`, ...settings));
    const columns = () => trainer.deployed().sparse.map(({ column, rowStart }) => ({ column, rowStart }));
    const count = () => trainer.deployed().sparse.reduce((sum, { column }) => sum + column.length, 0);
    const begun = sparseNames.map((name) => ({
      column: voice.sparse[name].column,
      rowStart: voice.sparse[name].rowStart,
    }));
    assert.deepEqual(columns(), begun);
    for (const member of trainer.parameters.members())
      for (const [i, name] of sparseNames.entries()) assert.deepEqual(member.sparse[i], voice.sparse[name]);
    const kept = count();
    trainer.advance();
    assert.deepEqual(columns(), begun);
    while (trainer.step < 12) trainer.advance();
    assert.equal(count(), kept);
    if (method === 'fixed') assert.deepEqual(columns(), begun);
    else assert.notDeepEqual(columns(), begun);
  });
}

test('pruning, which begins with all blocks, is refused', async () => {
  await assert.rejects(trainerOf(recipeFrom('sparsity.method=pruning')), {
    code: 'ERR_RECIPE',
    message: /sparsity\.method is pruning.*expected fixed, set, rigl, es or es-guided/,
  });
});

test('an int8 voice is gone on with from its rounded weights', async () => {
  const small = join(folder, 'small.safetensors');
  const rounded = voiceInPrecision(voice, 'int8');
  await saveVoice(small, rounded);
  const trainer = await trainerOf(loadRecipe(recipeAt, { from: small, set: [...training, 'sparsity.method=fixed'] }));
  const { tf } = await loadTensorFlow(kernels);
  assert.ok(Math.abs(heldOutNll(tf, kernels, trainer, store) - (await nllOf(rounded))) < 1e-9);
});

test('all settings that contradict the voice are refused together, with what was expected', () => {
  const refused = (options: Parameters<typeof loadRecipe>[1], ...expected: string[]) =>
    assert.throws(
      () => loadRecipe(recipeAt, { from: path, ...options }),
      ({ code, message }: Error & { code: string }) => {
        assert.equal(code, 'ERR_VOICE_MISMATCH');
        assert.ok(message.includes('the voice base that it is to begin from'), message);
        for (const part of expected) assert.ok(message.includes(part), `${message}\ndoes not say\n${part}`);
        assert.equal(message.split('expected').length - 1, expected.length, message);
        return true;
      },
    );
  refused(
    {
      set: [
        'model.encoding=lpc10',
        'model.block=[16, 4]',
        'model.conditioning.kernel=7',
        'sizes.small.projection=32',
        'sizes.small.density.output=0.2',
      ],
    },
    'encoding is "lpc10", expected "mulaw10"',
    'block.columns is 4, expected 1',
    'conditioning.kernel is 7, expected 5',
    'projection is 32, expected 16',
    'density.output is 0.2, expected 0.3',
  );
  refused(
    { set: ['features=espnet', 'model.encoding=lpc10'] },
    'encoding is "lpc10", expected "mulaw10"',
    'features.padding is "center-reflect", expected "hop-reflect"',
    'features.fMin is 80, expected 0',
    'features.fMax is 7600, expected 8000',
    'features.powerOffset is 0, expected 1e-9',
    'features.log is "10", expected "e"',
    'features.floor is 1e-10, expected 0.00001',
  );
  const ofMedium = ['hidden is 1024', 'projection is 512', 'density.recurrent is 0.05', 'density.output is 0.05'];
  refused({ size: 'medium' }, ...ofMedium);
  refused({ set: ['size=medium'] }, ...ofMedium);
  refused({ size: 'small' }, 'hidden is 384', 'projection is 192', 'density.recurrent is 0.1', 'density.output is 0.1');
  assert.doesNotThrow(() => loadRecipe(recipeAt, { from: path, set: network }));
});

test('a store of other features is refused', async () => {
  const other = await storeOf(['LJ001-0002'], { ...voice.features, bins: 40 });
  const { tf } = await loadTensorFlow(kernels);
  assert.throws(() => new VocoderTrainer(recipeFrom('sparsity.method=fixed'), other, kernels, tf), {
    code: 'ERR_VOICE_MISMATCH',
    message: /features\.bins is 40, expected 80/,
  });
});

test('the curve begins with the voice, and the new voice says where it comes from', async () => {
  const out = join(folder, 'run');
  const { voice: trained } = await trainVoice({ recipe: recipeFrom('sparsity.method=fixed'), store, kernels, out });
  const [first] = readCurve(join(out, 'curve.csv'), vocoderCurve);
  assert.deepEqual([first.step, first.loss], [0, null]);
  assert.ok(Math.abs((first.figures['validation/nll'] ?? NaN) - (await nllOf(voice))) < 1e-4);
  const { provenance } = await loadVoice(trained);
  assert.equal(provenance.steps, 12);
  assert.equal(provenance.from?.voice, 'base');
  assert.match(provenance.from.sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(provenance.from.provenance, voice.provenance);
  // What was trained from a voice is one to begin from, too, and the chain is kept.
  const second = join(folder, 'second');
  const recipe = loadRecipe(recipeAt, { from: trained, set: [...training, 'sparsity.method=fixed'] });
  const again = await loadVoice((await trainVoice({ recipe, store, kernels, out: second })).voice);
  assert.deepEqual(again.provenance.from?.provenance, provenance);
  assert.deepEqual([again.statistics.mean, again.statistics.std], [voice.statistics.mean, voice.statistics.std]);
});

test('a folder keeps the voice that its run began from, and refuses another one or none', async () => {
  const out = join(folder, 'kept');
  const recipe = recipeFrom('sparsity.method=fixed', 'training.steps=2');
  await trainVoice({ recipe, store, kernels, out });
  const kept = join(out, 'from.safetensors');
  assert.deepEqual(readFileSync(kept), readFileSync(path));
  const go = (from: string | undefined, where = out) =>
    trainVoice({ recipe: { ...recipe, from }, store, kernels, out: where });
  // The file may move.
  assert.equal((await go(kept)).step, 2);
  const other = join(folder, 'other.safetensors');
  await saveVoice(other, { ...voice, provenance: { ...voice.provenance, steps: 7 } });
  await assert.rejects(go(other), { code: 'ERR_CHECKPOINT', message: /now from another one, other; .*--from/ });
  await assert.rejects(go(undefined), { code: 'ERR_CHECKPOINT', message: /now from none/ });
  // Nor does a run that began afresh go on from a voice, or get a copy that would block it.
  const fresh = join(folder, 'fresh');
  await go(undefined, fresh);
  await assert.rejects(go(path, fresh), {
    code: 'ERR_CHECKPOINT',
    message: /a run with from unset, now "[0-9a-f]{59}…;/,
  });
  assert.ok(!existsSync(join(fresh, 'from.safetensors')));
  assert.equal((await go(undefined, fresh)).step, 2);
});
