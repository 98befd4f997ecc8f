import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near, shortened, speechOf, speechRate, tone, withNoise } from '../../test/support/speech.js';
import { warp } from './dtw.js';
import { cepstralDistance, melCepstra } from './mel_cepstrum.js';
import { trackPitch } from './pitch.js';
import { pitchErrors } from './pitch_errors.js';

const track = (...values: number[]) => Float64Array.from(values);

test('a semitone is 100 cents, an octave 1200', () => {
  const { f0Rmse, voicingError } = pitchErrors(track(100, 200, 0), track(100 * 2 ** (1 / 12), 200 * 2 ** (-1 / 12), 0));
  near(f0Rmse, 100, 1e-9);
  assert.equal(voicingError, 0);
  near(pitchErrors(track(100), track(200)).f0Rmse, 1200, 1e-9);
});

test('voicing errors of both kinds count, and their frames have no interval', () => {
  assert.deepEqual(pitchErrors(track(100, 0, 150, 0), track(0, 100, 150, 0)), { f0Rmse: 0, voicingError: 50 });
});

test('where no frame is voiced in both there is no interval', () => {
  assert.deepEqual(pitchErrors(track(0, 0), track(0, 100)), { f0Rmse: null, voicingError: 50 });
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

test('the values are those of an independent programme', async () => {
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
