import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { filterBank } from './filter_bank.js';
import { melSpectrogram } from './mel.js';
import { type MelSettings, melSettingsSchema } from './mel_settings.js';
import { melPreset, melPresets } from './presets.js';

const { hifigan } = melPresets;

test('every preset satisfies the schema', () => {
  for (const settings of Object.values(melPresets)) assert.deepEqual(melSettingsSchema.parse(settings), settings);
});

const faults: [string, Partial<Record<keyof MelSettings, unknown>>][] = [
  ['fftSize', { fftSize: 1000, windowLength: 1000 }],
  ['windowLength', { windowLength: 2048 }],
  ['hop', { hop: 0 }],
  ['hop', { hop: 1025 }],
  ['fMin', { fMin: 9000 }],
  ['fMax', { fMax: 12000 }],
  ['floor', { floor: 0 }],
  ['power', { power: 3 }],
  ['log', { log: '7' }],
  ['normalisation', { normalisation: { from: [0, -100], to: [0, 1] } }],
  ['sampleRate', { sampleRate: 22050.5 }],
];
for (const [name, change] of faults) {
  test(`settings with ${JSON.stringify(change)} are refused for ${name}`, () => {
    const result = melSettingsSchema.safeParse({ ...hifigan, ...change });
    assert.equal(result.success, false);
    assert.ok(
      result.error?.issues.some((issue) => issue.path[0] === name),
      JSON.stringify(result.error?.issues),
    );
  });
}

test('an unknown setting is refused', () => {
  assert.equal(melSettingsSchema.safeParse({ ...hifigan, hopLength: 256 }).success, false);
});

test('an unknown preset is refused with the list of the known ones', () => {
  for (const name of ['HiFiGAN', 'constructor', '']) {
    assert.throws(
      () => melPreset(name),
      (error) =>
        error instanceof TtsError &&
        error.code === 'ERR_ARGUMENT' &&
        error.message.includes('hifigan, tacotron2, espnet'),
    );
  }
  assert.equal(melPreset('espnet').fMin, 80);
});

test('a tone appears in the bin of its filter', () => {
  const filters = filterBank(hifigan);
  for (const frequency of [150, 440, 1000, 3000, 7000]) {
    const tone = Float32Array.from({ length: 4096 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / 22050));
    const { data, bins } = melSpectrogram(tone, hifigan);
    const row = data.subarray(8 * bins, 9 * bins);
    const loudest = row.indexOf(Math.max(...row));
    const { first, weights } = filters[loudest];
    assert.ok(
      first * (22050 / 1024) <= frequency + 22 && frequency - 22 <= (first + weights.length - 1) * (22050 / 1024),
      `${frequency} Hz in bin ${loudest}`,
    );
  }
});

test('digital silence is the floor, everywhere', () => {
  const { data } = melSpectrogram(new Float32Array(1024), { ...hifigan, powerOffset: 0 });
  assert.ok(data.every((value) => value === Math.fround(Math.log(1e-5))));
  // HiFi-GAN's own 1e-9 under the root lies above its floor where a filter is wide.
  assert.ok(
    melSpectrogram(new Float32Array(1024), hifigan).data.every((value) => value >= Math.fround(Math.log(1e-5))),
  );
});

test('samples are left as they are', () => {
  const samples = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i));
  const before = samples.slice();
  melSpectrogram(samples, melPresets.keithito);
  assert.deepEqual(samples, before);
});
