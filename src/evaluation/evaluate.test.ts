import assert from 'node:assert/strict';
import test from 'node:test';
import { near, speechOf, speechRate, withNoise } from '../../test/support/speech.js';
import { TtsError } from '../base/errors.js';
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
    return {
      original,
      output: say(original),
      sampleRate: speechRate,
      notes: [`${name} is made up`],
      ...(name === 'noisy' && { resampledFrom: 24_000 }),
      nll,
      realTimeFactor: null,
    };
  },
  recordings: ({ path }) => [path],
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
  assert.deepEqual(evaluation.notes, [
    'copy is made up',
    'noisy is made up',
    `noisy: 2 recordings were resampled from 24000 to ${speechRate} Hz`,
  ]);
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

test('a clip that cannot be measured is left out of all systems and named; the others keep their figures', async () => {
  const three = [clips[0], { id: 'short', path: 'short.wav' }, clips[1]];
  const failing = (name: string): System => ({
    ...copy,
    name,
    async speak(clip) {
      if (clip.id === 'short')
        throw new TtsError('ERR_AUDIO_EMPTY', 'short.wav has 100 samples, expected at least 256');
      return copy.speak(clip);
    },
  });
  const named: string[] = [];
  const counts: number[] = [];
  const evaluation = await evaluateSystems({
    systems: [{ ...noisy, speak: async (clip) => noisy.speak(clip.id === 'short' ? clips[0] : clip) }, failing('copy')],
    clips: three,
    reference: 'made-up',
    onClip: (_, __, done) => counts.push(done),
    onLeftOut: ({ id, message }, done, all) => named.push(`${id}: ${message} ${done}/${all}`),
  });
  assert.deepEqual(named, ['short: short.wav has 100 samples, expected at least 256 4/6']);
  assert.deepEqual(counts, [1, 2, 3, 5, 6]);
  for (const { clips: measured } of evaluation.systems)
    assert.deepEqual(
      measured.map(({ id }) => id),
      ids,
    );
  assert.deepEqual(evaluation.systems[1].summary.melCepstralDistortion, { count: 2, mean: 0, low: 0, high: 0 });
  assert.deepEqual(
    evaluation.leftOut.map(({ id, code }) => [id, code]),
    [['short', 'ERR_AUDIO_EMPTY']],
  );
  assert.match(evaluation.notes[0], /^1 of 3 clips could not be measured: short\.wav has 100 samples/);
  await assert.rejects(evaluateSystems({ systems: [failing('copy')], clips: [three[1]], reference: 'made-up' }), {
    code: 'ERR_AUDIO_EMPTY',
  });
});

test('a fault that is none of the clip stops everything', async () => {
  const broken = { ...copy, speak: () => Promise.reject(new TtsError('ERR_BACKEND', 'gone')) };
  await assert.rejects(evaluateSystems({ systems: [broken], clips, reference: 'made-up' }), { code: 'ERR_BACKEND' });
});
