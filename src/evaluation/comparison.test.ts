import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near } from '../../test/support/speech.js';
import { meanInterval, pairedDifference } from './comparison.js';

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

test('what is too little for a figure is null, and nulls count nowhere', () => {
  assert.deepEqual(meanInterval([]), { count: 0, mean: null, low: null, high: null });
  assert.deepEqual(meanInterval([null, 3, null]), { count: 1, mean: 3, low: null, high: null });
  assert.equal(meanInterval([1, null, 3]).mean, 2);
  assert.deepEqual(pairedDifference([1, null, 3], [null, 1, 1]), { count: 1, mean: 2, low: null, high: null, p: null });
});

test('equal systems differ by nothing', () => {
  assert.deepEqual(pairedDifference([1, 2, 3], [1, 2, 3]), { count: 3, mean: 0, low: 0, high: 0, p: null });
});
