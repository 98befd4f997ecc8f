import assert from 'node:assert/strict';
import test from 'node:test';
import { csvField, csvLines } from './csv.js';

test('text that a spreadsheet would take for a formula begins with a single quote', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\uff1d1', '\uff20x', '\u00a0=1', '=HYPERLINK(1)'])
    assert.equal(csvField(text), `'${text}`, text);
  assert.equal(csvField('\t=1'), '"\'\t=1"');
  assert.equal(csvField('\r=1'), '"\'\r=1"');
  assert.equal(csvField('\ntext'), '"\'\ntext"');
  assert.equal(csvField('=cmd|"/c calc"!A1'), '"\'=cmd|""/c calc""!A1"');
});

test('other text, and numbers below 0, stay as they are', () => {
  for (const text of ['', 'one', 'a=1', 'a-b', '_x', "'", 'ü', '1', 'p@q']) assert.equal(csvField(text), text);
  assert.equal(csvField(-2), '-2');
  assert.equal(
    csvLines([
      ['a', -1],
      ['x,y', ''],
    ]),
    'a,-1\r\n"x,y",\r\n',
  );
  // Some spreadsheets split at a semicolon.
  assert.equal(csvField('a;=1'), '"a;=1"');
});
