import assert from 'node:assert/strict';
import test from 'node:test';
import { boundaryToken, phoneToken } from '../../data/alignment/transcript.js';
import { openPronouncer } from '../../text/load.js';
import { readerLexicon } from './reader_lexicon.js';

/** A clip of words with their phones. */
const clip = (...said: [string, string][]) => ({
  id: said.map(([word]) => word).join(' '),
  seconds: 1,
  words: said.map(([word]) => word),
  tokens: said
    .flatMap(([, phones], i) => [boundaryToken('word', i), ...phones.split(' ').map((phone) => phoneToken(phone, i))])
    .map((token) => ({ ...token, start: 0, end: 0 })),
  guessed: [],
  source: 'aligned' as const,
});

test('a reader has the words that are nearly always said in another way than the dictionary', async () => {
  const either = 'AY1 DH ER0';
  const tomato = 'T AH0 M AA1 T OW2';
  const read = 'R EH1 D';
  const clips = [
    clip(['either', either], ['tomato', tomato], ['read', read], ['cat', 'K AE1 T']),
    clip(['Either', either], ['tomato', tomato], ['read', read], ['cat', 'K AE1 T']),
    clip(['either', either], ['tomato', 'T AH0 M EY1 T OW2'], ['read', read], ['cat', 'K AE1 T']),
    clip(['rarely', 'R AA1 L IY0']),
  ];
  const lexicon = await readerLexicon(clips, await openPronouncer());
  // One tomato of three was the dictionary's, read is a homograph, cat is as in the dictionary, rarely was said once.
  assert.deepEqual([...lexicon], [['either', [either.split(' ')]]]);
  const guessed = clips.map((each) => ({ ...each, guessed: [0] }));
  assert.equal((await readerLexicon(guessed, await openPronouncer())).size, 0);
});
