import assert from 'node:assert/strict';
import test from 'node:test';
import { refused } from '../../../test/support/files.js';
import { openPronouncer } from '../../text/load.js';
import { phonesOf } from '../../text/phones_of.js';
import { tokensOf } from '../../text/tokens.js';
import { alignmentOfTextGrid, type ClipAlignment, textGridOf } from './clip_alignment.js';
import { compareAlignments } from './compare.js';
import { readAlignments } from './read.js';
import { formatTextGrid, parseTextGrid, type TextGrid } from './textgrid.js';
import { type Transcript, transcriptOf } from './transcript.js';

const pronouncer = await openPronouncer();
const fixtures = 'test/fixtures/alignment';

/** Intervals from labels with the times at which they end. */
const tier = (name: string, ...parts: [string, number][]) => ({
  name,
  intervals: parts.map(([text, end], i) => ({ text, start: i === 0 ? 0 : parts[i - 1][1], end })),
});
const gridOf = (words: [string, number][], phones: [string, number][]): TextGrid => ({
  start: 0,
  end: words[words.length - 1][1],
  tiers: [tier('words', ...words), tier('phones', ...phones)],
});
const shown = ({ tokens }: ClipAlignment) =>
  tokens.map(({ symbol, start, end }) => `${symbol} ${Number(start.toFixed(3))}-${Number(end.toFixed(3))}`).join(' | ');

test('phones are those of the TextGrid, pauses those of the text', async () => {
  const grid = gridOf(
    [
      ['', 0.1],
      ['read', 0.4],
      ['', 0.5],
      ['it', 0.7],
      ['now', 1],
    ],
    [
      ['sp', 0.1],
      ['R', 0.2],
      ['EH1', 0.3],
      ['D', 0.4],
      ['sil', 0.5],
      ['IH1', 0.6],
      ['T', 0.7],
      ['N', 0.8],
      ['AW1', 1],
    ],
  );
  const alignment = alignmentOfTextGrid(grid, await transcriptOf('Read, it now!', pronouncer), { id: 'a' });
  assert.equal(
    shown(alignment),
    '^ 0-0.1 | R 0.1-0.2 | EH1 0.2-0.3 | D 0.3-0.4 | , 0.4-0.5 | IH1 0.5-0.6 | T 0.6-0.7 |   0.7-0.7 | N 0.7-0.8 | AW1 0.8-1 | ! 1-1',
  );
  assert.deepEqual(alignment.words, ['read', 'it', 'now']);
  assert.deepEqual(
    alignment.tokens.map(({ word }) => word),
    [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3],
  );
  const again = parseTextGrid(Buffer.from(formatTextGrid(textGridOf(alignment))), 'b');
  assert.equal(
    shown(alignmentOfTextGrid(again, await transcriptOf('Read, it now!', pronouncer), { id: 'a' })),
    shown(alignment),
  );
});

test('words that were read in another way move no comma, and of those that are missing the strongest pause stays', async () => {
  const one = (text: string, i: number): [string, number] => [text, (i + 1) / 10];
  const words = ['yes', 'sixteen', 'hundred', 'no'];
  const grid = gridOf(words.map(one), ['Y', 'S', 'AH0', 'N'].map(one));
  const boundaries = async (text: string) => {
    const { tokens } = alignmentOfTextGrid(grid, await transcriptOf(text, pronouncer), { id: 'a' });
    return tokens.filter(({ id }) => id < 9).map(({ symbol }) => symbol);
  };
  assert.deepEqual(await boundaries('Yes, one thousand six hundred; no'), ['^', ',', ' ', ';', '_']);
  assert.deepEqual(await boundaries('Yes. Sixteen, uh, hundred? No.'), ['^', '.', ',', '?', '.']);
  assert.deepEqual(await boundaries('Yes hundred, no?'), ['^', ' ', ' ', ',', '?']);
});

test('the boundary between two sentences is that of the ending of the first', async () => {
  const transcript = await transcriptOf('Is it? It is, sir.', pronouncer);
  assert.deepEqual(transcript.boundaries, ['start', 'word', 'question', 'word', 'comma', 'statement']);
  const one = await transcriptOf('Well, so it is.', pronouncer);
  for await (const sentence of phonesOf('Well, so it is.', { pronouncer }))
    assert.deepEqual(tokensOf(sentence).flatMap(({ id }) => (id < 9 ? [id] : [])).length, one.boundaries.length);
});

test('phones of words that the aligner did not know are guessed and named', async () => {
  const grid = gridOf(
    [
      ['a', 0.1],
      ['<unk>', 0.5],
    ],
    [
      ['AH0', 0.1],
      ['spn', 0.5],
    ],
  );
  const alignment = alignmentOfTextGrid(grid, await transcriptOf('a {K AE1 T S}', pronouncer), { id: 'a' });
  assert.deepEqual(alignment.guessed, [1]);
  assert.equal(
    shown(alignment),
    '^ 0-0 | AH0 0-0.1 |   0.1-0.1 | K 0.1-0.2 | AE1 0.2-0.3 | T 0.3-0.4 | S 0.4-0.5 | _ 0.5-0.5',
  );
});

test('a TextGrid that does not belong to its clip is refused', async () => {
  const transcript = await transcriptOf('one two', pronouncer);
  const good = gridOf(
    [
      ['one', 0.5],
      ['two', 1],
    ],
    [
      ['W', 0.5],
      ['T', 1],
    ],
  );
  const attempt =
    (grid: TextGrid, seconds?: number, said: Transcript = transcript) =>
    () =>
      alignmentOfTextGrid(grid, said, { id: 'a', seconds });
  attempt(good)();
  assert.throws(attempt(good, 2), refused('ERR_TEXTGRID', /ends at 1\.000 s, expected .* 2\.000 s/));
  assert.throws(
    attempt({ ...good, tiers: good.tiers.slice(1) }),
    refused('ERR_TEXTGRID', /0 tiers of words.*'phones'/),
  );
  assert.throws(
    attempt({ ...good, tiers: [...good.tiers, { ...good.tiers[0], name: 'Bob - words' }] }),
    refused('ERR_TEXTGRID', /2 tiers of words/),
  );
  const other = await transcriptOf('three four five', pronouncer);
  assert.throws(attempt(good, 1, other), refused('ERR_TEXTGRID', /0 of the 3 words/));
  const ipa = gridOf(
    [
      ['one', 0.5],
      ['two', 1],
    ],
    [
      ['w', 0.5],
      ['tʰ', 1],
    ],
  );
  assert.throws(attempt(ipa), refused('ERR_TEXTGRID', /the phone 'Tʰ' in 'two', expected ARPAbet/));
  assert.throws(attempt(gridOf([['', 1]], [['', 1]])), refused('ERR_TEXTGRID', /no words/));
});

test('what cannot be used of a folder is left out and named', async () => {
  const clips = [
    { id: 'LJ001-0002', text: 'in being comparatively modern.' },
    { id: 'LJ001-0008' },
    { id: 'LJ001-0011', text: 'Quite another thing.' },
    { id: 'none', text: 'None.' },
  ];
  const { alignments, leftOut } = await readAlignments(clips, fixtures, { pronouncer });
  assert.deepEqual(
    alignments.map(({ id, tokens }) => [id, tokens.filter(({ id: token }) => token >= 9).length]),
    [['LJ001-0002', 23]],
  );
  assert.deepEqual(
    leftOut.map(({ id }) => id),
    ['LJ001-0008', 'LJ001-0011', 'none'],
  );
  assert.match(leftOut[1].why, /of the 3 words of its transcript/);
});

test('a comparison counts starts and ends, and names words that are off', async () => {
  const clips = [{ id: 'LJ001-0002', text: 'in being comparatively modern.' }];
  const [theirs] = (await readAlignments(clips, fixtures, { pronouncer })).alignments;
  const shifted = (by: number): ClipAlignment => ({
    ...theirs,
    tokens: theirs.tokens.map((token) => ({ ...token, start: token.start + by, end: token.end + by })),
  });
  const same = compareAlignments([theirs], [theirs]);
  assert.deepEqual([same.clips, same.phones, same.compared, same.bothWithin25], [1, 23, 23, 1]);
  const later = compareAlignments([shifted(0.02)], [theirs]);
  assert.deepEqual(
    later.within.map(({ share }) => share),
    [0, 1, 1],
  );
  assert.ok(Math.abs(later.medianShift - 0.02) < 1e-9);
  assert.deepEqual(later.wordsOff, []);
  const { wordsOff, within } = compareAlignments([shifted(0.3)], [theirs]);
  assert.equal(within[2].share, 0);
  assert.ok(wordsOff.includes('LJ001-0002: being'), wordsOff.join());
});
