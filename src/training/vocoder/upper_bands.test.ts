import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { melSpectrogram } from '../../audio/mel.js';
import { MelCorrection } from '../../audio/mel_correction.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { melPresets } from '../../audio/presets.js';
import { readAudio } from '../../audio/read.js';
import { forEachFrame } from '../../audio/stft.js';
import { expectedLevels, levelOf, upperBands } from '../../audio/upper_bands.js';
import { findBursts } from '../../evaluation/bursts.js';
import { UpperBandFit } from './upper_bands.js';

const settings = melPresets.hifigan;
const decibels = 20 * Math.LOG10E;
const folder = fileURLToPath(new URL('../../../../data/ljspeech-mini', import.meta.url));
const recordings = readdirSync(folder).filter((name) => name.endsWith('.flac'));

async function speech(name: string) {
  const { samples } = await readAudio(join(folder, name), { sampleRate: settings.sampleRate });
  const cut = samples.subarray(0, samples.length - (samples.length % settings.hop));
  return { samples: cut, features: melSpectrogram(cut, settings).data };
}

async function fitted(names: readonly string[]): Promise<Float32Array> {
  const fit = new UpperBandFit(settings);
  for (const name of names) {
    const { samples, features } = await speech(name);
    fit.add(samples, features);
  }
  return fit.solve() as Float32Array;
}

/** Mean distance in dB between the levels of each upper band and what `expect` says. */
function distances(
  samples: Float32Array,
  features: Float32Array,
  expect: (features: Float32Array) => ArrayLike<number>,
): number[] {
  const bands = upperBands(settings);
  const sums = bands.map(() => 0);
  const frames = forEachFrame(samples, settings, (power, frame) => {
    const levels = expect(features.subarray(frame * settings.bins, (frame + 1) * settings.bins));
    bands.forEach((band, i) => (sums[i] += decibels * Math.abs(levels[i] - levelOf(band, (bin) => power[bin]))));
  });
  return sums.map((sum) => sum / frames);
}

for (const [name, preset] of Object.entries(melPresets)) {
  test(`${name}: the upper bands reach from the last filter to half the sample rate, without gaps`, () => {
    const bands = upperBands(preset);
    const { sampleRate, fftSize, fMax } = preset;
    if (fMax === sampleRate / 2) return assert.deepEqual(bands, []);
    const hertz = (bin: number) => (bin * sampleRate) / fftSize;
    assert.ok(hertz(bands[0].first) > fMax && hertz(bands[0].first - 1) <= fMax);
    bands.forEach(({ first }, i) => assert.ok(i === 0 || first === bands[i - 1].end));
    assert.equal(bands.at(-1)?.end, fftSize / 2 + 1);
    assert.equal(bands.length, 2);
  });
}

test('features tell the levels above them: of clips that were not looked at, far better than the mean does', async () => {
  const [heldOut, ...others] = recordings;
  const weights = await fitted(others);
  const { samples, features } = await speech(heldOut);
  const expected = expectedLevels(settings, weights);
  const means = distances(samples, features, () => meanLevels(samples));
  const own = distances(samples, features, expected);
  own.forEach((distance, band) => {
    assert.ok(distance < 7, `${distance} dB in band ${band}`);
    assert.ok(distance < 0.7 * means[band], `${distance} dB in band ${band}, by the mean ${means[band]}`);
  });
});

/** Mean level of each upper band of a recording. */
function meanLevels(samples: Float32Array): number[] {
  const bands = upperBands(settings);
  const sums = bands.map(() => 0);
  const frames = forEachFrame(samples, settings, (power) =>
    bands.forEach((band, i) => (sums[i] += levelOf(band, (bin) => power[bin]))),
  );
  return sums.map((sum) => sum / frames);
}

test('in whatever unit the features are, the levels are the same', async () => {
  const { samples } = await speech(recordings[0]);
  const units: MelSettings[] = [
    settings,
    { ...settings, log: 'db' },
    { ...settings, log: 'none', floor: 1e-5 },
    { ...settings, log: 'db', normalisation: { from: [-200, 100], to: [0, 1] } },
  ];
  const levels = units.map((unit) => {
    const fit = new UpperBandFit(unit);
    const features = melSpectrogram(samples, unit).data;
    fit.add(samples, features);
    return expectedLevels(unit, fit.solve() as Float32Array)(features.slice(100 * unit.bins, 101 * unit.bins));
  });
  for (const other of levels.slice(1))
    other.forEach((level, band) => assert.ok(Math.abs(level - levels[0][band]) < 0.05, `${level}, ${levels[0][band]}`));
});

test('of a second of speech, of silence and of nothing there are finite weights or none', async () => {
  const { samples, features } = await speech(recordings[0]);
  const frames = 60;
  const some = new UpperBandFit(settings);
  some.add(samples.subarray(0, frames * settings.hop), features.subarray(0, frames * settings.bins));
  const weights = some.solve() as Float32Array;
  assert.ok(weights.every(Number.isFinite));
  // Fewer frames than bins: what is far from them is not expected to be absurd.
  const expected = expectedLevels(settings, weights);
  assert.ok(distances(samples, features, expected).every((distance) => distance < 20));

  const silence = new UpperBandFit(settings);
  const none = new Float32Array(20 * settings.hop);
  silence.add(none, melSpectrogram(none, settings).data);
  assert.ok((silence.solve() as Float32Array).every(Number.isFinite));

  assert.equal(new UpperBandFit(settings).solve(), undefined);
  const whole = new UpperBandFit({ ...settings, fMax: settings.sampleRate / 2 });
  whole.add(samples, features);
  assert.equal(whole.solve(), undefined);
});

test('a burst above the features is taken away, and what a recording has there stays', async () => {
  const { samples, features } = await speech(recordings[0]);
  const weights = await fitted(recordings);
  const { sampleRate } = settings;
  const at = Math.round(0.8 * sampleRate);
  const marred = Float64Array.from(samples);
  for (let i = -60; i <= 60; i++)
    marred[at + i] +=
      0.08 * (0.5 + 0.5 * Math.cos((Math.PI * i) / 61)) * Math.sin((2 * Math.PI * 9300 * i) / sampleRate);
  const corrected = (upper?: Float32Array) =>
    Float32Array.from(new MelCorrection(settings, upper).push(Float64Array.from(marred), features, true));
  assert.equal(findBursts(samples, Float32Array.from(marred), sampleRate).length, 1);
  assert.equal(findBursts(samples, corrected(), sampleRate).length, 1);
  assert.deepEqual(findBursts(samples, corrected(weights), sampleRate), []);

  const clean = new MelCorrection(settings, weights).push(Float64Array.from(samples), features, true);
  assert.deepEqual(findBursts(samples, Float32Array.from(clean), sampleRate), []);
  let [power, change] = [0, 0];
  clean.forEach((sample, i) => {
    power += samples[i] ** 2;
    change += (sample - samples[i]) ** 2;
  });
  assert.ok(10 * Math.log10(power / change) > 20, `${10 * Math.log10(power / change)} dB`);
});
