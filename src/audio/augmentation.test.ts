import assert from 'node:assert/strict';
import test from 'node:test';
import { augment } from './augmentation.js';

const rate = 22050;
const tone = (frequency: number, amplitude = 0.1) =>
  Float32Array.from({ length: rate }, (_, n) => amplitude * Math.sin((2 * Math.PI * frequency * n) / rate));
const level = (samples: Float32Array) =>
  20 * Math.log10(Math.sqrt(samples.subarray(4000, 16000).reduce((sum, s) => sum + s * s, 0) / 12000));
/** Frequency by zero crossings of the middle. */
const pitch = (samples: Float32Array) => {
  const middle = samples.subarray(2000, 18000);
  let crossings = 0;
  for (let n = 1; n < middle.length; n++) crossings += middle[n - 1] < 0 && middle[n] >= 0 ? 1 : 0;
  return (crossings * rate) / middle.length;
};
const only = { speed: 0, gain: 0, tilt: 0 };

test('without ranges a copy is the recording', () => {
  assert.deepEqual(augment(tone(440), rate, only, 1, 0), tone(440));
});

test('speed changes length and pitch together, in steps of 2% up to the bound', () => {
  const factors = new Set<number>();
  for (let copy = 0; copy < 80; copy++) {
    const other = augment(tone(1000), rate, { ...only, speed: 0.1 }, 7, copy);
    const factor = rate / other.length;
    assert.ok(Math.abs(pitch(other) / (1000 * factor) - 1) < 0.003, `${pitch(other)} Hz at ${factor}`);
    factors.add(Math.round(factor * 50) - 50);
  }
  assert.deepEqual(
    [...factors].sort((a, b) => a - b),
    [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5],
  );
});

test('gain lies within its bound on both sides, and never clips', () => {
  const changes = Array.from({ length: 30 }, (_, copy) => {
    const other = augment(tone(500), rate, { ...only, gain: 6 }, 3, copy);
    return level(other) - level(tone(500));
  });
  assert.ok(Math.min(...changes) > -6 && Math.min(...changes) < -4, String(Math.min(...changes)));
  assert.ok(Math.max(...changes) < 6 && Math.max(...changes) > 4, String(Math.max(...changes)));
  for (let copy = 0; copy < 30; copy++) {
    const peak = Math.max(...augment(tone(500, 0.9), rate, { ...only, gain: 20 }, 3, copy).map(Math.abs));
    assert.ok(peak < 1, String(peak));
  }
});

test('tilt leaves low frequencies alone and moves those near half of the sample rate by up to its bound', () => {
  const changes = Array.from({ length: 30 }, (_, copy) => {
    const change = (frequency: number) =>
      level(augment(tone(frequency), rate, { ...only, tilt: 6 }, 5, copy)) - level(tone(frequency));
    assert.ok(Math.abs(change(100)) < 0.02);
    return change(10_800);
  });
  assert.ok(Math.min(...changes) > -6 && Math.min(...changes) < -3.5, String(Math.min(...changes)));
  assert.ok(Math.max(...changes) < 6 && Math.max(...changes) > 3.5, String(Math.max(...changes)));
});

test('a copy depends on seed and number alone', () => {
  const settings = { speed: 0.1, gain: 6, tilt: 3 };
  const copy = (seed: number, number: number) => augment(tone(300), rate, settings, seed, number);
  assert.deepEqual(copy(1, 2), copy(1, 2));
  assert.notDeepEqual(copy(1, 2), copy(1, 3));
  assert.notDeepEqual(copy(1, 2), copy(2, 2));
});
