import assert from 'node:assert/strict';
import test from 'node:test';
import { tone, whiteNoise } from '../../../test/support/speech.js';
import { readChannels } from '../../audio/read.js';
import { resample } from '../../audio/resample.js';
import { outliers } from './outliers.js';
import { measureRecording } from './recording.js';

const sampleRate = 22050;
const measure = (...channels: Float32Array[]) => measureRecording({ sampleRate, channels });
const within = (value: number | null, expected: number, tolerance: number) =>
  assert.ok(value !== null && Math.abs(value - expected) <= tolerance, `${value}, expected ${expected}`);

/** A second of noise at -60 dBFS, two of a voice-like tone over it, half a second of noise; all moved by an offset. */
function sentence(offset = 0): Float32Array {
  const noise = whiteNoise(Math.round(3.5 * sampleRate));
  const voice = tone((seconds) => (seconds < 1 || seconds >= 3 ? 0 : 200), 3.5, sampleRate);
  // White noise in [-1, 1) has a level of -4.77 dBFS.
  return voice.map((value, n) => value + 10 ** (-55.23 / 20) * noise[n] + offset);
}

test('noise floor, silences and offset are those that were put in', () => {
  const figures = measure(sentence(0.01));
  within(figures.noiseFloor, -60, 1);
  within(figures.silence.before, 1, 0.03);
  within(figures.silence.after, 0.5, 0.03);
  within(figures.silence.all, 1.5, 0.06);
  within(figures.offset, 327.7, 5);
  within(figures.seconds, 3.5, 0.001);
  assert.equal(figures.clipped, 0);
});

test('clipping is found, also in audio that was made quieter later', () => {
  const loud = sentence().map((value) => Math.max(-0.3, Math.min(0.3, value)));
  const flat = loud.reduce((count, value) => count + (Math.abs(value) === Math.fround(0.3) ? 1 : 0), 0);
  assert.ok(flat > 100);
  // Runs of fewer than four samples do not count.
  assert.ok(measure(loud).clipped > 0.8 * flat && measure(loud).clipped <= flat);
  assert.equal(measure(loud.map((value) => value / 4)).clipped, measure(loud).clipped);
  assert.equal(measure(new Float32Array(sampleRate)).clipped, 0);
});

test('the bandwidth is that of the audio, not of the file', async () => {
  const { channels } = await readChannels('data/ljspeech-mini/LJ001-0008.flac');
  within(measure(channels[0]).bandwidth, 11025, 300);
  const narrow = resample(resample(channels[0], sampleRate, 8000), 8000, sampleRate);
  within(measure(narrow).bandwidth, 4000, 250);
});

test('channels are compared, and mixed for all other figures', () => {
  const [a, b] = [sentence(), sentence(0.1)];
  assert.equal(measure(a, a.slice()).sameChannels, true);
  const { sameChannels, channels, offset } = measure(a, b);
  assert.deepEqual([sameChannels, channels], [false, 2]);
  within(offset, 0.05 * 32768, 5);
});

test('the same audio has the same digest, in one channel or in two', () => {
  assert.equal(measure(sentence()).audio, measure(sentence(), sentence()).audio);
  assert.notEqual(measure(sentence()).audio, measure(sentence(0.001)).audio);
});

test('silence, and audio of a sample, have no level and no bandwidth', () => {
  for (const length of [1, 30000]) {
    const { loudness, peak, noiseFloor, bandwidth, clipped } = measure(new Float32Array(length));
    assert.deepEqual([loudness, peak, noiseFloor, bandwidth, clipped], [null, null, null, null, 0]);
  }
});

test('outliers are told by the median: they do not hide each other, and alike clips have none', () => {
  const values = (...list: number[]) => list.map((value, i) => ({ id: `c${i}`, value }));
  const found = outliers(values(-30, -29, -31, -30.5, -29.5, -30, -28.8, -31.2, -10, -11), 3);
  assert.deepEqual(
    found.map(({ id }) => id),
    ['c8', 'c9'],
  );
  assert.ok(found[0].z > 10);
  assert.deepEqual(outliers(values(5, 5, 5, 5, 5, 5, 5, 5, 6), 3), []);
  assert.equal(outliers(values(5, 5, 5, 5, 5, 5, 5, 5, 9), 3).length, 1);
  assert.deepEqual(outliers(values(1, 1, 1, 50), 3), []);
});
