import assert from 'node:assert/strict';
import test from 'node:test';
import { InvalidArgumentError } from 'commander';
import { factor, positiveNumber, wholeNumber } from './options.js';

test('whole numbers are digits', () => {
  assert.deepEqual(['0', '7', '007', '9007199254740991'].map(wholeNumber), [0, 7, 7, 9007199254740991]);
  for (const text of ['', ' ', '-1', '1.5', '0x1', '1e3', ' 1', '1_000', '9007199254740992', 'NaN', '\u0661'])
    assert.throws(() => wholeNumber(text), InvalidArgumentError, text);
});

test('numbers above 0 are decimals, with an exponent or without', () => {
  assert.deepEqual(['1', '0.5', '.5', '2.', '1e-3', '1E2'].map(positiveNumber), [1, 0.5, 0.5, 2, 0.001, 100]);
  for (const text of ['', '0', '-1', '0x1', 'Infinity', '1e999', ' 1', '1,5', 'one'])
    assert.throws(() => positiveNumber(text), InvalidArgumentError, text);
});

test('factors are from 0.1 to 10', () => {
  assert.deepEqual(['0.1', '1', '10'].map(factor), [0.1, 1, 10]);
  for (const text of ['0', '0.09', '11', '-1', 'NaN', '', '1e9'])
    assert.throws(() => factor(text), /from 0.1 to 10/, text);
});
