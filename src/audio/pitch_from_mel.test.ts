import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../base/random.js';
import { melSpectrogram } from './mel.js';
import { pitchFromMel } from './pitch_from_mel.js';
import { melPresets } from './presets.js';

/** Half a second of harmonics that fall by 6 dB an octave, with noise 30 dB below. */
function tone(pitch: number, sampleRate: number): Float32Array {
  const random = new RandomStream(Math.round(pitch), 1);
  return Float32Array.from({ length: sampleRate / 2 }, (_, t) => {
    let sample = 0.003 * random.normal();
    for (let k = 1; k * pitch < 4000; k++)
      sample += (0.1 / k) * Math.sin((2 * Math.PI * k * pitch * t) / sampleRate + k);
    return sample;
  });
}

function pitches(samples: Float32Array, preset: keyof typeof melPresets) {
  const settings = melPresets[preset];
  const { data, frames } = melSpectrogram(samples, settings);
  const find = pitchFromMel(settings);
  // Not at the ends, where the signal is reflected.
  return Array.from({ length: frames - 6 }, (_, i) =>
    find(data.subarray((i + 3) * settings.bins, (i + 4) * settings.bins)),
  );
}

for (const preset of ['hifigan', 'tacotron2', 'espnet'] as const)
  for (const hertz of [140, 180.5, 233, 311, 400])
    test(`${preset}: features of ${hertz} Hz have a period within 2.5%, and are sure of it`, () => {
      const { sampleRate } = melPresets[preset];
      for (const { period, strength } of pitches(tone(hertz, sampleRate), preset)) {
        assert.ok(Math.abs((period * hertz) / sampleRate - 1) < 0.025, `${sampleRate / period} Hz`);
        assert.ok(strength > 0.65 && strength <= 1, `${strength}`);
      }
    });

test('noise has less of a pitch than a voice, and silence none', () => {
  const random = new RandomStream(1, 2);
  const noise = pitches(
    Float32Array.from({ length: 22050 }, () => 0.1 * random.normal()),
    'hifigan',
  );
  const mean = noise.reduce((sum, { strength }) => sum + strength, 0) / noise.length;
  assert.ok(mean < 0.6, `${mean}`);
  for (const { strength } of pitches(new Float32Array(8000), 'hifigan')) assert.ok(strength < 0.3, `${strength}`);
});

test('too few bands to tell harmonics apart: no pitch', () => {
  const settings = { ...melPresets.hifigan, bins: 12 };
  assert.equal(pitchFromMel(settings)(new Float32Array(12)).strength, 0);
});
