import assert from 'node:assert/strict';
import test from 'node:test';
import { lowPass } from './low_pass.js';

/** Gain in dB of a sine in the middle of a filtered second. */
function gain(frequency: number, rate: number, cutoff: number): number {
  const sine = Float32Array.from({ length: rate }, (_, n) => Math.sin((2 * Math.PI * frequency * n) / rate));
  const energy = (signal: Float32Array) => signal.subarray(rate / 4, (3 * rate) / 4).reduce((sum, x) => sum + x * x, 0);
  return 10 * Math.log10(energy(lowPass(sine, rate, cutoff)) / energy(sine));
}

for (const rate of [16000, 22050, 48000]) {
  test(`the anchor of 3.5 kHz keeps to the mask of BS.1534-3 at ${rate} Hz`, () => {
    for (const frequency of [100, 1000, 2500, 3300, 3500])
      assert.ok(Math.abs(gain(frequency, rate, 3500)) <= 0.1, `${frequency} Hz: ${gain(frequency, rate, 3500)} dB`);
    assert.ok(gain(4000, rate, 3500) <= -25);
    for (const frequency of [4500, 6000, 7900])
      assert.ok(gain(frequency, rate, 3500) <= -50, `${frequency} Hz: ${gain(frequency, rate, 3500)} dB`);
  });
}

test('nothing is delayed or cut, and a filter that the rate cannot have is refused', () => {
  const click = new Float32Array(1001);
  click[500] = 1;
  const output = lowPass(click, 22050, 7000);
  assert.equal(output.length, 1001);
  assert.equal(output.indexOf(Math.max(...output)), 500);
  for (let k = 1; k < 300; k++) assert.ok(Math.abs(output[500 - k] - output[500 + k]) < 1e-7);
  assert.throws(() => lowPass(click, 16000, 7001), {
    code: 'ERR_ARGUMENT',
    message: /7001 Hz .*16000 Hz: expected at most 7000 Hz/,
  });
});
