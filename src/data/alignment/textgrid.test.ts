import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { refused } from '../../../test/support/files.js';
import { formatTextGrid, parseTextGrid, type TextGrid, textGridKind } from './textgrid.js';

const grid: TextGrid = {
  start: 0,
  end: 1.5,
  tiers: [
    {
      name: 'words',
      intervals: [
        { start: 0, end: 0.25, text: '' },
        { start: 0.25, end: 1.5, text: 'say "é"' },
      ],
    },
    { name: 'phones', intervals: [{ start: 0, end: 1.5, text: '' }] },
  ],
};
const parse = (text: string | Buffer) => parseTextGrid(Buffer.from(text as string), 'a.TextGrid');

test('what is written is read again, in UTF-8 and UTF-16 of both orders', () => {
  const text = formatTextGrid(grid);
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()]) {
    assert.deepEqual(parse(bytes), grid);
    assert.ok(textGridKind.is(bytes));
  }
  assert.ok(!textGridKind.is(Buffer.from('RIFF')));
});

test("Praat's short format, comments, and points that are left out", () => {
  const short =
    'File type = "ooTextFile"\r\n"TextGrid"\r\n0 ! the start is 7\r\n1.5\r\n<exists>\r\n3\r\n"TextTier"\r\n"tones"\r\n0 1.5 1 0.5 "H*"\r\n' +
    '"IntervalTier" "words" 0 1.5 2 0 0.25 "" 0.25 1.5 "say ""é"""\r\n"IntervalTier" "phones" 0 1.5 0';
  assert.deepEqual(parse(short), grid);
  assert.deepEqual(parse('"ooTextFile" "TextGrid" 0 2 <absent>'), { start: 0, end: 2, tiers: [] });
});

test('gaps are filled, ends that were rounded are put in their place', () => {
  const { tiers } = parse(
    '"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "words" 0 1 3 0.1 0.3 "a" 0.295 0.6 "b" 0.7 1.004 "c"',
  );
  assert.deepEqual(
    tiers[0].intervals.map(({ start, end, text }) => [start, end, text]),
    [
      [0, 0.1, ''],
      [0.1, 0.3, 'a'],
      [0.3, 0.6, 'b'],
      [0.6, 0.7, ''],
      [0.7, 1, 'c'],
    ],
  );
});

test('a TextGrid of the Montreal Forced Aligner', () => {
  const { end, tiers } = parse(readFileSync('test/fixtures/alignment/LJ001-0002.TextGrid'));
  assert.ok(Math.abs(end - 1.9) < 0.05);
  assert.deepEqual(
    tiers.map(({ name, intervals }) => [name, intervals.filter(({ text }) => text !== '').length]),
    [
      ['words', 4],
      ['phones', 24],
    ],
  );
});

test('what is no TextGrid is refused with the line', () => {
  const head = '"ooTextFile"\n"TextGrid"\n';
  for (const [text, ...patterns] of [
    ['', /line 1 has its end, expected "ooTextFile"/],
    ['hello "there"', /has "there", expected "ooTextFile"/],
    ['"ooTextFile" "Sound"', /has "Sound", expected "TextGrid"/],
    ['ooBinaryFile\x08TextGrid', /binary/],
    [`${head}0\n1\n<exists> 1 "IntervalTier" "words" 0 1 1 0 1`, /line 5 has its end, expected the label/],
    [`${head}0 1 <exists> 1 "IntervalTier" "words" 0 1 1 0 1 "a`, /a string without its end/],
    [`${head}0 1e300 <exists> 0`, /expected the end of the grid, a number from 0 to 100000/],
    [`${head}1 0 <exists> 0`, /has 0, expected the end of the grid, a number from 1/],
    [`${head}0 1 <exists> 1 "IntervalTier" "w" 0 1 2 0 0.5 "a" 0.2 1 "b"`, /has 0.2, expected the start of interval 2/],
    [`${head}0 1 <exists> -1`, /has -1, expected the number of tiers/],
    [`${head}0 1 <exists> 1.5`, /has 1.5, expected the number of tiers/],
    [`${head}0 1 <exists> 1 "Spectrogram"`, /has "Spectrogram"/],
    [`${head}0 1 "yes"`, /expected <exists>/],
    [Buffer.from([...Buffer.from(head), 0xe9, 0x20]), /not UTF-8/],
  ] as [string | Buffer, RegExp][])
    assert.throws(() => parse(text), refused('ERR_TEXTGRID', /^a\.TextGrid/, ...patterns), String(text));
});
