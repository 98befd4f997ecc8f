import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { readAudio } from '../audio/read.js';
import { stoi } from './stoi.js';

const { samples: speech, sampleRate } = await readAudio('data/ljspeech-mini/LJ001-0008.flac');

/** The generator of test/fixtures/stoi/make_golden.py. */
function whiteNoise(length: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length }, () => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 31 - 1);
}
const energy = (samples: ArrayLike<number>): number => Array.from(samples).reduce((sum, value) => sum + value * value, 0);

function withNoise(clean: Float32Array, snr: number): Float32Array {
  const noise = whiteNoise(clean.length);
  const gain = Math.sqrt(energy(clean) / energy(noise) / 10 ** (snr / 10));
  return clean.map((value, i) => value + gain * noise[i]);
}
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
}

test('the values are those of an independent programme', async (t) => {
  for (const golden of JSON.parse(readFileSync('test/fixtures/stoi/golden.json', 'utf8')) as Golden[]) {
    const clean = signals[golden.signal];
    // At 10 kHz nothing is resampled and only rounding differs; else the two programmes use different resamplers.
    const tolerance = golden.rate === 10_000 ? 1e-6 : 1e-5;
    await t.test(`${golden.signal}, ${golden.snr} dB, as ${golden.rate} Hz`, () => {
      const value = stoi(clean, withNoise(clean, golden.snr), golden.rate);
      assert.ok(Math.abs(value - golden.stoi) <= tolerance, `${value}, expected ${golden.stoi} ± ${tolerance}`);
    });
  }
});

test('a copy scores 1, whatever its loudness', () => {
  assert.ok(Math.abs(stoi(speech, speech, sampleRate) - 1) < 1e-9);
  assert.ok(Math.abs(stoi(speech, speech.map((value) => value / 10), sampleRate) - 1) < 1e-6);
});

test('noise and silence score low', () => {
  const noise = stoi(speech, Float32Array.from(whiteNoise(speech.length)), sampleRate);
  assert.ok(Math.abs(noise) < 0.4, `${noise}`);
  assert.ok(Math.abs(stoi(speech, new Float32Array(speech.length), sampleRate)) < 1e-6);
});

test('a copy that comes 50 ms late scores clearly lower', () => {
  const late = new Float32Array(speech.length);
  late.set(speech.subarray(0, -Math.round(0.05 * sampleRate)), Math.round(0.05 * sampleRate));
  assert.ok(stoi(speech, late, sampleRate) < 0.8);
});

test('what hangs over at the end is left out', () => {
  const longer = new Float32Array(speech.length + 5000).fill(0.5);
  longer.set(speech);
  assert.ok(Math.abs(stoi(speech, longer, sampleRate) - 1) < 1e-9);
});

test('too little speech is refused', () => {
  for (const samples of [new Float32Array(0), new Float32Array(22050), speech.subarray(2000, 7000)])
    assert.throws(() => stoi(samples, samples, sampleRate), { code: 'ERR_AUDIO_EMPTY' });
});
