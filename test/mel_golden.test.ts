import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromInt16 } from '../src/audio/audio.js';
import { melSpectrogram } from '../src/audio/mel.js';
import { type MelSettings } from '../src/audio/mel_settings.js';
import { melPresets } from '../src/audio/presets.js';
import { readNpy } from '../src/data/features/files.js';

// Made by test/fixtures/mel/make_golden.py, see the README there. dist/test lies two levels below the repository's
// root.
const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/mel/${name}`, import.meta.url));

async function samplesOf(signal: string): Promise<Float32Array> {
  const { data } = await readNpy(fixture(`${signal}.npy`));
  assert.ok(data instanceof Int16Array);
  return fromInt16(data);
}

/** The conventions of the fixtures: every preset, and one that uses the options no preset uses. */
const conventions: Record<string, MelSettings> = {
  ...melPresets,
  htk: {
    ...melPresets.hifigan,
    fftSize: 512,
    windowLength: 400,
    hop: 200,
    padding: 'none',
    bins: 16,
    fMin: 50,
    power: 2,
    powerOffset: 0,
    scale: 'htk',
    norm: 'none',
    log: 'db',
    floor: 1e-10,
  },
};

for (const signal of ['chirp', 'speech']) {
  for (const [name, settings] of Object.entries(conventions)) {
    test(`${name} equals the independently computed spectrogram of the ${signal} to 2e-5 (relative to values above 1)`, async () => {
      const golden = await readNpy(fixture(`${signal}.${name}.npy`));
      const { data, frames, bins } = melSpectrogram(await samplesOf(signal), settings);
      assert.deepEqual([frames, bins], golden.shape);
      // Both compute in double precision and round to float32 once; dB values near 100 differ by 8e-6 from that alone.
      for (let i = 0; i < data.length; i++) {
        const expected = golden.data[i];
        const tolerance = 2e-5 * Math.max(1, Math.abs(expected));
        assert.ok(
          Math.abs(data[i] - expected) <= tolerance,
          `frame ${Math.floor(i / bins)} bin ${i % bins}: ${data[i]}, expected ${expected}`,
        );
      }
    });
  }
}

test('the conventions differ: no golden spectrogram passes for another of the same shape', async () => {
  const samples = await samplesOf('speech');
  const golden = await readNpy(fixture('speech.tacotron2.npy'));
  const { data } = melSpectrogram(samples, melPresets.espnet);
  assert.equal(data.length, golden.data.length);
  assert.ok(data.some((value, i) => Math.abs(value - golden.data[i]) > 1));
});
