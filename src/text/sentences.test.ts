import assert from 'node:assert/strict';
import test from 'node:test';
import { SentenceSplitter, splitSentences, streamSentences } from './sentences.js';

const split = (text: string) => [...splitSentences(text)].map((sentence) => sentence.text);

test('abbreviations and initials end no sentence', () => {
  for (const sentence of [
    'Dr. Smith met Mrs. Jones at St. James St. on Monday.',
    'J. R. R. Tolkien and J. Smith wrote it.',
    'He left the U.S. Army at 5 p.m. Friday.',
    'See No. 5, Fig. 3 and p. 12.',
    'Fruit, e.g. Apples, etc. and more.',
    'Jones Co. Ltd. bought it.',
    '"What?" he said.',
    'It cost 3.5 dollars or 1,000.5.',
    'Go to www.example.com or mail a.b@c.org now.',
    '3. The chapel yard was small.',
    'Wait... what is it?',
    'Charles I. of England.',
  ])
    assert.deepEqual(split(sentence), [sentence]);
});

test('sentences end where they end', () => {
  const texts = {
    'He came. She went! Did they? Yes.': ['He came.', 'She went!', 'Did they?', 'Yes.'],
    'He said "Go." Then he went.': ['He said "Go."', 'Then he went.'],
    'It opens at 5 p.m. The door is red.': ['It opens at 5 p.m.', 'The door is red.'],
    'We like the U.S. It is big.': ['We like the U.S.', 'It is big.'],
    'A title\n\nA paragraph\nthat goes on.': ['A title', 'A paragraph\nthat goes on.'],
    'To buy:\n- milk\n- bread': ['To buy:', '- milk', '- bread'],
    '你好。Hello.': ['你好。', 'Hello.'],
    '': [],
    ' \n\n ': [],
  };
  for (const [text, sentences] of Object.entries(texts)) assert.deepEqual(split(text), sentences);
});

test('a blank line before a sentence begins a paragraph', () => {
  const text = '\n\nOne. Two.\n\nThree.\r\n \r\n\n  Four\n- five\n\n\n';
  assert.deepEqual(
    [...splitSentences(text)].map(({ text: sentence, paragraph }) => [sentence, paragraph === true]),
    [
      ['One.', false],
      ['Two.', false],
      ['Three.', true],
      ['Four', true],
      ['- five', false],
    ],
  );
});

const book =
  '  Dr. Smith paid £25 in 1963! "Really?" asked J. Smith. It rose to 5 p.m. The rest,\n\nA title\n\n- one\n- two. And ' +
  `${'so on and on, '.repeat(80)}until the end… ${'x'.repeat(1500)} 😀😀. Fin`;

test('the pieces in which a text comes mean nothing', async () => {
  const whole = [...splitSentences(book)];
  for (const { text, start } of whole) assert.equal(book.slice(start, start + text.length), text);
  for (const size of [1, 2, 3, 7, 64, 1000]) {
    const pieces = Array.from({ length: Math.ceil(book.length / size) }, (_, i) =>
      book.slice(i * size, (i + 1) * size),
    );
    const streamed = [];
    for await (const sentence of streamSentences(pieces)) streamed.push(sentence);
    assert.deepEqual(streamed, whole, `pieces of ${size}`);
  }
  assert.equal(whole.map(({ text }) => text.replaceAll(/\s/g, '')).join(''), book.replaceAll(/\s/g, ''));
});

test('a sentence comes as soon as the next word is there', () => {
  const splitter = new SentenceSplitter();
  assert.deepEqual(splitter.push('Hello there.'), []);
  assert.deepEqual(splitter.push(' How '), [{ text: 'Hello there.', start: 0 }]);
  assert.deepEqual(splitter.push('are'), []);
  assert.deepEqual(splitter.end(), [{ text: 'How are', start: 13 }]);
});

test('a sentence without an end is cut, after a comma if it can be, and never inside a character', () => {
  const long = split(`${'word '.repeat(60)}, ${'word '.repeat(400)}`);
  assert.ok(long.length > 2);
  assert.ok(long.every((text) => text.length <= 600));
  assert.ok(long[0].endsWith(','));
  for (const text of split(`x${'😀'.repeat(1000)}`)) assert.doesNotMatch(text, /^[\udc00-\udfff]|[\ud800-\udbff]$/);
});
