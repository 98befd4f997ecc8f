import assert from 'node:assert/strict';
import test from 'node:test';
import { melSpectrogram } from '../../audio/mel.js';
import { melPresets } from '../../audio/presets.js';
import { HarmonicTemplate } from './harmonics.js';

const settings = melPresets.hifigan;
const { bins, sampleRate, hop } = settings;

test('the template of a pitch is nearest to the mels of a pulse train of that pitch', () => {
  const template = new HarmonicTemplate(settings);
  const candidates = Float32Array.from({ length: 40 }, (_, i) => Math.log(110) + i * 0.03);
  const rows = new Float32Array(candidates.length * bins);
  template.fill(candidates, rows);
  for (const chosen of [3, 17, 31]) {
    const period = sampleRate / Math.exp(candidates[chosen]);
    const pulses = new Float32Array(20 * hop);
    for (let at = 0; at < pulses.length; at += period) pulses[Math.floor(at)] = 0.5;
    const mel = melSpectrogram(pulses, settings).data.subarray(10 * bins, 11 * bins);
    const mean = mel.reduce((sum, value) => sum + value, 0) / bins;
    const scores = Array.from(candidates, (_, i) =>
      rows.subarray(i * bins, (i + 1) * bins).reduce((sum, value, bin) => sum + value * (mel[bin] - mean), 0),
    );
    const best = scores.indexOf(Math.max(...scores));
    assert.ok(Math.abs(best - chosen) <= 1, `${best}, expected ${chosen}`);
  }
});

test('pitches beyond the range have the template of its end', () => {
  const template = new HarmonicTemplate(settings);
  const rows = new Float32Array(4 * bins);
  template.fill(Float32Array.of(0, Math.log(60), Math.log(600), 100), rows);
  assert.deepEqual(rows.subarray(0, bins), rows.subarray(bins, 2 * bins));
  assert.deepEqual(rows.subarray(2 * bins, 3 * bins), rows.subarray(3 * bins));
  assert.ok(rows.every(Number.isFinite));
});
