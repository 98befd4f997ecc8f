import assert from 'node:assert/strict';
import test from 'node:test';
import { golden, near, speechOf, speechRate, tone, whiteNoise, withNoise } from '../../test/support/speech.js';
import { framePeriodicity, harmonicityShare } from './harmonicity.js';
import { trackPitch } from './pitch.js';

/** Without the edges, where the frame is half empty. */
const inner = (frames: Float64Array) => frames.slice(10, -10);
const mean = (frames: Float64Array) => frames.reduce((sum, value) => sum + value, 0) / frames.length;

/** Pitch and periodicity of a signal, which several copies are compared with. */
const measured = new Map<Float32Array, readonly [Float64Array, Float64Array]>();
function measure(original: Float32Array): readonly [Float64Array, Float64Array] {
  const known = measured.get(original) ?? [trackPitch(original, speechRate), framePeriodicity(original, speechRate)];
  measured.set(original, known);
  return known;
}
const share = (original: Float32Array, copy: Float32Array) =>
  harmonicityShare(...measure(original), framePeriodicity(copy, speechRate));

/** A tone whose period is a whole number of samples. */
const steady = (period: number, sampleRate = speechRate, seconds = 1) =>
  tone(() => sampleRate / period, seconds, sampleRate);

test('a steady tone correlates with itself in full, from 70 to 400 Hz, at any rate, loudness and offset', () => {
  for (const sampleRate of [16000, 22050, 48000]) {
    for (const frequency of [70.5, 110, 200, 398]) {
      const samples = steady(Math.round(sampleRate / frequency), sampleRate, 0.3);
      for (const [gain, offset] of [
        [1, 0],
        [0.001, 0],
        [1, 0.5],
      ])
        for (const found of inner(
          framePeriodicity(
            samples.map((value) => gain * value + offset),
            sampleRate,
          ),
        ))
          near(found, 1, 1e-4);
    }
  }
});

test('a tone in white noise has a periodicity of SNR / (1 + SNR)', () => {
  for (const snr of [20, 10, 5, 0]) {
    // Of 100 Hz: twice its period is out of range, and only one period can be the best.
    const clean = steady(220);
    const ratio = 10 ** (snr / 10);
    near(mean(inner(framePeriodicity(withNoise(clean, snr), speechRate))), ratio / (1 + ratio), 0.025);
    // The original is 1, so the share is the same.
    near(share(clean, withNoise(clean, snr)), ratio / (1 + ratio), 0.025);
  }
});

test('noise has little, and silence none', () => {
  const noise = inner(framePeriodicity(Float32Array.from(whiteNoise(speechRate)), speechRate));
  assert.ok(mean(noise) > 0 && mean(noise) < 0.2, `${mean(noise)}`);
  assert.ok(framePeriodicity(new Float32Array(5000), speechRate).every((value) => value === 0));
  assert.ok(
    framePeriodicity(new Float32Array(5000).fill(0.25), speechRate)
      .slice(10, -10)
      .every((value) => value === 0),
  );
  assert.deepEqual([...framePeriodicity(new Float32Array(0), speechRate)], [0]);
});

test('frames are centred on their place in the signal', () => {
  const half = steady(147).map((value, i, { length }) => (i < length / 2 ? value : 0));
  const frames = framePeriodicity(half, speechRate);
  assert.equal(frames.length, trackPitch(half, speechRate).length);
  const hop = Math.round(0.005 * speechRate);
  const last = frames.findLastIndex((value) => value > 0.99);
  // The stretches of the shortest period that fits reach (25 + 6.7) / 2 ms beyond the centre.
  near((last * hop) / speechRate, 0.5 - 0.0158, 0.006);
});

test('only frames that are voiced in the original count', () => {
  const hertz = Float64Array.of(100, 0, 200);
  near(harmonicityShare(hertz, Float64Array.of(0.8, 0.1, 1), Float64Array.of(0.4, 1, 0.5)), 0.5, 1e-12);
  const frames = { target: Int32Array.of(0, 0, 2), output: Int32Array.of(0, 1, 1) };
  near(harmonicityShare(hertz, Float64Array.of(0.8, 0.1, 1), Float64Array.of(0.4, 0.9), frames), 2.2 / 2.6, 1e-12);
  assert.equal(harmonicityShare(Float64Array.of(0, 0), Float64Array.of(0.1, 0.2), Float64Array.of(0.1, 0.2)), null);
});

test('recordings are as harmonic as themselves, and less so in noise', async () => {
  for (const clip of ['LJ001-0008', 'LJ011-0202']) {
    const speech = await speechOf(clip);
    assert.equal(share(speech, speech), 1);
    const shares = [30, 20, 10, 0].map((snr) => share(speech, withNoise(speech, snr)) ?? NaN);
    assert.ok(
      shares.every((value, i) => value < (shares[i - 1] ?? 1)),
      shares.join(),
    );
    assert.ok(shares[0] > 0.97 && shares[3] > 0.4, shares.join());
    assert.equal(share(speech, new Float32Array(speech.length)), 0);
  }
});

test('the figures are those of an independent program', async () => {
  for (const { clip, snr, harmonicity } of golden.cases) {
    const clean = await speechOf(clip);
    near(share(clean, withNoise(clean, snr)), harmonicity, 1e-5);
  }
});
