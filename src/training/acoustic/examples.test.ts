import assert from 'node:assert/strict';
import test from 'node:test';
import { melPresets } from '../../audio/presets.js';
import { untreated } from '../../audio/treatment.js';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import { acousticData, type AlignedClip, framesOfTokens } from './examples.js';

const settings = melPresets.hifigan;
const second = settings.sampleRate / settings.hop;

/** Tokens that end at these seconds. */
const clip = (id: string, ids: number[], ends: number[]): AlignedClip => ({
  id,
  tokens: ids.map((token, i) => ({ id: token, start: ends[i - 1] ?? 0, end: ends[i] })),
});

/** A clip whose mels are `level` in all bins. */
const stored = (id: string, frames: number, level: (frame: number) => number): StoredClip => ({
  id,
  frames,
  samples: frames * settings.hop,
  pcm: (_, length) => new Int16Array(length),
  features: (first, count) =>
    Float32Array.from({ length: count * settings.bins }, (_, i) => level(first + Math.floor(i / settings.bins))),
});

const store = (train: StoredClip[], validation: StoredClip[]): FeatureStore => ({
  settings,
  treatment: untreated,
  gains: [],
  bins: settings.bins,
  hop: settings.hop,
  train,
  validation,
  statistics: { mean: new Float32Array(80).fill(-4), std: new Float32Array(80).fill(2), min: -10, max: 2 },
  hash: 'hash',
  notes: [],
});

test('frames of tokens add up to those of the clip, and no rounding adds up', () => {
  const ids = Array.from({ length: 101 }, () => 20);
  const ends = ids.map((_, i) => (i + 1) * 0.0253);
  const total = Math.floor(ends[100] * second) + 1;
  const frames = framesOfTokens(clip('a', ids, ends), settings, total);
  assert.equal(
    frames.reduce((a, b) => a + b),
    total,
  );
  let at = 0;
  frames.forEach((count, i) => {
    at += count;
    if (i < 100) assert.ok(Math.abs(at - ends[i] * second) <= 0.5 + 1e-9, `token ${i}`);
  });
  // A clip that is shorter than its alignment says.
  assert.deepEqual([...framesOfTokens(clip('b', [20, 21, 22], [0.5, 0.9, 1]), settings, 50)], [43, 7, 0]);
});

test('pitch, energy and voicing are those of the token, and pitch goes on where there is no voice', async () => {
  const frames = 40;
  const one = stored('one', frames, (frame) => (frame < 20 ? -4 : 0));
  // Ten frames of 100 Hz, ten without a voice, twenty of 400 Hz.
  const pitch = Float32Array.from({ length: frames }, (_, f) => (f < 10 ? 100 : f < 20 ? 0 : 400));
  const ends = [10, 20, 30, 40].map((frame) => frame / second);
  const data = await acousticData(store([one], []), [clip('one', [20, 60, 21, 22], ends)], [], () => pitch);
  const [{ contour, prosody, voiced, pitchWeight }] = data.train;
  const { logF0, energy } = data.statistics;
  assert.ok(Math.abs(contour[15] - (Math.log(100) + (6 / 11) * Math.log(4))) < 1e-5);
  assert.deepEqual([contour[0], contour[39]], [Math.log(100), Math.log(400)].map(Math.fround));
  const back = (t: number, i: number, { mean, std }: { mean: number; std: number }) => prosody[3 * t + i] * std + mean;
  assert.ok(Math.abs(back(0, 0, logF0) - Math.log(100)) < 1e-5);
  assert.ok(Math.abs(back(3, 0, logF0) - Math.log(400)) < 1e-5);
  assert.ok(Math.abs(back(0, 1, energy)) < 1e-5 && Math.abs(back(2, 1, energy) - 2) < 1e-5);
  assert.deepEqual([prosody[2], prosody[5], prosody[8]], [1, -1, 1]);
  assert.equal(
    voiced.reduce((a, b) => a + b),
    30,
  );
  assert.ok(pitchWeight[0] > 1 && pitchWeight[1] < 0.1);
});

test('a sentence that is held out does not come back from another reader', async () => {
  const ends = [0.2, 0.4, 0.6];
  const held = clip('held', [0, 20, 5], ends);
  const others = [
    clip('a', [0, 21, 5], ends),
    // The same words with another pause.
    clip('b', [0, 20, 4], ends),
    // The same recording.
    clip('held', [0, 22, 5], ends),
  ];
  const length = Math.round(0.6 * second);
  const clips = store([stored('own', length, () => 0)], [stored('held', length, () => 0)]);
  const pitch = () => new Float32Array(length).fill(200);
  const data = await acousticData(clips, [clip('own', [0, 30, 5], ends), held], others, pitch);
  assert.deepEqual(
    data.others.map(({ id }) => id),
    ['a'],
  );
  assert.deepEqual(
    data.validation.map(({ id }) => id),
    ['held'],
  );
  await assert.rejects(acousticData(clips, [held], others, pitch), {
    code: 'ERR_CORPUS',
    message: /none of the 1 clips/,
  });
  const lacking = store([stored('own', length, () => 0), stored('more', length, () => 0)], []);
  assert.deepEqual((await acousticData(lacking, [clip('own', [0, 30, 5], ends)], [], pitch)).notes, [
    '1 clips have no alignment and are left out',
  ]);
});
