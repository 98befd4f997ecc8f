import assert from 'node:assert/strict';
import test from 'node:test';
import { fromInt16, toInt16 } from './audio.js';

test('every 16-bit value survives the way to float and back', () => {
  const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
  assert.deepEqual(toInt16(fromInt16(all)), all);
});

test('samples outside [-1, 1) are clamped, not wrapped', () => {
  assert.deepEqual(
    [...toInt16(Float32Array.of(1, 1.5, -1, -3, 0.5, 0.49 / 32768))],
    [32767, 32767, -32768, -32768, 16384, 0],
  );
});
