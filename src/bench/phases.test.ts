import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseKernels } from '../kernels/index.js';
import { denseProbe, phaseFigures, phasesOf } from './phases.js';

test('a call is quiet where the probes before and after it were fast', () => {
  const seconds = [1, 2, 4, 8, 1.5];
  const rates = [6, 5.9, 3.3, 3.4, 6, 6];
  const phases = phasesOf(seconds, rates);
  assert.deepEqual(phases, { quietShare: 2 / 5, quiet: 1.5, busy: 4 });
  assert.deepEqual(phaseFigures(phases, 12), { quietShare: 2 / 5, quietSamplesPerSecond: 8, busySamplesPerSecond: 3 });
});

test('a phase that did not come has no median', () => {
  assert.deepEqual(phasesOf([3, 1, 2], [5, 5, 4.9, 5.1]), { quietShare: 1, quiet: 2 });
  assert.deepEqual(phaseFigures({ quietShare: 1, quiet: 2 }, 4), { quietShare: 1, quietSamplesPerSecond: 2 });
});

test('the probe takes the product and returns a speed', () => {
  const rate = denseProbe(chooseKernels({ name: 'wasm', threads: 1 }), 64)();
  assert.ok(rate > 0 && Number.isFinite(rate), String(rate));
});
