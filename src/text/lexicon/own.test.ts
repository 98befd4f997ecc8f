import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../../base/errors.js';
import { parseLexicon } from './own.js';

test('a lexicon is read with tabs, spaces, comments, CRLF and several pronunciations', () => {
  const text =
    '\uFEFF# mine\r\n;;; more\r\nTomato\tT AH0 M EY1 T OW2\r\ntomato(2)  t ah0 m aa1 t ow2\r\n\r\nO’Neill OW0 N IY1 L # him\n' +
    'hello HH AH L OW\ntomato T AH0 M EY1 T OW2\n';
  assert.deepEqual(
    [...parseLexicon(text, 'my.lexicon')].map(([word, all]) => [word, ...all.map((phones) => phones.join(' '))]),
    [
      ['tomato', 'T AH0 M EY1 T OW2', 'T AH0 M AA1 T OW2'],
      ["o'neill", 'OW0 N IY1 L'],
      ['hello', 'HH AH0 L OW1'],
    ],
  );
});

test('what is wrong is told with its line', () => {
  const wrong: [string, RegExp][] = [
    ['a AH0\nhello', /my\.lexicon line 2: 'hello' has no phones/],
    ['a AH0\n\nhello HH EH3 L OW1', /line 3: 'EH3' is no phone/],
    ['hello həˈloʊ', /line 1: 'HƏˈLOʊ' is no phone|line 1: 'HƏˈLOƱ' is no phone/],
    ['123 W AH1 N', /line 1: '123' has no letter/],
    ['# nothing\n', /my\.lexicon has no words/],
    [`x${'y'.repeat(1000)} Q`, /line 1: 'Q' is no phone/],
  ];
  for (const [text, message] of wrong)
    assert.throws(
      () => parseLexicon(text, 'my.lexicon'),
      (error) => error instanceof TtsError && error.code === 'ERR_LEXICON' && message.test(error.message),
      text.slice(0, 40),
    );
});
