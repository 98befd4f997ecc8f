import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near, shortened, speechOf, speechRate } from '../../test/support/speech.js';
import { evaluateCopy, evaluateWarped } from './copy_report.js';
import { logSpectralDistance } from './spectral_distances.js';

const speech = await speechOf('LJ001-0008');
const sampleRate = speechRate;

test('a perfect copy is reported as one', () => {
  const { stoi, estoi, ...others } = evaluateCopy(speech, speech, sampleRate);
  near(stoi, 1, 1e-9);
  near(estoi, 1, 1e-9);
  assert.deepEqual(others, {
    melCepstralDistortion: 0,
    logSpectralDistance: 0,
    f0Rmse: 0,
    voicingError: 0,
    harmonicity: 1,
    bursts: 0,
  });
});

test('damage of each kind shows in its own figure', () => {
  const clicked = speech.slice();
  for (const at of [8000, 16000, 24000]) clicked[at] += 0.6;
  const { stoi, logSpectralDistance: distance, bursts } = evaluateCopy(speech, clicked, sampleRate);
  assert.equal(bursts, 3);
  near(stoi, 0.95, 0.05);
  assert.ok(distance !== null && distance > 0, `${distance}`);
});

test('signals of different length are compared over what they share', () => {
  const cut = speech.subarray(0, speech.length - 500);
  assert.equal(logSpectralDistance(speech, cut, sampleRate), logSpectralDistance(cut, speech, sampleRate));
  const { stoi, estoi, ...others } = evaluateCopy(speech, cut, sampleRate);
  near(stoi, 1, 1e-9);
  near(estoi, 1, 1e-9);
  assert.deepEqual(others, {
    melCepstralDistortion: 0,
    logSpectralDistance: 0,
    f0Rmse: 0,
    voicingError: 0,
    harmonicity: 1,
    bursts: 0,
  });
});

test('signals without a frame to compare are refused', () =>
  assert.throws(() => evaluateCopy(speech, new Float32Array(0), sampleRate), { code: 'ERR_AUDIO_EMPTY' }));

test('what cannot be measured is null: speech too short for STOI, a copy without a voice', () => {
  const short = speech.subarray(8000, 12000);
  const { stoi, estoi, ...others } = evaluateCopy(short, short, sampleRate);
  assert.deepEqual([stoi, estoi], [null, null]);
  assert.ok(Object.values(others).every(Number.isFinite), JSON.stringify(others));
  const silent = evaluateCopy(speech, new Float32Array(speech.length), sampleRate);
  assert.equal(silent.f0Rmse, null);
  assert.equal(silent.harmonicity, 0);
  assert.equal(evaluateCopy(new Float32Array(20_000), speech.subarray(0, 20_000), sampleRate).harmonicity, null);
  assert.ok(silent.voicingError > 20);
  for (const [name, value] of Object.entries(silent))
    assert.ok(value === null || Number.isFinite(value), `${name} is ${value}`);
});

test('after warping, only what needs no common clock is measured', () => {
  const { melCepstralDistortion, f0Rmse, voicingError, harmonicity, ...others } = evaluateWarped(
    speech,
    shortened(speech),
    sampleRate,
  );
  assert.deepEqual(others, { logSpectralDistance: null, stoi: null, estoi: null, bursts: null });
  near(melCepstralDistortion, golden.warped[0].melCepstralDistortion, 1e-4);
  near(f0Rmse, golden.warped[0].f0Rmse, 0.01);
  near(voicingError, golden.warped[0].voicingError, 1e-9);
  near(harmonicity, golden.warped[0].harmonicity, 1e-5);
  const long = new Float32Array(200 * sampleRate);
  assert.throws(() => evaluateWarped(long, long, sampleRate), { code: 'ERR_CORPUS', message: /200 and 200 s.*160 s/ });
});
