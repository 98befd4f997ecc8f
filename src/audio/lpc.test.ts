import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import { predictorFromMel } from './lpc.js';
import { melSpectrogram } from './mel.js';
import { melPresets } from './presets.js';

/** Noise through a resonance at `hertz`: x[t] = 2ρcosθ x[t-1] - ρ² x[t-2] + e[t]. */
function resonance(hertz: number, radius: number, deviation: number, sampleRate: number): Float32Array {
  const random = new RandomStream(7, 0);
  const samples = new Float32Array(sampleRate);
  const a = 2 * radius * Math.cos((2 * Math.PI * hertz) / sampleRate);
  for (let t = 0; t < samples.length; t++)
    samples[t] = a * (samples[t - 1] ?? 0) - radius * radius * (samples[t - 2] ?? 0) + deviation * random.normal();
  return samples;
}

for (const preset of ['hifigan', 'espnet', 'librosa'] as const) {
  test(`the predictor from ${preset} features whitens a resonance, and its gain is the innovation's`, () => {
    const settings = melPresets[preset];
    const deviation = 0.01;
    const samples = resonance(1500, 0.95, deviation, settings.sampleRate);
    const { data, frames, bins } = melSpectrogram(samples, settings);
    const analyse = predictorFromMel(settings);
    let error = 0;
    let power = 0;
    let gain = 0;
    let count = 0;
    for (let frame = 8; frame < frames - 8; frame++) {
      const predictor = analyse(data.subarray(frame * bins, (frame + 1) * bins));
      gain += predictor.gain / (frames - 16);
      for (let t = frame * settings.hop; t < (frame + 1) * settings.hop; t++) {
        const prediction = predictor.coefficients.reduce((sum, c, k) => sum + c * samples[t - 1 - k], 0);
        error += (samples[t] - prediction) ** 2;
        power += samples[t] ** 2;
        count++;
      }
    }
    const residual = Math.sqrt(error / count);
    assert.ok(residual < 1.25 * deviation, `residual ${residual}`);
    assert.ok(residual < 0.5 * Math.sqrt(power / count), 'nothing was predicted');
    assert.ok(gain > 0.6 * deviation && gain < 1.6 * deviation, `gain ${gain}`);
  });
}

test('digital silence gives a finite predictor with the least gain', () => {
  const settings = melPresets.hifigan;
  const { data, bins } = melSpectrogram(new Float32Array(4096), settings);
  const { coefficients, gain } = predictorFromMel(settings)(data.subarray(bins, 2 * bins));
  assert.ok(coefficients.every(Number.isFinite));
  assert.ok(gain >= 4 / 32768 && gain < 0.01, `gain ${gain}`);
});

test('every predictor of a loud and a quiet sweep is stable', () => {
  const settings = melPresets.hifigan;
  const samples = Float32Array.from({ length: 22050 }, (_, t) => (t < 11025 ? 0.9 : 0.001) * Math.sin(1e-4 * t * t));
  const { data, frames, bins } = melSpectrogram(samples, settings);
  const analyse = predictorFromMel(settings);
  for (let frame = 0; frame < frames; frame++) {
    const { coefficients } = analyse(data.subarray(frame * bins, (frame + 1) * bins));
    const response = [1];
    for (let t = 1; t < 3000; t++)
      response.push(coefficients.reduce((sum, c, k) => sum + c * (response[t - 1 - k] ?? 0), 0));
    assert.ok(Math.abs(response[2999]) < 0.01, `frame ${frame}: ${response[2999]}`);
  }
});
