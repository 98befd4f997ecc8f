import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { resample } from './resample.js';

/** A sine that sweeps linearly from 50 Hz to `top` over the given time; the same function of time at every rate. */
function sweep(rate: number, seconds: number, top: number): Float32Array {
  const length = Math.round(rate * seconds);
  return Float32Array.from(
    { length },
    (_, i) => 0.5 * Math.sin(2 * Math.PI * (50 * (i / rate) + ((top - 50) * (i / rate) ** 2) / (2 * seconds))),
  );
}

function decibels(signal: Float32Array, other: Float32Array, from: number, to: number): number {
  let energy = 0;
  let error = 0;
  for (let i = from; i < to; i++) {
    energy += signal[i] ** 2;
    error += (signal[i] - other[i]) ** 2;
  }
  return 10 * Math.log10(energy / error);
}

for (const [from, to] of [
  [22050, 24000],
  [44100, 22050],
  [48000, 22050],
  [16000, 22050],
]) {
  test(`a swept sine up to 89% of Nyquist keeps an SNR of 100 dB in each eighth from ${from} to ${to} Hz`, () => {
    const seconds = 3;
    const top = 0.89 * (Math.min(from, to) / 2);
    const expected = sweep(to, seconds, top);
    const actual = resample(sweep(from, seconds, top), from, to);
    assert.equal(actual.length, expected.length);
    const eighth = Math.floor(expected.length / 8);
    for (let band = 0; band < 8; band++) {
      // The filter's ringing at the abrupt start and end of the sweep is not the question here.
      const snr = decibels(expected, actual, band * eighth + 200, (band + 1) * eighth - 200);
      assert.ok(snr >= 100, `eighth ${band}: ${snr.toFixed(1)} dB`);
    }
  });
}

test('what lies above the new Nyquist frequency does not come back as an alias: -100 dB from 44100 to 22050 Hz', () => {
  for (const frequency of [12500, 15000, 18000, 21000]) {
    const tone = Float32Array.from({ length: 44100 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / 44100));
    const actual = resample(tone, 44100, 22050).subarray(1000, 21050);
    const power = actual.reduce((sum, x) => sum + x * x, 0) / actual.length;
    assert.ok(10 * Math.log10(power / 0.125) < -100, `${frequency} Hz: ${10 * Math.log10(power / 0.125)} dB`);
  }
});

test('nothing drifts: after a minute a tone is still in phase to 100 dB', () => {
  const tone = (rate: number) =>
    Float32Array.from({ length: rate * 60 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 997 * i) / rate));
  const expected = tone(22050);
  const actual = resample(tone(44100), 44100, 22050);
  const snr = decibels(expected, actual, 59 * 22050, 60 * 22050 - 200);
  assert.ok(snr >= 100, `${snr} dB`);
});

test('the length is round(n · to / from), for short and odd inputs too', () => {
  for (const [n, from, to] of [
    [1, 22050, 24000],
    [7, 48000, 22050],
    [12345, 22050, 24000],
    [99999, 44100, 16000],
    [0, 8000, 22050],
  ]) {
    assert.equal(resample(new Float32Array(n), from, to).length, Math.round((n * to) / from));
  }
});

test('the same rate gives an equal copy, and the input is left alone', () => {
  const input = sweep(8000, 0.1, 3000);
  const copy = resample(input, 8000, 8000);
  assert.deepEqual(copy, input);
  assert.notEqual(copy, input);
});

test('an absurd rate is refused by name', () => {
  for (const rate of [0, -1, 22050.5, NaN, 1e9]) {
    assert.throws(
      () => resample(new Float32Array(10), rate, 22050),
      (error) => error instanceof TtsError && error.code === 'ERR_ARGUMENT' && error.message.includes(String(rate)),
    );
  }
});
