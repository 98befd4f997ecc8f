import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { TtsError } from '../../base/errors.js';
import { isPhone } from '../arpabet.js';
import { loadDictionary } from '../lexicon/dictionary.js';
import { shippedG2p } from '../load.js';
import { decodeG2p, encodeG2p } from './encoding.js';
import { pronounceByLetters } from './g2p.js';
import { alignGraphones } from './graphones.js';
import { heldOutWords, partWords, wordsOfDictionary } from './held_out.js';
import { edits, phoneErrors } from './measure.js';
import { initialState, learnNgrams, nextState, probability } from './ngram.js';

const words = wordsOfDictionary(await loadDictionary());
const { heldOut, training } = partWords(words);

/** A model of every 40th word. */
const few = training.filter((_, i) => i % 40 === 0);
const { graphones, sequences } = alignGraphones(few, 3);
const symbols = graphones.length + 1;
const small = { graphones, ngrams: learnNgrams(sequences, { order: 4, symbols, prune: 0.2 }) };

test('an alignment spells each word and its phones, and puts letters where they sound', () => {
  assert.ok(sequences.length > 0.99 * few.length);
  const spelled = new Set(few.map(({ word, phones }) => `${word} ${phones.join(' ')}`));
  for (const sequence of sequences) {
    const parts = [...sequence].map((id) => graphones[id]);
    const key = `${parts.map(({ letters }) => letters).join('')} ${parts.flatMap(({ phones }) => phones).join(' ')}`;
    assert.ok(spelled.has(key), key);
  }
  const common = graphones.slice(0, 30).map(({ letters, phones }) => `${letters}=${phones.join(' ')}`);
  for (const pair of ['b=B', 'n=N', 't=T']) assert.ok(common.includes(pair), common.join(', '));
});

test('the probabilities of what follows sum to one, pruned or not, and are all above 0', () => {
  for (const prune of [0, 0.2, 5]) {
    const model = learnNgrams(sequences, { order: 4, symbols, prune });
    let state = initialState(model);
    for (const symbol of [...sequences[0], ...sequences[1]]) {
      const all = Array.from({ length: symbols }, (_, s) => probability(model, state, s));
      assert.ok(all.every((p) => p > 0));
      // Shares and backoffs are kept in single precision.
      assert.ok(Math.abs(all.reduce((a, b) => a + b) - 1) < 1e-5);
      state = nextState(model, state, symbol);
    }
  }
});

test('n-grams make what was seen more likely than what was not', () => {
  const sequence = (text: string) => Uint16Array.from(text, (c) => c.charCodeAt(0) - 97);
  const model = learnNgrams(
    Array.from({ length: 20 }, (_, i) => sequence(i % 2 ? 'abcab' : 'abd')),
    {
      order: 3,
      symbols: 5,
      prune: 0,
    },
  );
  const after = (text: string, symbol: string) => {
    const state = [...sequence(text)].reduce((s, c) => nextState(model, s, c), initialState(model));
    return probability(model, state, symbol.charCodeAt(0) - 97);
  };
  assert.ok(after('a', 'b') > 0.9);
  assert.ok(after('ab', 'c') > after('ab', 'a'));
  assert.ok(after('', 'a') > 0.9);
  // The end, after abcab.
  assert.ok(after('abcab', 'e') > 0.3);
});

test('a model is the same after it was written and read, within its steps', async () => {
  const read = await decodeG2p(gzipSync(encodeG2p(small)));
  assert.deepEqual(read.graphones, small.graphones);
  assert.deepEqual(read.ngrams.symbol, small.ngrams.symbol);
  assert.deepEqual(read.ngrams.firstChild, small.ngrams.firstChild);
  read.ngrams.share.forEach((share, x) => {
    const was = small.ngrams.share[x];
    assert.ok(was === share || Math.abs(Math.log2(share / was)) <= 1 / 24 + 1e-6 || was < 1e-6, `${was} ${share}`);
  });
  assert.deepEqual(gzipSync(encodeG2p(read)), gzipSync(encodeG2p(await decodeG2p(gzipSync(encodeG2p(read))))));
});

test('a damaged model is refused by code', async () => {
  const whole = encodeG2p(small);
  for (const bytes of [
    new Uint8Array(),
    new TextEncoder().encode('no gzip'),
    gzipSync('another file\n1 2 3\n\n'),
    gzipSync(whole).subarray(0, 2000),
    gzipSync(whole.subarray(0, whole.length - 5)),
    gzipSync(Buffer.concat([whole, Buffer.from([1])])),
  ])
    await assert.rejects(decodeG2p(bytes), (error) => error instanceof TtsError && error.code === 'ERR_LEXICON');
});

test('held-out words are not trained on, and the dictionary parts the same way whatever its order', () => {
  assert.equal(heldOut.length, heldOutWords);
  const trained = new Set(training.map(({ word }) => word));
  assert.ok(heldOut.every((word) => !trained.has(word)));
  const reversed = partWords(new Map([...words].reverse()));
  assert.deepEqual(reversed.heldOut, heldOut);
  assert.deepEqual(reversed.training, training);
});

test('edits are counted', () => {
  assert.equal(edits(['A', 'B', 'C'], ['A', 'C']), 1);
  assert.equal(edits([], ['A', 'C']), 2);
  assert.equal(edits(['A'], ['B']), 1);
});

test('the model that ships has at most 7% phone errors on the words that it has not seen', async () => {
  const model = await shippedG2p();
  const references = new Map(heldOut.map((word) => [word, words.get(word)!]));
  const { phoneErrorRate, phones } = phoneErrors(model, references, { stress: false });
  assert.ok(phones > 9000);
  assert.ok(phoneErrorRate <= 0.07, String(phoneErrorRate));
});

test('whatever letters come, phones come out, and the same each time', async () => {
  const model = await shippedG2p();
  for (const word of ['zopyrus', 'qqqq', "''", 'x', 'bcdfghjklm'.repeat(20), 'strč']) {
    const phones = pronounceByLetters(model, word);
    assert.ok(phones.every(isPhone));
    assert.deepEqual(pronounceByLetters(model, word), phones);
  }
  assert.deepEqual(pronounceByLetters(model, ''), []);
  assert.ok(pronounceByLetters(model, 'qqqq').length > 0);
});
