import assert from 'node:assert/strict';
import test from 'node:test';
import { cardinal, decade, decimal, fraction, label, ordinal, romanValue, year } from './numbers.js';

test('cardinals, up to where they are said digit by digit', () => {
  const said = {
    0: 'zero',
    7: 'seven',
    13: 'thirteen',
    20: 'twenty',
    21: 'twenty-one',
    100: 'one hundred',
    342: 'three hundred forty-two',
    1000: 'one thousand',
    1_000_001: 'one million one',
    '12,345': 'twelve thousand three hundred forty-five',
    '007': 'seven',
    '9007199254740993':
      'nine quadrillion seven trillion one hundred ninety-nine billion two hundred fifty-four million seven hundred forty thousand nine hundred ninety-three',
  };
  for (const [value, words] of Object.entries(said)) assert.equal(cardinal(value), words);
  assert.equal(cardinal('1'.repeat(37)), Array.from({ length: 37 }, () => 'one').join(' '));
});

test('every cardinal below 3,000 is a different one, and its ordinal too', () => {
  const all = Array.from({ length: 3000 }, (_, n) => n);
  assert.equal(new Set(all.map(cardinal)).size, 3000);
  assert.equal(new Set(all.map(ordinal)).size, 3000);
  for (const n of all) assert.match(ordinal(n), /(?:st|nd|rd|th)$/);
});

test('ordinals, years, labels, decades, decimals and fractions', () => {
  assert.deepEqual([1, 2, 3, 5, 8, 9, 12, 20, 21, 100].map(ordinal), [
    ...[
      'first',
      'second',
      'third',
      'fifth',
      'eighth',
      'ninth',
      'twelfth',
      'twentieth',
      'twenty-first',
      'one hundredth',
    ],
  ]);
  assert.deepEqual([626, 1066, 1800, 1905, 2000, 2009, 2010, 2024].map(year), [
    ...['six twenty-six', 'ten sixty-six', 'eighteen hundred', 'nineteen oh five', 'two thousand', 'two thousand nine'],
    ...['twenty ten', 'twenty twenty-four'],
  ]);
  assert.deepEqual(['77', '150', '207', '1303', '007', '90210'].map(label), [
    ...['seventy-seven', 'one fifty', 'two oh seven', 'thirteen oh three', 'zero zero seven', 'nine zero two one zero'],
  ]);
  assert.deepEqual(['60', '1990', '1900', '2000'].map(decade), [
    ...['sixties', 'nineteen nineties', 'nineteen hundreds', 'two thousands'],
  ]);
  assert.deepEqual(['3.05', '.5', '1,000.25'].map(decimal), [
    ...['three point zero five', 'point five', 'one thousand point two five'],
  ]);
  assert.deepEqual(
    [fraction(1, 2), fraction(3, 2), fraction(3, 4), fraction(1, 8)],
    [...['one half', 'three halves', 'three quarters', 'one eighth']],
  );
});

test('Roman numerals from I to MMMCMXCIX, and what is none', () => {
  const digits: [number, string][] = [
    ...([
      [1000, 'M'],
      [900, 'CM'],
      [500, 'D'],
      [400, 'CD'],
      [100, 'C'],
      [90, 'XC'],
      [50, 'L'],
    ] as [number, string][]),
    ...([
      [40, 'XL'],
      [10, 'X'],
      [9, 'IX'],
      [5, 'V'],
      [4, 'IV'],
      [1, 'I'],
    ] as [number, string][]),
  ];
  for (let n = 1; n < 4000; n++) {
    let [rest, written] = [n, ''];
    for (const [value, sign] of digits) for (; rest >= value; rest -= value) written += sign;
    assert.equal(romanValue(written), n);
  }
  for (const word of ['', 'IIII', 'VV', 'IC', 'ABC', 'xiv']) assert.equal(romanValue(word), undefined, word);
});
