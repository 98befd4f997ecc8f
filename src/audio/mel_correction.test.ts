import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { melSpectrogram } from './mel.js';
import { MelCorrection } from './mel_correction.js';
import type { MelSettings } from './mel_settings.js';
import { melPresets } from './presets.js';
import { readAudio } from './read.js';

const recording = fileURLToPath(new URL('../../../data/ljspeech-mini/LJ002-0171.flac', import.meta.url));

async function speech(settings: MelSettings) {
  const { samples } = await readAudio(recording, { sampleRate: settings.sampleRate });
  const frames = Math.floor(samples.length / settings.hop);
  const cut = samples.subarray(0, frames * settings.hop);
  const { data } = melSpectrogram(cut, settings);
  return { samples: Float64Array.from(cut), frames, features: data.subarray(0, frames * settings.bins) };
}

/** Corrects in pieces of so many frames. */
function corrected(
  settings: MelSettings,
  samples: Float64Array,
  features: Float32Array,
  pieces: number[],
): Float64Array {
  const correction = new MelCorrection(settings);
  const { hop, bins } = settings;
  const out = new Float64Array(samples.length);
  let written = 0;
  const write = (some: Float64Array) => {
    out.set(some, written);
    written += some.length;
  };
  let frame = 0;
  const frames = features.length / bins;
  for (let i = 0; frame < frames; i++) {
    const end = Math.min(frames, frame + pieces[i % pieces.length]);
    const piece = samples.slice(frame * hop, end * hop);
    write(correction.push(piece, features.slice(frame * bins, end * bins), end === frames));
    frame = end;
  }
  assert.equal(written, samples.length);
  return out;
}

/** Decibels between two signals, but for `edge` samples at both ends. */
function signalToNoise(signal: Float64Array, other: ArrayLike<number>, edge: number): number {
  let [power, noise] = [0, 0];
  for (let i = edge; i < signal.length - edge; i++) {
    power += signal[i] ** 2;
    noise += (signal[i] - other[i]) ** 2;
  }
  return 10 * Math.log10(power / noise);
}

for (const [name, settings] of Object.entries(melPresets)) {
  test(`${name}: speech that has the spectrum of its features stays as it is`, async () => {
    const { samples, features } = await speech(settings);
    const out = corrected(settings, samples, features, [32]);
    // The features are float32, and what they floor or clip is floored and clipped here too.
    assert.ok(
      signalToNoise(samples, out, settings.fftSize) > 35,
      `${signalToNoise(samples, out, settings.fftSize)} dB`,
    );
  });

  test(`${name}: the samples do not depend on the pieces`, async () => {
    const { samples, features, frames } = await speech(settings);
    const louder = samples.map((sample, i) => sample * (1 + 0.5 * Math.sin(i / 900)));
    const whole = corrected(settings, louder, features, [frames]);
    for (const pieces of [[1], [4, 32], [7, 1, 100]])
      assert.ok(
        corrected(settings, louder, features, pieces).every((sample, i) => sample === whole[i]),
        `${pieces}`,
      );
  });
}

test('a level that comes and goes is made even again', async () => {
  const settings = melPresets.hifigan;
  const { samples, features } = await speech(settings);
  const changed = samples.map((sample, i) => sample * 10 ** (0.3 * Math.sin(i / 2000)));
  const out = corrected(settings, changed, features, [32]);
  const before = signalToNoise(samples, changed, 1024);
  const after = signalToNoise(samples, out, 1024);
  assert.ok(before < 10 && after > 20, `${before} dB became ${after} dB`);
});

test('no band is changed by more than 12 dB in each of three passes', async () => {
  const settings = melPresets.hifigan;
  const { samples, features } = await speech(settings);
  const out = corrected(
    settings,
    samples.map((sample) => sample / 200),
    features,
    [32],
  );
  const raised = samples.map((sample) => (sample / 200) * 10 ** (36 / 20));
  assert.ok(signalToNoise(raised, out, 1024) > 40, `${signalToNoise(raised, out, 1024)} dB`);
});
