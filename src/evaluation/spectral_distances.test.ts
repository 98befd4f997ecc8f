import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near, shortened, speechOf, speechRate, withNoise } from '../../test/support/speech.js';
import { warp } from './alignment.js';
import {
  cepstralDistance,
  cosineSeries,
  logSpectralDistance,
  melCepstra,
  melCepstralDistortion,
} from './spectral_distances.js';

const speech = await speechOf('LJ001-0008');
const sampleRate = speechRate;
const cepstra = melCepstra(speech, sampleRate);

test('the coefficients of a series of cosines are found exactly', () => {
  const values = Float64Array.from(
    { length: 40 },
    (_, b) => 7 + 2 * Math.cos((Math.PI * 3 * (b + 0.5)) / 40) - 0.5 * Math.cos((Math.PI * 11 * (b + 0.5)) / 40),
  );
  cosineSeries(values, 13).forEach((value, i) => near(value, i === 2 ? 2 : i === 10 ? -0.5 : 0, 1e-12));
});

test('the distance is the root mean square difference of smooth spectra in dB', () => {
  const shape = (scale: number) =>
    Float64Array.from({ length: 40 }, (_, b) => scale * Math.cos((Math.PI * 2 * (b + 0.5)) / 40));
  const frame = (values: Float64Array) => ({ data: cosineSeries(values, 13), frames: 1 });
  const inDecibels = shape(0.3).map((value) => (20 / Math.LN10) * value);
  const rms = Math.sqrt(inDecibels.reduce((sum, value) => sum + value * value, 0) / 40);
  near(cepstralDistance(frame(shape(0.3)), 0, frame(shape(0)), 0), rms, 1e-12);
});

test('a copy has no distortion, at any loudness; noise raises it', () => {
  for (const gain of [1, 0.5, 0.01, 3])
    near(
      melCepstralDistortion(
        cepstra,
        melCepstra(
          speech.map((value) => gain * value),
          sampleRate,
        ),
      ),
      0,
      1e-4,
    );
  const distortions = [40, 30, 20, 10, 0].map((snr) =>
    melCepstralDistortion(cepstra, melCepstra(withNoise(speech, snr), sampleRate)),
  );
  distortions.slice(1).forEach((value, i) => assert.ok(value > distortions[i], distortions.join()));
});

test('silence against silence is no distortion, and no NaN', () => {
  const silence = melCepstra(new Float32Array(5000), sampleRate);
  assert.equal(melCepstralDistortion(silence, silence), 0);
  assert.ok(Number.isFinite(melCepstralDistortion(cepstra, silence)));
});

test('the values are those of an independent program', async () => {
  for (const { clip, snr, melCepstralDistortion: expected } of golden.cases) {
    const clean = await speechOf(clip);
    near(
      melCepstralDistortion(melCepstra(clean, sampleRate), melCepstra(withNoise(clean, snr), sampleRate)),
      expected,
      1e-4,
    );
  }
});

test('what was cut out does not count when the signals are warped', async () => {
  for (const { clip, pairs, melCepstralDistortion: expected } of golden.warped) {
    const clean = await speechOf(clip);
    const [a, b] = [clean, shortened(clean)].map((samples) => melCepstra(samples, sampleRate));
    const path = warp(a.frames, b.frames, (i, j) => cepstralDistance(a, i, b, j));
    assert.equal(path.target.length, pairs);
    near(melCepstralDistortion(a, b, path), expected, 1e-4);
    assert.ok(melCepstralDistortion(a, b) > 3 * expected);
  }
});

test('half the amplitude is a distance of at most 6.02 dB', () => {
  const distance = logSpectralDistance(
    speech,
    speech.map((value) => value / 2),
    sampleRate,
  );
  assert.ok(distance > 4 && distance <= 6.03, `${distance}`);
  // Without silence in it, the distance is exact.
  const noise = Float32Array.from({ length: 22050 }, (_, i) => Math.sin(i * i));
  assert.ok(
    Math.abs(
      logSpectralDistance(
        noise,
        noise.map((value) => value / 2),
        sampleRate,
      ) -
        20 * Math.log10(2),
    ) < 1e-3,
  );
});

test('the distance grows with the damage', () => {
  const distances = [0.001, 0.01, 0.1].map((amplitude) =>
    logSpectralDistance(
      speech,
      speech.map((value, i) => value + amplitude * Math.sin(i * i)),
      sampleRate,
    ),
  );
  assert.ok(distances[0] > 0 && distances[1] > distances[0] && distances[2] > distances[1], distances.join());
});

test('the log-spectral distance is that of an independent program', async () => {
  for (const { clip, snr, logSpectralDistance: expected } of golden.cases) {
    const clean = await speechOf(clip);
    near(logSpectralDistance(clean, withNoise(clean, snr), sampleRate), expected, 1e-4);
  }
});
