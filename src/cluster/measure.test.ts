import assert from 'node:assert/strict';
import test from 'node:test';
import { forecast } from './measure.js';

test('a forecast: training is shared out, what goes over the queue is not', () => {
  const phases = {
    parts: 8,
    steps: 15,
    stateBytes: 1,
    partBytes: 1,
    begin: 10,
    putState: 5,
    getState: 5,
    train: 100,
    putPart: 1,
    getPart: 1,
    merge: 4,
  };
  const [one, four, eight, more] = forecast(phases, [1, 4, 8, 16]);
  assert.equal(one.milliseconds, 10 + 5 + 5 + 800 + 16 + 4);
  assert.equal(four.milliseconds, 10 + 5 + 20 + 200 + 16 + 4);
  assert.equal(eight.milliseconds, 10 + 5 + 40 + 100 + 16 + 4);
  assert.equal(four.speedup, 840 / 255);
  assert.equal(eight.efficiency, 800 / (8 * 175));
  // There is nothing to do for more workers than parts.
  assert.equal(more.milliseconds, eight.milliseconds);
});
