import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { packageRoot } from '../../base/package_root.js';
import { normalise, type Pause } from './normalise.js';

const wordsOf = (text: string): string =>
  normalise(text)
    .flatMap(({ pieces }) => pieces.flatMap((piece) => (piece.kind === 'words' ? piece.words : [])))
    .join(' ');

test('at least 95% of the cases in the fixture are spoken as they say', () => {
  const cases = readFileSync(join(packageRoot(), 'test', 'fixtures', 'text', 'normalisation.tsv'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  assert.ok(cases.length >= 200);
  const wrong = cases.map(([text, words]) => ({ text, words, ours: wordsOf(text) })).filter((c) => c.ours !== c.words);
  assert.ok(wrong.length <= 0.05 * cases.length, JSON.stringify(wrong, null, 1));
});

test('each word has its place in the text, through characters that are folded', () => {
  const text = '  “Ｄｒ．Ｓｍｉｔｈ” paid\u00ad £25\u200b — ½ of it… e\u0301té ﬁne, 😀 2½ km².  It cost $3.5 million.';
  for (const { start, end, pieces, text: sentence } of normalise(text)) {
    assert.equal(text.slice(start, end), sentence);
    let before = start;
    for (const piece of pieces) {
      // What comes of one character, as of ½, shares its place.
      assert.ok(piece.start >= before && piece.end > piece.start && piece.end <= end, JSON.stringify(piece));
      if (piece.kind === 'words') assert.equal(text.slice(piece.start, piece.end), piece.written);
      before = piece.start;
    }
  }
  const written = normalise(text).flatMap(({ pieces }) =>
    pieces.map((piece) => ('written' in piece ? piece.written : '')),
  );
  for (const piece of ['paid\u00ad', 'e\u0301té', 'ﬁne', '½', '2½ km²', '$3.5 million'])
    assert.ok(written.includes(piece), `${piece} of ${written.join('|')}`);
});

test('punctuation becomes pauses of classes, and the sentence has an ending', () => {
  const [{ pieces, ending }] = normalise('Well, yes; no: maybe — or (not) "so"... perhaps?');
  const found = pieces.flatMap((piece) => (piece.kind === 'pause' ? [piece.pause] : []));
  assert.deepEqual(found, ['comma', 'clause', 'clause', 'dash', 'dash', 'dash', 'dash']);
  assert.equal(ending, 'question');
  const endings: Record<string, Pause | 'open'> = {
    'It is.': 'statement',
    'Is it?"': 'question',
    'It is!': 'exclamation',
    'What?!': 'question',
    'it is,': 'comma',
    'as follows:': 'clause',
    'it was —': 'dash',
    'in nineteen': 'open',
    'at 5 p.m.': 'statement',
  };
  for (const [text, expected] of Object.entries(endings)) assert.equal(normalise(text)[0].ending, expected, text);
});

test('pauses stand between words only, and never two together', () => {
  for (const text of ['--- "Hello", -- (world) ... !!! and; , : — so —', ', a , , b .', '( ) [ ] x']) {
    const [{ pieces }] = normalise(text);
    assert.notEqual(pieces[0].kind, 'pause');
    assert.notEqual(pieces[pieces.length - 1].kind, 'pause');
    pieces.forEach((piece, i) => assert.ok(i === 0 || piece.kind !== 'pause' || pieces[i - 1].kind !== 'pause'));
  }
});

test('phones in braces are taken, others are read with a note', () => {
  const [{ pieces }] = normalise('Say {t ah0 m aa1 t ow2} and {HH AH L OW}.');
  assert.deepEqual(
    pieces.flatMap((piece) => (piece.kind === 'phones' ? [piece.phones.join(' ')] : [])),
    ['T AH0 M AA1 T OW2', 'HH AH0 L OW1'],
  );
  const [{ pieces: read, notes }] = normalise('A set {1, 2} here.');
  assert.equal(read.filter(({ kind }) => kind === 'phones').length, 0);
  assert.match(notes[0].note, /'1,' is no phone/);
  assert.equal(wordsOf('A set {1, 2} here.'), 'a set one two here');
});

test('what is not spoken is noted with its place', () => {
  const text = 'Hello Привет 😀 你好 \ud800 ☃ world';
  const [{ notes }] = normalise(text);
  assert.deepEqual(
    notes.map(({ start, end }) => text.slice(start, end)),
    ['Привет', '😀', '你好', '\ud800', '☃'],
  );
  assert.equal(wordsOf(text), 'hello world');
  assert.match(normalise('...')[0].notes[0].note, /no words/);
});

/** Texts of about 100,000 characters that make careless rules crash, or take for ever. */
const hostile: Record<string, string> = Object.fromEntries(
  [
    ...['a', 'a.', '7', '1-', '1,', '1:', '1.', 'a@', 'a/', 'x1', 'AB', 'XVI', '$', '.', "'", '{', '<a', '555-', '+1 '],
    ...[
      '😀',
      '\ud800',
      '\udc00',
      'e\u0301',
      '\u0301',
      'Ж',
      '你好。',
      '\0',
      '\u200b',
      '\u202e',
      'http://',
      '{AH}',
      '½',
      '\n',
      ' ',
    ],
  ].map((part) => [JSON.stringify(part), part.repeat(Math.ceil(100_000 / part.length))]),
);

for (const [name, text] of Object.entries(hostile))
  test(`100 kB of ${name} give words or notes`, () => {
    const sentences = normalise(text);
    if (text.trim() !== '') assert.ok(sentences.length > 0);
    for (const { pieces, notes } of sentences) assert.ok(pieces.length + notes.length > 0);
  });

test('pieces of everything, thrown together, keep their places', () => {
  const parts =
    'a|I|St.|Dr.|$|£|1|12|1963|,|.|-|/|:|%|@|#|{|}|<|>|\'|"|—| | | |\n|é|Ж|😀|\ud83d|½|²|°|€|e.g.|U.S.|VIII|km|p.m.|th|s|x|&|(|)|🏳️‍🌈|٣|中|\u0301|\t|HTTP|iPhone|...|?|!'.split(
      '|',
    );
  let seed = 1;
  const draw = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let i = 0; i < 2000; i++) {
    const text = Array.from({ length: 1 + draw(30) }, () => parts[draw(parts.length)]).join('');
    for (const { start, end, pieces, notes } of normalise(text)) {
      assert.ok(pieces.length + notes.length > 0, JSON.stringify(text));
      for (const span of [...pieces, ...notes])
        assert.ok(
          span.start >= start && span.end > span.start && span.end <= end,
          `${JSON.stringify(text)} ${JSON.stringify(span)}`,
        );
    }
  }
});
