import assert from 'node:assert/strict';
import test from 'node:test';
import {
  golden,
  near,
  shortened,
  speechOf,
  speechRate,
  tone,
  whiteNoise,
  withNoise,
} from '../../test/support/speech.js';
import { warp } from './alignment.js';
import { pitchErrors, trackPitch } from './pitch.js';
import { cepstralDistance, melCepstra } from './spectral_distances.js';

const cents = (frequency: number, expected: number) => 1200 * Math.log2(frequency / expected);
/** Without the edges, where the frame is half empty. */
const inner = (track: Float64Array) => track.slice(8, -8);

test('steady tones of the whole range are found to 1.5 cents, at any rate and loudness', () => {
  for (const sampleRate of [16000, 22050, 48000]) {
    for (const frequency of [70, 100, 220.5, 440]) {
      for (const gain of [1, 0.001]) {
        const samples = tone(() => frequency, 0.3, sampleRate).map((value) => gain * value);
        for (const found of inner(trackPitch(samples, sampleRate))) near(cents(found, frequency), 0, 1.5);
      }
    }
  }
});

test('a glide and a vibrato are followed within a semitone, even in noise of 10 dB', () => {
  const glide = (seconds: number) => 100 * 2 ** seconds;
  const vibrato = (seconds: number) => 220 * 2 ** (Math.sin(2 * Math.PI * 5 * seconds) / 24);
  for (const contour of [glide, vibrato]) {
    const clean = tone(contour, 1);
    for (const samples of [clean, withNoise(clean, 10)]) {
      const track = inner(trackPitch(samples, speechRate));
      track.forEach((found, i) =>
        near(cents(found, contour((i + 8) * 0.005 * (Math.round(0.005 * speechRate) / (0.005 * speechRate)))), 0, 35),
      );
    }
  }
});

test('a missing fundamental is still heard', () => {
  const samples = Float32Array.from(
    { length: 8000 },
    (_, i) => [3, 4, 5, 6].reduce((sum, k) => sum + Math.cos((2 * Math.PI * 150 * k * i) / speechRate), 0) / 8,
  );
  for (const found of inner(trackPitch(samples, speechRate))) near(cents(found, 150), 0, 1);
});

test('noise and silence have no pitch, and a tone beside silence has its own length', () => {
  assert.ok(trackPitch(Float32Array.from(whiteNoise(22050)), speechRate).every((f) => f === 0));
  assert.ok(trackPitch(new Float32Array(22050), speechRate).every((f) => f === 0));
  assert.deepEqual([...trackPitch(new Float32Array(0), speechRate)], [0]);
  const voiced = trackPitch(
    tone((seconds) => (seconds > 0.3 && seconds < 0.7 ? 180 : 0), 1),
    speechRate,
  ).filter((f) => f > 0).length;
  near(voiced * 0.005, 0.4, 0.03);
});

test('a hum 60 dB below the voice has no pitch', () => {
  const samples = tone((seconds) => (seconds < 0.5 ? 180 : 0), 1).map(
    (value, i) => value + 2e-4 * Math.sin((2 * Math.PI * 100 * i) / speechRate),
  );
  assert.ok(
    trackPitch(samples, speechRate)
      .slice(110)
      .every((f) => f === 0),
  );
});

test('the tracks of speech are those of an independent program', async () => {
  for (const [clip, expected] of Object.entries(golden.tracks)) {
    const track = trackPitch(await speechOf(clip), speechRate);
    assert.equal(track.length, expected.length);
    track.forEach((found, i) => near(found, expected[i], 1e-3));
  }
});

const hertz = (...values: number[]) => Float64Array.from(values);

test('a semitone is 100 cents, an octave 1200', () => {
  const { f0Rmse, voicingError } = pitchErrors(hertz(100, 200, 0), hertz(100 * 2 ** (1 / 12), 200 * 2 ** (-1 / 12), 0));
  near(f0Rmse, 100, 1e-9);
  assert.equal(voicingError, 0);
  near(pitchErrors(hertz(100), hertz(200)).f0Rmse, 1200, 1e-9);
});

test('voicing errors of both kinds count, and their frames have no interval', () => {
  assert.deepEqual(pitchErrors(hertz(100, 0, 150, 0), hertz(0, 100, 150, 0)), { f0Rmse: 0, voicingError: 50 });
});

test('where no frame is voiced in both there is no interval', () => {
  assert.deepEqual(pitchErrors(hertz(0, 0), hertz(0, 100)), { f0Rmse: null, voicingError: 50 });
});

test('a tone half a semitone sharp is measured as such', () => {
  const [flat, sharp] = [200, 200 * 2 ** (0.5 / 12)].map((frequency) =>
    trackPitch(
      tone(() => frequency, 0.5),
      speechRate,
    ),
  );
  near(pitchErrors(flat, sharp).f0Rmse, 50, 1);
});

test('the errors are those of an independent program', async () => {
  for (const { clip, snr, ...expected } of golden.cases) {
    const clean = await speechOf(clip);
    const { f0Rmse, voicingError } = pitchErrors(
      trackPitch(clean, speechRate),
      trackPitch(withNoise(clean, snr), speechRate),
    );
    near(f0Rmse, expected.f0Rmse, 0.01);
    near(voicingError, expected.voicingError, 1e-9);
  }
  for (const { clip, ...expected } of golden.warped) {
    const signals = [await speechOf(clip), shortened(await speechOf(clip))];
    const [a, b] = signals.map((samples) => melCepstra(samples, speechRate));
    const [f, g] = signals.map((samples) => trackPitch(samples, speechRate));
    const { f0Rmse, voicingError } = pitchErrors(
      f,
      g,
      warp(a.frames, b.frames, (i, j) => cepstralDistance(a, i, b, j)),
    );
    near(f0Rmse, expected.f0Rmse, 0.01);
    near(voicingError, expected.voicingError, 1e-9);
  }
});
