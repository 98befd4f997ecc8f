import assert from 'node:assert/strict';
import test from 'node:test';
import { openPronouncer } from '../text/load.js';
import { type PhoneSentence, phonesOf } from '../text/phones_of.js';
import { tokensOf } from '../text/tokens.js';
import { cutSentence } from './cut.js';

const pronouncer = await openPronouncer();

async function sentenceOf(text: string): Promise<PhoneSentence> {
  for await (const sentence of phonesOf(text, { pronouncer })) return sentence;
  throw new Error('no sentence');
}

const phonesIn = ({ elements }: PhoneSentence) =>
  elements.flatMap((element) => (element.kind === 'word' ? element.phones : []));

test('a sentence that is not long stays as it is', async () => {
  const sentence = await sentenceOf('It was a bright cold day in April, and the clocks were striking thirteen.');
  assert.deepEqual(cutSentence(sentence), [sentence]);
});

test('a long one is cut at pauses, in order, and nothing of it gets lost', async () => {
  const clause = 'the children of the village went to the river every single morning before the sun came up';
  const sentence = await sentenceOf(`${Array(6).fill(clause).join(', ')}!`);
  const pieces = cutSentence(sentence);
  assert.ok(pieces.length >= 2);
  assert.equal(pieces.map(({ text }) => text).join(''), sentence.text);
  assert.deepEqual(pieces.flatMap(phonesIn), phonesIn(sentence));
  assert.deepEqual(
    pieces.map(({ ending }) => ending),
    [...Array<string>(pieces.length - 1).fill('comma'), 'exclamation'],
  );
  for (const { elements, start, end } of pieces) {
    assert.ok(elements[0].kind === 'word' && elements[elements.length - 1].kind === 'word');
    for (const element of elements) assert.ok(element.start >= start && element.end <= end);
  }
  for (const { text } of pieces.slice(1)) assert.match(text, /^,? ?the children/);
});

test('no text makes a piece that is too long', async () => {
  for (const text of [
    'word '.repeat(119),
    '9'.repeat(599),
    '%'.repeat(599),
    'W'.repeat(599),
    `{${'K '.repeat(290)}}`,
    '1,234,567,890 '.repeat(40),
    '@#$'.repeat(190),
  ]) {
    const sentence = await sentenceOf(text);
    const pieces = cutSentence(sentence);
    for (const piece of pieces)
      assert.ok(tokensOf(piece).length <= 305, `${text.slice(0, 9)}: ${tokensOf(piece).length}`);
    assert.deepEqual(pieces.flatMap(phonesIn), phonesIn(sentence), text.slice(0, 9));
  }
});
