import assert from 'node:assert/strict';
import test from 'node:test';
import { readAudio } from '../audio/read.js';
import { RandomStream } from '../base/random.js';
import { findBursts } from './bursts.js';

const { samples: speech, sampleRate } = await readAudio('data/ljspeech-mini/LJ011-0202.flac');

/** Uniform noise of an amplitude, over a stretch given in seconds, added to the speech. */
function withNoise(amplitude: number, start = 0, duration = speech.length / sampleRate): Float32Array {
  const random = new RandomStream(1, 0);
  const [first, end] = [start, start + duration].map((seconds) => Math.round(seconds * sampleRate));
  return speech.map((value, i) => (i >= first && i < end ? value + amplitude * (2 * random.uniform() - 1) : value));
}

test('a copy has no bursts, and neither has a louder or softer one', () => {
  for (const gain of [1, 0.5, 2])
    assert.deepEqual(
      findBursts(
        speech,
        speech.map((value) => gain * value),
        sampleRate,
      ),
      [],
    );
});

test('steady noise is not a burst', () => {
  for (const amplitude of [0.001, 0.01, 0.1])
    assert.deepEqual(findBursts(speech, withNoise(amplitude), sampleRate), []);
});

test('each click of one sample is found where it is', () => {
  const output = speech.slice();
  const places = [0.3, 0.9, 1.5, 2.1];
  for (const place of places) output[Math.round(place * sampleRate)] += 0.5;
  const found = findBursts(speech, output, sampleRate);
  assert.equal(found.length, places.length);
  found.forEach(({ start, duration, excess }, i) => {
    assert.ok(start - 0.005 < places[i] && places[i] < start + duration + 0.005, `${start} s for ${places[i]} s`);
    assert.ok(duration < 0.02 && excess > 12);
  });
});

test('a burst of noise is found once, with its length', () => {
  const [burst, ...others] = findBursts(speech, withNoise(0.2, 1, 0.1), sampleRate);
  assert.deepEqual(others, []);
  assert.ok(Math.abs(burst.start - 1) < 0.01 && Math.abs(burst.duration - 0.1) < 0.02, JSON.stringify(burst));
});

test('what is too soft to be heard is not a burst', () => {
  const output = speech.slice();
  output[Math.round(0.9 * sampleRate)] += 1e-4;
  assert.deepEqual(findBursts(speech, output, sampleRate), []);
});

test('clicks are found at other sample rates too', () => {
  for (const rate of [16000, 48000]) {
    const output = speech.slice();
    output[30_000] += 0.5;
    assert.equal(findBursts(speech, output, rate).length, 1);
  }
});
