import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near } from '../../test/support/speech.js';
import { meanInterval, type MeasuredClip, pairedDifference, rankClips } from './comparison.js';
import type { ClipMeasures } from './measures.js';

test('intervals and paired differences are those of scipy', () => {
  for (const { a, b, mean, difference } of golden.statistics) {
    const [found, paired] = [meanInterval(a), pairedDifference(a, b)];
    for (const name of ['count', 'mean', 'low', 'high'] as const) {
      near(found[name], mean[name], 1e-9);
      near(paired[name], difference[name], 1e-9);
    }
    near(paired.p, difference.p, 1e-9);
  }
});

test('a figure of too few values is null, and nulls do not count', () => {
  assert.deepEqual(meanInterval([]), { count: 0, mean: null, low: null, high: null });
  assert.deepEqual(meanInterval([null, 3, null]), { count: 1, mean: 3, low: null, high: null });
  assert.equal(meanInterval([1, null, 3]).mean, 2);
  assert.deepEqual(pairedDifference([1, null, 3], [null, 1, 1]), { count: 1, mean: 2, low: null, high: null, p: null });
});

test('equal systems have no difference, and no p', () => {
  assert.deepEqual(pairedDifference([1, 2, 3], [1, 2, 3]), { count: 3, mean: 0, low: 0, high: 0, p: null });
});

test('clips are ranked by all measures of what is heard; equal ones share a rank, a missing value is last', () => {
  const clip = (id: string, values: Partial<ClipMeasures>): MeasuredClip => ({
    id,
    measures: {
      nll: 0,
      melCepstralDistortion: 0,
      logSpectralDistance: 0,
      f0Rmse: 0,
      voicingError: 0,
      harmonicity: 1,
      stoi: 1,
      estoi: 1,
      bursts: 0,
      realTimeFactor: 0,
      ...values,
    },
  });
  const good = clip('good', { nll: 9, realTimeFactor: 9 });
  const fair = clip('fair', { stoi: 0.9 });
  const poor = clip('poor', { stoi: 0.9, estoi: 0.8, bursts: 3 });
  const voiceless = clip('voiceless', { stoi: 0.5, estoi: 0.5, bursts: 9, f0Rmse: null });
  assert.deepEqual(rankClips([{ clips: [voiceless, poor, good, fair] }]), ['good', 'fair', 'poor', 'voiceless']);
  assert.deepEqual(rankClips([{ clips: [poor, good] }, { clips: [clip('poor', {}), clip('good', { stoi: 0.99 })] }]), [
    'good',
    'poor',
  ]);
  assert.deepEqual(rankClips([{ clips: [clip('a', {}), clip('b', {})] }]), ['a', 'b']);
});
