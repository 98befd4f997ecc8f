import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { forEachFrame, framesOf, paddings, samplesOf, spectrogram, type StftSettings } from './stft.js';

const base: StftSettings = { fftSize: 1024, windowLength: 1024, hop: 256, padding: 'hop-reflect' };
const tone = (length: number, frequency: number) =>
  Float32Array.from({ length }, (_, i) => Math.cos((2 * Math.PI * frequency * i) / 1024));

test('hop-reflect has floor(samples / hop) frames, centring one more, none only those that fit', () => {
  for (const samples of [1, 255, 256, 1000, 1023, 1024, 1025, 22050, 22051]) {
    assert.equal(framesOf(samples, base), Math.floor(samples / 256));
    assert.equal(framesOf(samples, { ...base, padding: 'center-reflect' }), Math.floor(samples / 256) + 1);
    assert.equal(framesOf(samples, { ...base, padding: 'center-constant' }), Math.floor(samples / 256) + 1);
    assert.equal(framesOf(samples, { ...base, padding: 'none' }), Math.max(0, Math.floor((samples - 1024) / 256) + 1));
  }
  assert.equal(framesOf(0, { ...base, padding: 'center-reflect' }), 0);
});

test('samplesOf is the smallest number of samples with that many frames', () => {
  for (const padding of paddings) {
    for (const frames of [1, 2, 3, 100]) {
      const samples = samplesOf(frames, { ...base, padding });
      assert.equal(framesOf(samples, { ...base, padding }), frames, padding);
      assert.equal(framesOf(samples - 1, { ...base, padding }), frames - 1, padding);
    }
    assert.equal(samplesOf(0, { ...base, padding }), 0);
  }
  assert.equal(samplesOf(100, base), 25600);
});

test('a cosine on bin 32 under a Hann window shows N/4 there, N/8 beside it and nothing elsewhere', () => {
  const { data, frames, bins } = spectrogram(tone(8192, 32), { ...base, padding: 'none' });
  assert.equal(bins, 513);
  assert.equal(frames, 29);
  for (let frame = 0; frame < frames; frame++) {
    const row = data.subarray(frame * bins, (frame + 1) * bins);
    row.forEach((value, bin) => {
      const expected = bin === 32 ? 256 : Math.abs(bin - 32) === 1 ? 128 : 0;
      // Mixed sign: the conjugate's leakage and the cosine's float32 rounding stay below 1e-4.
      assert.ok(Math.abs(value - expected) < 1e-3, `bin ${bin}: ${value}`);
    });
  }
});

test('power is the square of magnitude', () => {
  const samples = tone(3000, 41.7);
  const magnitude = spectrogram(samples, base);
  const power = spectrogram(samples, base, 2);
  power.data.forEach((value, i) => assert.ok(Math.abs(value - magnitude.data[i] ** 2) <= 1e-5 * Math.max(1, value)));
});

test('a shorter window stands in the middle of the FFT', () => {
  // An impulse 400 samples from the frame's start lies outside a 100-sample window around 512; one at 512 lies on its
  // peak.
  const settings: StftSettings = { fftSize: 1024, windowLength: 100, hop: 1024, padding: 'none' };
  const impulseAt = (position: number) => Float32Array.from({ length: 1024 }, (_, i) => (i === position ? 1 : 0));
  assert.ok(spectrogram(impulseAt(400), settings).data.every((value) => value === 0));
  assert.ok(spectrogram(impulseAt(512), settings).data.every((value) => Math.abs(value - 1) < 1e-6));
});

test('with hop-reflect, frame f sees an impulse in the middle of its samples at full weight', () => {
  const samples = new Float32Array(256 * 20);
  samples[256 * 7 + 128] = 1;
  const { data, bins } = spectrogram(samples, base);
  const at = (frame: number) => data[frame * bins + 100];
  assert.ok(Math.abs(at(7) - 1) < 1e-6);
  assert.ok(at(6) < 0.51 && at(8) < 0.51 && at(5) < 1e-6 && at(9) < 1e-6);
});

test('reflection goes back and forth in a signal shorter than the padding', () => {
  const samples = Float32Array.of(1, 2, 3);
  const seen: number[] = [];
  // With a window of one FFT at hop = FFT the DC bin is the windowed sum of the padded frame: 3 2 1 2 | 3 … around it.
  forEachFrame(samples, { fftSize: 8, windowLength: 8, hop: 8, padding: 'center-reflect' }, (power) =>
    seen.push(Math.sqrt(power[0])),
  );
  const padded = [1, 2, 3, 2, 1, 2, 3, 2];
  const expected = padded.reduce((sum, x, i) => sum + x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 8)), 0);
  assert.equal(seen.length, 1);
  assert.ok(Math.abs(seen[0] - expected) < 1e-9, `${seen[0]} and ${expected}`);
});

test('too short a signal is refused with the length that would do', () => {
  assert.throws(
    () => spectrogram(new Float32Array(255), base),
    (error) =>
      error instanceof TtsError && error.code === 'ERR_AUDIO_EMPTY' && /255 samples.*at least 256/.test(error.message),
  );
  assert.throws(
    () => spectrogram(new Float32Array(0), { ...base, padding: 'center-constant' }),
    (error) => error instanceof TtsError && error.code === 'ERR_AUDIO_EMPTY',
  );
});
