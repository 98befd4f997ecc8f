import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { refused } from '../../test/support/files.js';
import { tinyAcoustic, tinyVoice } from '../../test/support/speaking.js';
import { chooseKernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { loadVoice } from '../model/voice/file.js';
import { openSpeaker, speak } from './open.js';
import type { Speaker } from './speaker.js';
import { type SpeakingOptions, type SpeechPiece, type SpokenText } from './speaker.js';

const voice = await loadVoice(tinyVoice);
const acoustic = tinyAcoustic(voice);
const kernels = chooseKernels({ threads: 1 });
const speaker = await openSpeaker({ acoustic, voice, kernels });
const { sampleRate, hop } = voice.features;

async function spoken(text: SpokenText, options: SpeakingOptions = {}, by: Speaker = speaker) {
  const pieces: SpeechPiece[] = [];
  const samples: number[] = [];
  for await (const piece of by.speak(text, options)) {
    pieces.push(piece);
    samples.push(...piece.pcm);
  }
  const sentences = [...new Set(pieces.map(({ sentence }) => sentence))];
  return { pieces, pcm: Int16Array.from(samples), sentences, words: pieces.flatMap(({ words }) => words) };
}

const story = 'Dr. Smith paid £25 in 1963. "Really?" asked Ann, who was there.\n\nHe did';

test('every word has its time, every phone in it too, and all fit the sound', async () => {
  const { pieces, pcm, sentences, words } = await spoken(story);
  assert.deepEqual(
    words.map(({ spoken: word }) => word).join(' '),
    'doctor smith paid twenty five pounds in nineteen sixty three really asked ann who was there he did',
  );
  assert.equal(words[0].written, 'Dr.');
  for (const { place, written } of words) assert.equal(story.slice(...place), written);
  for (const [i, { start, end, phones }] of words.entries()) {
    assert.ok(start >= (words[i - 1]?.end ?? 0) && end > start);
    assert.deepEqual([phones[0].start, phones[phones.length - 1].end], [start, end]);
    for (const [j, phone] of phones.entries()) if (j > 0) assert.equal(phone.start, phones[j - 1].end);
  }
  // Words come with the sound in which they begin.
  let samples = 0;
  for (const piece of pieces) {
    for (const { start } of piece.words) {
      assert.ok(start * sampleRate >= samples - 0.5);
      assert.ok(start * sampleRate < samples + piece.pcm.length);
    }
    samples += piece.pcm.length;
    assert.equal(piece.last, piece === pieces.findLast(({ sentence }) => sentence === piece.sentence));
  }
  assert.deepEqual(
    sentences.map(({ index, said }) => [index, said.text]),
    ['Dr. Smith paid £25 in 1963.', '"Really?" asked Ann, who was there.', 'He did'].map((text, i) => [i, text]),
  );
  assert.ok(Math.abs(sentences[2].end * sampleRate - pcm.length) < 1e-6);
});

test('between sentences is silence, more between paragraphs, less the faster it is', async () => {
  const gaps = async (options?: SpeakingOptions) => {
    const { sentences } = await spoken(story, options);
    return [sentences[1].start - sentences[0].end, sentences[2].start - sentences[1].end];
  };
  const [sentence, paragraph] = await gaps();
  assert.ok(sentence > 0.2 && sentence <= 0.4, String(sentence));
  assert.ok(paragraph > sentence + 0.3 && paragraph <= 0.8, String(paragraph));
  const [faster] = await gaps({ speed: 1.5 });
  assert.ok(faster < sentence && faster > 0);
  const { pieces } = await spoken(story);
  const pauses = pieces.filter(({ pcm, words }) => words.length === 0 && pcm.every((sample) => sample === 0));
  assert.equal(pauses.length, 2);
});

test('the same text and seed give the same samples, whatever comes beside it and however the text comes', async () => {
  async function* pieces() {
    for (let at = 0; at < story.length; at += 7) {
      await Promise.resolve();
      yield story.slice(at, at + 7);
    }
  }
  const [alone] = [await spoken(story)];
  const together = await Promise.all([spoken(story), spoken(pieces()), spoken('Another text.'), spoken([...story])]);
  for (const i of [0, 1, 3]) {
    assert.deepEqual(together[i].pcm, alone.pcm);
    assert.deepEqual(together[i].words, alone.words);
  }
  assert.notDeepEqual((await spoken(story, { seed: 2 })).pcm, alone.pcm);
  const threads = await openSpeaker({ acoustic, voice, kernels: chooseKernels({ threads: 3 }), slots: 1 });
  assert.deepEqual((await spoken(story, {}, threads)).pcm, alone.pcm);
  // Each sentence sounds as it does by itself.
  const { pcm } = await spoken('He did');
  assert.deepEqual(alone.pcm.slice(-pcm.length), pcm);
});

test('speed and pitch', async () => {
  const text = 'The quick brown fox jumps over the lazy dog.';
  const plain = await spoken(text);
  const fast = await spoken(text, { speed: 2 });
  assert.ok(fast.pcm.length < 0.65 * plain.pcm.length && fast.pcm.length > 0.4 * plain.pcm.length);
  const high = await spoken(text, { pitch: 1.5 });
  assert.equal(high.pcm.length, plain.pcm.length);
  assert.notDeepEqual(high.pcm, plain.pcm);
});

test('a sentence sounds while the next is still to be written', async () => {
  let heard = 0;
  let samplesBefore = 0;
  async function* writer() {
    yield 'One is here. And ';
    while (heard === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    samplesBefore = heard;
    yield 'two.';
  }
  for await (const { pcm } of speaker.speak(writer())) heard += pcm.length;
  assert.ok(samplesBefore > 0 && heard > samplesBefore);
});

test('any text gives speech or notes', async () => {
  const said = async (text: string) => {
    const { pcm, sentences } = await spoken(text);
    return { seconds: pcm.length / sampleRate, notes: sentences.flatMap((sentence) => sentence.said.notes) };
  };
  for (const silent of ['', ' \n\n ', '😀😀', '你好。', '\u0000\u0007\u001b', '\ud83d', '...', 'x'.repeat(100_000)]) {
    const { seconds, notes } = await said(silent);
    assert.equal(seconds, 0, JSON.stringify(silent.slice(0, 20)));
    assert.equal(notes.length > 0, silent.trim() !== '', JSON.stringify(silent.slice(0, 20)));
  }
  for (const speakable of ['Hi 😀!', 'tab\there\u0000', '{HH AH0 L OW1}', '9'.repeat(90)])
    assert.ok((await said(speakable)).seconds > 0, speakable.slice(0, 20));
});

test('a text without an end is spoken in pieces as it comes', async () => {
  let asked = 0;
  function* endless() {
    for (;;) {
      asked++;
      yield 'word and ';
    }
  }
  let sentences = 0;
  for await (const { last } of speaker.speak(endless())) if (last && ++sentences === 2) break;
  assert.ok(asked < 500, `${asked} pieces for two sentences`);
});

test('a book leaves nothing behind', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { tf } = await loadTensorFlow(kernels);
  const tensors = tf.memory().numTensors;
  const seen: WeakRef<object>[] = [];
  let [asked, ahead] = [0, 0];
  function* book() {
    for (; asked < 150; asked++) yield `This is sentence number ${asked}. `;
  }
  let held = 0;
  for await (const { sentence, pcm, last } of speaker.speak(book(), { speed: 3 })) {
    if (last) seen.push(new WeakRef(sentence), new WeakRef(pcm));
    ahead = Math.max(ahead, asked - sentence.index);
    if (!last || sentence.index !== 120) continue;
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
    }
    held = seen.filter((piece) => piece.deref()).length;
  }
  assert.equal(seen.length, 300);
  assert.ok(held < 20, `${held} of 242 objects are still there`);
  assert.ok(ahead <= 4, `${ahead} sentences ahead`);
  assert.equal(tf.memory().numTensors, tensors);
});

test('what makes no sense is refused by code, and stops are obeyed', async () => {
  for (const [options, pattern] of [
    [{ speed: 0 }, /speed is 0/],
    [{ pitch: NaN }, /pitch is NaN/],
    [{ seed: -1 }, /seed is -1/],
    [{ temperature: 20 }, /temperature is 20/],
  ] as const)
    await assert.rejects(spoken('Hello.', options), refused('ERR_ARGUMENT', pattern));
  for (const text of [undefined, null, 3, {}])
    await assert.rejects(spoken(text as never), refused('ERR_ARGUMENT', /the text is/));
  await assert.rejects(spoken('Hello.', { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' });

  const controller = new AbortController();
  let closed = false;
  async function* stalled() {
    try {
      yield 'One. Two. ';
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield 'x';
    } finally {
      closed = true;
    }
  }
  await assert.rejects(
    async () => {
      for await (const { pcm } of speaker.speak(stalled(), { signal: controller.signal }))
        if (pcm.length > 0) controller.abort();
    },
    { code: 'ABORT_ERR' },
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.ok(closed);
});

test('an error of the text is the error of the speech', async () => {
  async function* broken() {
    yield 'One. ';
    await Promise.resolve();
    throw new Error('the pen broke');
  }
  await assert.rejects(spoken(broken()), /the pen broke/);
});

test('a voice of other mels is refused, what is not there is named, and speak() keeps what it has read', async () => {
  const other = { ...voice, features: { ...voice.features, hop: hop / 2 } };
  await assert.rejects(openSpeaker({ acoustic, voice: other, kernels }), refused('ERR_VOICE_MISMATCH', /hop/));
  await assert.rejects(openSpeaker({ acoustic: 'nobody', voice }), refused('ERR_VOICE_UNKNOWN', /nobody/));
  await assert.rejects(openSpeaker({ acoustic, voice, lexicon: 'none.txt' }), refused('ERR_FILE_NOT_FOUND'));
  const pcm = async () => {
    const all: number[] = [];
    for await (const piece of speak('Hello there.', { acoustic, voice, kernels })) all.push(...piece.pcm);
    return Int16Array.from(all);
  };
  assert.deepEqual(await pcm(), (await spoken('Hello there.')).pcm);
  assert.deepEqual(await pcm(), (await spoken('Hello there.')).pcm);
});

test('the words of the model’s reader are said in the reader’s way', async () => {
  const lexicon = new Map([['hello', [['B', 'AY1']]]]);
  const reader = await openSpeaker({ acoustic: { ...acoustic, lexicon }, voice, kernels });
  const { words } = await spoken('Hello.', {}, reader);
  assert.deepEqual(
    words[0].phones.map(({ phone }) => phone),
    ['B', 'AY1'],
  );
});
