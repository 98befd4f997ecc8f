import assert from 'node:assert/strict';
import test from 'node:test';
import { near } from '../../../test/support/speech.js';
import { TtsError } from '../../base/errors.js';
import type { Recogniser } from './recogniser.js';
import { RecognitionOf } from './recognition.js';

const clips = [
  { id: 'a', path: 'a.wav', text: 'The boy saw no one.' },
  { id: 'b', path: 'b.wav', text: 'Good evening' },
  { id: 'c', path: 'c.wav' },
  { id: 'd', path: 'd.wav', text: '…' },
];

/** Hears what its table has for the first sample, and later the fewer it has heard. */
function fake(texts: Readonly<Record<number, string>>): Recogniser {
  let delay = 20;
  return {
    name: 'table',
    hear: async (samples) => {
      await new Promise((resolve) => setTimeout(resolve, (delay -= 4)));
      return texts[samples[0]];
    },
    dispose: async () => undefined,
  };
}
const spoken = (original: number, output: number) => ({
  original: Float32Array.of(original),
  output: Float32Array.of(output),
  sampleRate: 16_000,
  nll: null,
  realTimeFactor: null,
});

test('copies and recordings are counted apart, whatever is heard first; clips without a text are left out', async () => {
  const counts: [number, number][] = [];
  const recogniser = fake({ 1: 'the boy saw one', 2: 'a boy', 3: 'good evening', 4: 'good even ink' });
  const recognition = new RecognitionOf(recogniser, ['ours'], clips, (...count) => counts.push(count));
  recognition.add(0, clips[0], spoken(1, 2));
  recognition.add(0, clips[1], spoken(3, 4));
  recognition.add(0, clips[2], spoken(9, 9));
  const { words, recordings, systems } = await recognition.result();
  assert.equal(words, 7);
  assert.deepEqual(recordings.clips, [
    { id: 'a', words: 5, errors: 1, heard: 'the boy saw one' },
    { id: 'b', words: 2, errors: 0, heard: 'good evening' },
  ]);
  assert.deepEqual([recordings.errors, recordings.aboveRecordings], [1, null]);
  near(recordings.rate.mean, 100 / 7, 1e-9);
  const [{ name, errors, rate, aboveRecordings }] = systems;
  assert.deepEqual([name, errors], ['ours', 6]);
  near(rate.mean, 600 / 7, 1e-9);
  near(aboveRecordings?.mean ?? null, 500 / 7, 1e-9);
  assert.deepEqual(counts, [
    [1, 4],
    [2, 4],
    [3, 4],
    [4, 4],
  ]);
  assert.match(recognition.notes().join(), /^2 of the clips have no transcript/);
});

test('clips without any transcript are refused, and a fault of the recogniser is passed on', async () => {
  assert.throws(() => new RecognitionOf(fake({}), ['ours'], clips.slice(2)), {
    code: 'ERR_CORPUS',
    message: /none of the 2 clips has a transcript.*metadata\.csv/,
  });
  const broken = { ...fake({}), hear: () => Promise.reject(new TtsError('ERR_RECOGNISER', 'broken')) };
  const recognition = new RecognitionOf(broken, ['ours'], clips);
  recognition.add(0, clips[0], spoken(1, 2));
  await assert.rejects(recognition.result(), { code: 'ERR_RECOGNISER' });
});
