import assert from 'node:assert/strict';
import test from 'node:test';
import { Limiter } from './limiter.js';

const sampleRate = 22050;

/** A tone that is beyond full scale for a while. */
const tone = Float64Array.from(
  { length: 6000 },
  (_, i) => (i >= 2000 && i < 4000 ? 1.6 : 0.5) * Math.sin((2 * Math.PI * 150 * i) / sampleRate),
);

function limited(samples: Float64Array, pieces: number[]): Float64Array {
  const limiter = new Limiter(sampleRate);
  const out: number[] = [];
  for (let i = 0, at = 0; at < samples.length; i++) {
    const end = Math.min(samples.length, at + pieces[i % pieces.length]);
    out.push(...limiter.push(samples.slice(at, end), end === samples.length));
    at = end;
  }
  return Float64Array.from(out);
}

test('what stays within full scale is not changed', () => {
  const quiet = tone.map((sample) => sample / 1.7);
  assert.deepEqual(limited(quiet, [256]), quiet);
});

test('nothing is beyond full scale, and what is far from it is as it was', () => {
  const out = limited(tone, [256]);
  assert.equal(out.length, tone.length);
  assert.ok(out.every((sample) => Math.abs(sample) <= 32767 / 32768));
  const far = (i: number) => i < 1800 || i > 4200;
  assert.ok(out.every((sample, i) => !far(i) || sample === tone[i]));
  // Softer, and not cut off: the loudest samples are not all alike.
  const peaks = out.filter((sample, i) => Math.abs(tone[i]) > 1 && Math.abs(sample) < 0.9);
  assert.ok(peaks.length > 100, `${peaks.length}`);
});

test('the gain changes by less than two hundredths from sample to sample', () => {
  const level = new Float64Array(4000).fill(0.9);
  level[2000] = 3;
  const gains = limited(level, [256]).map((sample, i) => sample / level[i]);
  assert.ok(Math.abs(gains[2000] * 3) <= 1);
  assert.ok(gains.every((gain, i) => i === 0 || Math.abs(gain - gains[i - 1]) < 0.02));
});

test('the samples do not depend on the pieces', () => {
  const whole = limited(tone, [tone.length]);
  for (const pieces of [[1], [37, 500, 3], [256]]) assert.deepEqual(limited(tone, pieces), whole);
});
