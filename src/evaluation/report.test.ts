import assert from 'node:assert/strict';
import test from 'node:test';
import { readAudio } from '../audio/read.js';
import { evaluateCopy } from './report.js';
import { logSpectralDistance } from './spectral_distance.js';

const { samples: speech, sampleRate } = await readAudio('data/ljspeech-mini/LJ001-0008.flac');

test('a perfect copy is reported as one', () => {
  const { stoi, ...others } = evaluateCopy(speech, speech, sampleRate);
  assert.ok(Math.abs(stoi - 1) < 1e-9);
  assert.deepEqual(others, { logSpectralDistance: 0, bursts: 0 });
});

test('damage of each kind shows in its own figure', () => {
  const clicked = speech.slice();
  for (const at of [8000, 16000, 24000]) clicked[at] += 0.6;
  const { stoi, logSpectralDistance: distance, bursts } = evaluateCopy(speech, clicked, sampleRate);
  assert.equal(bursts, 3);
  assert.ok(stoi > 0.9 && stoi < 1, `${stoi}`);
  assert.ok(distance > 0, `${distance}`);
});

test('half the amplitude is a distance of at most 6.02 dB', () => {
  const distance = logSpectralDistance(speech, speech.map((value) => value / 2), sampleRate);
  assert.ok(distance > 4 && distance <= 6.03, `${distance}`);
  // Without silence in it, the distance is exact.
  const noise = Float32Array.from({ length: 22050 }, (_, i) => Math.sin(i * i));
  assert.ok(Math.abs(logSpectralDistance(noise, noise.map((value) => value / 2), sampleRate) - 20 * Math.log10(2)) < 1e-3);
});

test('the distance grows with the damage', () => {
  const distances = [0.001, 0.01, 0.1].map((amplitude) => logSpectralDistance(speech, speech.map((value, i) => value + amplitude * Math.sin(i * i)), sampleRate));
  assert.ok(distances[0] > 0 && distances[1] > distances[0] && distances[2] > distances[1], distances.join());
});

test('signals of different length are compared over what they share', () => {
  const cut = speech.subarray(0, speech.length - 500);
  assert.equal(logSpectralDistance(speech, cut, sampleRate), logSpectralDistance(cut, speech, sampleRate));
});

test('nothing to compare is refused', () => assert.throws(() => evaluateCopy(speech, new Float32Array(0), sampleRate), { code: 'ERR_AUDIO_EMPTY' }));
