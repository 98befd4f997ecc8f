import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { speechOf, speechRate, whiteNoise, withNoise } from '../../test/support/speech.js';
import { estoi, intelligibility, stoi } from './stoi.js';

const speech = await speechOf('LJ001-0008');
const sampleRate = speechRate;

function withPause(clean: Float32Array): Float32Array {
  const paused = new Float32Array(clean.length + 11025);
  const half = Math.floor(clean.length / 2);
  paused.set(clean.subarray(0, half));
  paused.set(clean.subarray(half), half + 11025);
  return paused;
}
const signals = { speech, paused: withPause(speech) };

interface Golden {
  readonly signal: keyof typeof signals;
  readonly snr: number;
  readonly rate: number;
  readonly stoi: number;
  readonly estoi: number;
}

test('the values are those of an independent program', async (t) => {
  for (const golden of JSON.parse(readFileSync('test/fixtures/stoi/golden.json', 'utf8')) as Golden[]) {
    const clean = signals[golden.signal];
    // At 10 kHz nothing is resampled and only rounding differs; else the two programs use different resamplers.
    const tolerance = golden.rate === 10_000 ? 1e-6 : 1e-5;
    await t.test(`${golden.signal}, ${golden.snr} dB, as ${golden.rate} Hz`, () => {
      const values = intelligibility(clean, withNoise(clean, golden.snr), golden.rate);
      for (const name of ['stoi', 'estoi'] as const)
        assert.ok(
          Math.abs(values[name] - golden[name]) <= tolerance,
          `${name} is ${values[name]}, expected ${golden[name]} ± ${tolerance}`,
        );
    });
  }
});

test('a copy scores 1, whatever its loudness', () => {
  for (const measure of [stoi, estoi]) {
    assert.ok(Math.abs(measure(speech, speech, sampleRate) - 1) < 1e-9);
    assert.ok(
      Math.abs(
        measure(
          speech,
          speech.map((value) => value / 10),
          sampleRate,
        ) - 1,
      ) < 1e-6,
    );
  }
});

test('both fall as noise rises', () => {
  for (const measure of [stoi, estoi]) {
    const scores = [40, 20, 10, 0, -10].map((snr) => measure(speech, withNoise(speech, snr), sampleRate));
    scores.slice(1).forEach((score, i) => assert.ok(score < scores[i], scores.join()));
  }
});

test('noise and silence score low', () => {
  const noise = stoi(speech, Float32Array.from(whiteNoise(speech.length)), sampleRate);
  assert.ok(Math.abs(noise) < 0.4, `${noise}`);
  const extended = estoi(speech, Float32Array.from(whiteNoise(speech.length)), sampleRate);
  assert.ok(Math.abs(extended) < 0.1, `${extended}`);
  assert.ok(Math.abs(stoi(speech, new Float32Array(speech.length), sampleRate)) < 1e-6);
});

test('a copy that comes 50 ms late scores clearly lower', () => {
  const late = new Float32Array(speech.length);
  late.set(speech.subarray(0, -Math.round(0.05 * sampleRate)), Math.round(0.05 * sampleRate));
  assert.ok(stoi(speech, late, sampleRate) < 0.8);
});

test('the end of a longer copy is left out', () => {
  const longer = new Float32Array(speech.length + 5000).fill(0.5);
  longer.set(speech);
  assert.ok(Math.abs(stoi(speech, longer, sampleRate) - 1) < 1e-9);
});

test('too little speech is refused', () => {
  for (const samples of [new Float32Array(0), new Float32Array(22050), speech.subarray(2000, 7000)])
    assert.throws(() => stoi(samples, samples, sampleRate), { code: 'ERR_AUDIO_EMPTY' });
});
