import assert from 'node:assert/strict';
import test from 'node:test';
import { integratedLoudness } from './loudness.js';
import { readAudio } from './read.js';
import { describeTreatment, gainFor, treat, untreated } from './treatment.js';

const { samples, sampleRate } = await readAudio('data/ljspeech-mini/LJ001-0008.flac');
const loudness = (audio: Float32Array) => integratedLoudness([audio], sampleRate);
const peak = (audio: Float32Array) => audio.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const within = (value: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(value - expected) <= tolerance, `${value}, expected ${expected}`);

test('a recording is brought to the level, whatever its own was', () => {
  for (const factor of [0.05, 0.5, 1]) {
    const treated = treat(
      samples.map((sample) => factor * sample),
      sampleRate,
      { highPass: null, level: -28 },
    );
    within(loudness(treated), -28, 0.01);
  }
});

test('an offset and a hum below the cut-off are gone before the level is measured', () => {
  const dirty = samples.map((sample, n) => sample + 0.1 + 0.2 * Math.sin((2 * Math.PI * 20 * n) / sampleRate));
  const [clean, cleaned] = [samples, dirty].map((audio) => treat(audio, sampleRate, { highPass: 60, level: -30 }));
  // The first milliseconds hold what the filter makes of a hum that begins.
  const settled = Math.round(0.1 * sampleRate);
  let [difference, energy] = [0, 0];
  for (let n = settled; n < clean.length; n++) {
    difference += (cleaned[n] - clean[n]) ** 2;
    energy += clean[n] ** 2;
  }
  assert.ok(difference / energy < 1e-3, `${difference / energy}`);
});

test('a gain that is given takes the place of the own loudness', () => {
  const treated = treat(samples, sampleRate, { highPass: null, level: -23 }, -6);
  within(loudness(treated), loudness(samples) - 6, 0.001);
});

test('a gain never clips: the peak stays just below full scale', () => {
  const loud = treat(samples, sampleRate, { highPass: null, level: -5 });
  within(peak(loud), 32767 / 32768, 1e-6);
  assert.ok(loudness(loud) < -5);
  // A square wave that is full already: filtered, it swings farther.
  const square = Float32Array.from({ length: 22050 }, (_, n) => (Math.floor(n / 110) % 2 === 0 ? 0.99 : -0.99));
  assert.ok(peak(treat(square, sampleRate, { highPass: 100, level: null })) <= 32767 / 32768);
});

test('silence and all but silence stay what they are', () => {
  assert.deepEqual(treat(new Float32Array(30000), sampleRate, { highPass: 60, level: -23 }), new Float32Array(30000));
  assert.equal(gainFor(-Infinity, { highPass: null, level: -23 }), 0);
  assert.equal(gainFor(-69, { highPass: null, level: -23 }), 40);
});

test('no treatment leaves every sample; a treatment does not write into its input', () => {
  const before = samples.slice();
  assert.equal(treat(samples, sampleRate, untreated), samples);
  treat(samples, sampleRate, { highPass: 60, level: -40 });
  assert.deepEqual(samples, before);
});

test('a treatment can be said in words', () => {
  assert.equal(describeTreatment({ highPass: 60, level: -22.5 }), 'high-pass 60 Hz, level -22.5 LUFS');
  assert.equal(describeTreatment({ highPass: 60, level: null }), 'high-pass 60 Hz');
  assert.equal(describeTreatment(untreated), 'none');
});
