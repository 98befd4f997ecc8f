import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { highPass } from './high_pass.js';

/** Power response at a frequency, from the response to an impulse in the middle of silence of mean zero. */
function powerAt(response: Float32Array, sampleRate: number, frequency: number): number {
  let [re, im] = [0, 0];
  response.forEach((value, n) => {
    re += value * Math.cos((2 * Math.PI * frequency * n) / sampleRate);
    im += value * Math.sin((2 * Math.PI * frequency * n) / sampleRate);
  });
  return re * re + im * im;
}

/** A Butterworth high-pass of fourth order through the bilinear transform, in closed form. */
const textbook = (frequency: number, cutoff: number, sampleRate: number): number => {
  const warped = (f: number) => Math.tan((Math.PI * f) / sampleRate);
  return 1 / (1 + (warped(cutoff) / warped(frequency)) ** 8);
};

for (const [sampleRate, cutoff] of [
  [16000, 60],
  [22050, 60],
  [22050, 120],
  [48000, 40],
]) {
  test(`the response at ${sampleRate} Hz, cut off at ${cutoff} Hz, is Butterworth's of fourth order`, () => {
    // The second impulse undoes the mean; it comes when the response to the first has died away, and is left out.
    const half = sampleRate;
    const impulses = new Float32Array(2 * half);
    impulses[0] = 1;
    impulses[half] = -1;
    const response = highPass(impulses, sampleRate, cutoff).subarray(0, half);
    for (const frequency of [0.25, 0.5, 0.8, 1, 1.25, 2, 5, 50].map((ratio) => ratio * cutoff)) {
      const [found, expected] = [powerAt(response, sampleRate, frequency), textbook(frequency, cutoff, sampleRate)];
      const decibels = 10 * Math.log10(found / expected);
      assert.ok(Math.abs(decibels) < 0.02, `${frequency} Hz: ${decibels} dB off`);
    }
  });
}

test('an offset goes without a thump at the beginning, and the length stays', () => {
  const filtered = highPass(new Float32Array(5000).fill(0.25), 22050, 60);
  assert.equal(filtered.length, 5000);
  assert.ok(filtered.every((sample) => Math.abs(sample) < 1e-7));
  assert.equal(highPass(new Float32Array(0), 22050, 60).length, 0);
});

test('a cut-off that cannot be is refused', () => {
  for (const cutoff of [0, -1, 11025, NaN])
    assert.throws(
      () => highPass(new Float32Array(10), 22050, cutoff),
      (error) => error instanceof TtsError && error.code === 'ERR_ARGUMENT' && error.message.includes(String(cutoff)),
    );
});
