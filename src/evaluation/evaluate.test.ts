import assert from 'node:assert/strict';
import test from 'node:test';
import { near, speechOf, speechRate, withNoise } from '../../test/support/speech.js';
import { meanInterval } from './comparison.js';
import { evaluateSystems } from './evaluate.js';
import { measures } from './measures.js';
import type { System } from './system.js';

const ids = ['LJ001-0002', 'LJ001-0008'];
const clips = ids.map((id) => ({ id, path: `${id}.flac` }));
const recordings = new Map(await Promise.all(ids.map(async (id) => [id, await speechOf(id)] as const)));

/** A system whose output is a function of the original. */
const system = (name: string, say: (original: Float32Array) => Float32Array, nll: number | null = null): System => ({
  name,
  path: `/${name}`,
  settings: {},
  async speak({ id }) {
    const original = recordings.get(id) as Float32Array;
    return { original, output: say(original), sampleRate: speechRate, nll, realTimeFactor: null };
  },
  notes: () => [`${name} is made up`],
  dispose: () => undefined,
});
const copy = system('copy', (original) => original, 5);
const noisy = system('noisy', (original) => withNoise(original, 10));
const silent = system('silent', (original) => new Float32Array(original.length));

test('systems are summarised over their clips and compared clip by clip', async () => {
  const done: string[] = [];
  const evaluation = await evaluateSystems({
    systems: [copy, noisy],
    clips,
    reference: 'made-up',
    onClip: (name, { id }, count, all) => done.push(`${name} ${id} ${count}/${all}`),
  });
  assert.deepEqual(done, [
    'copy LJ001-0002 1/4',
    'noisy LJ001-0002 2/4',
    'copy LJ001-0008 3/4',
    'noisy LJ001-0008 4/4',
  ]);
  assert.deepEqual(
    evaluation.systems.map(({ name }) => name),
    ['copy', 'noisy'],
  );
  assert.deepEqual(evaluation.notes, ['copy is made up', 'noisy is made up']);
  const [a, b] = evaluation.systems;
  assert.deepEqual(a.summary.melCepstralDistortion, { count: 2, mean: 0, low: 0, high: 0 });
  assert.deepEqual(
    b.summary.melCepstralDistortion,
    meanInterval(b.clips.map((clip) => clip.measures.melCepstralDistortion)),
  );
  assert.equal(a.pooledNll, 5);
  assert.equal(b.pooledNll, null);
  const [{ system, against, differences }] = evaluation.differences;
  assert.deepEqual([system, against, evaluation.differences.length], ['copy', 'noisy', 1]);
  near(differences.melCepstralDistortion.mean, -(b.summary.melCepstralDistortion.mean ?? NaN), 1e-12);
  assert.equal(differences.nll.count, 0);
  // Measures that no system has are left out.
  assert.deepEqual(
    evaluation.measures.map(({ name }) => name),
    measures.map(({ name }) => name).filter((name) => name !== 'realTimeFactor'),
  );
});

test('no figure is NaN, whatever the system says', async () => {
  const check = (value: unknown): void => {
    if (typeof value === 'number') assert.ok(Number.isFinite(value), `${value}`);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(check);
  };
  for (const warped of [false, true]) {
    const evaluation = await evaluateSystems({ systems: [silent, copy], clips, reference: 'made-up', warped });
    check(evaluation);
    assert.deepEqual(evaluation.systems[0].summary.f0Rmse, { count: 0, mean: null, low: null, high: null });
    assert.equal(evaluation.alignment, warped ? 'warped' : 'samples');
    assert.deepEqual(JSON.parse(JSON.stringify(evaluation)), evaluation);
  }
});

test('an evaluation without clips is refused, and a fault of a clip names the clip', async () => {
  await assert.rejects(evaluateSystems({ systems: [copy], clips: [], reference: 'made-up' }), { code: 'ERR_ARGUMENT' });
  const mute = system('mute', () => new Float32Array(0));
  await assert.rejects(evaluateSystems({ systems: [mute], clips, reference: 'made-up' }), {
    code: 'ERR_AUDIO_EMPTY',
    message: /^LJ001-0002\.flac: /,
  });
});
