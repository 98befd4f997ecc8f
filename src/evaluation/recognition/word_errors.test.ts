import assert from 'node:assert/strict';
import test from 'node:test';
import { near } from '../../../test/support/speech.js';
import { wordErrorRate, wordErrors, wordsOf } from './word_errors.js';

test('case, punctuation, accents and quotation marks are no words', () => {
  assert.deepEqual(wordsOf('“In the centre” — of the CHAPEL; a large, dock-like erection.'), [
    ...['in', 'the', 'centre', 'of', 'the', 'chapel', 'a', 'large', 'dock', 'like', 'erection'],
  ]);
  assert.deepEqual(wordsOf("'Tis the boys' café, don’t!  1,984"), [
    ...['tis', 'the', 'boys', 'cafe', "don't", '1', '984'],
  ]);
  assert.deepEqual(wordsOf(' … '), []);
});

const errors = (said: string, heard: string) => wordErrors(wordsOf(said), wordsOf(heard));

test('a word in the place of another, one left out and one too many are one error each', () => {
  assert.equal(errors('the boy saw no one', 'The boy saw no one.'), 0);
  assert.equal(errors('the boy saw no one', 'a boy saw no one'), 1);
  assert.equal(errors('the boy saw no one', 'boy saw no one'), 1);
  assert.equal(errors('the boy saw no one', 'the boy he saw no one'), 1);
  assert.equal(errors('the boy saw no one', 'boys saw none of it'), 5);
  assert.equal(errors('the boy saw no one', ''), 5);
  assert.equal(errors('', 'the boy'), 2);
  // Of a word, not of its letters; and order matters.
  assert.equal(errors('industries', 'industry'), 1);
  assert.equal(errors('a b c d', 'b a d c'), 3);
});

test('the errors of long texts are those of the textbook', () => {
  const textbook = (a: readonly string[], b: readonly string[]): number => {
    let row = b.map((_, j) => j + 1);
    for (const [i, word] of a.entries()) {
      const next: number[] = [];
      for (const [j, other] of b.entries()) {
        const both = (j === 0 ? i : row[j - 1]) + (word === other ? 0 : 1);
        next.push(Math.min(both, row[j] + 1, (j === 0 ? i + 1 : next[j - 1]) + 1));
      }
      row = next;
    }
    return row[b.length - 1];
  };
  const words = (count: number, step: number) => Array.from({ length: count }, (_, i) => `w${(i * step) % 83}`);
  for (const [a, b] of [
    [words(200, 7), words(180, 11)],
    [words(33, 5), words(31, 5)],
    [words(100, 3), words(100, 3).reverse()],
  ])
    assert.equal(wordErrors(a, b), textbook(a, b));
});

test('the rate is all errors over all words, in percent, with the interval of a ratio', () => {
  const clips = [
    { words: 4, errors: 1 },
    { words: 10, errors: 2 },
    { words: 6, errors: 3 },
  ];
  const { count, mean, low, high } = wordErrorRate(clips);
  assert.equal(count, 3);
  near(mean, 30, 1e-9);
  // Residuals -0.2, -1, 1.2: deviation √1.24, t(0.975, 2) = 4.302653, mean of words 20 / 3.
  const half = (100 * 4.302653 * Math.sqrt(1.24 / 3)) / (20 / 3);
  near(high, 30 + half, 1e-3);
  near(low, 30 - half, 1e-3);
  assert.deepEqual(wordErrorRate([{ words: 2, errors: 3 }]), { count: 1, mean: 150, low: null, high: null });
  // Rates that are all alike have no width.
  const alike = wordErrorRate([
    { words: 4, errors: 1 },
    { words: 8, errors: 2 },
  ]);
  near(alike.low, 25, 1e-9);
  near(alike.high, 25, 1e-9);
});
