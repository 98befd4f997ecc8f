import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../src/base/errors.js';
import type { RandomStream } from '../../src/base/random.js';
import { alignmentOfTextGrid, type ClipAlignment } from '../../src/data/alignment/clip_alignment.js';
import { formatTextGrid, type Interval, readTextGrid, type TextGrid } from '../../src/data/alignment/textgrid.js';
import type { Transcript } from '../../src/data/alignment/transcript.js';
import { chance, damaged, damagedText, oneOf } from './damage.js';
import { assertFinite, type FuzzedReader } from './reader.js';
import { encode } from './texts.js';

const real = readFileSync('test/fixtures/alignment/LJ001-0002.TextGrid', 'utf8');
const spoken = 'in being comparatively modern'.split(' ');
const transcript: Transcript = {
  words: spoken.map((word) => ({ spoken: word, variants: [['AH0', 'N']] })),
  boundaries: ['start', 'word', 'comma', 'word', 'statement'],
};

const labels = ['', 'AA1', 'sp', 'a "b"', '""', 'é', '語', '! no comment', '<exists>', '12', '\n', ' '];

/** Tiers without gaps. */
function randomGrid(random: RandomStream): TextGrid {
  const end = (1 + random.below(5000)) / 1000;
  const tiers = Array.from({ length: random.below(4) }, (_, i) => {
    const ends = [
      ...new Set(Array.from({ length: random.below(6) }, () => random.below(Math.round(1000 * end)) / 1000)),
    ]
      .filter((time) => time > 0)
      .sort((a, b) => a - b);
    const intervals = [...ends, end].map((to, j): Interval => ({
      start: j === 0 ? 0 : ends[j - 1],
      end: to,
      text: oneOf(random, labels),
    }));
    return { name: `tier "${i}"`, intervals };
  });
  return { start: 0, end, tiers };
}

/** Praat's short format, with a tier of points before the others. */
function short({ start, end, tiers }: TextGrid): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = ['File type = "ooTextFile"', '"TextGrid"', '', start, end, '<exists>', tiers.length + 1];
  lines.push('"TextTier"', '"points"', start, end, 1, start, '"here"');
  for (const { name, intervals } of tiers) {
    lines.push('"IntervalTier"', quoted(name), start, end, intervals.length);
    for (const interval of intervals) lines.push(interval.start, interval.end, quoted(interval.text));
  }
  return lines.join('\n');
}

export const textgrid: FuzzedReader<{ grid: TextGrid; alignment?: ClipAlignment }> = {
  make(random) {
    if (chance(random, 0.4)) {
      const bytes = Buffer.from(real);
      return {
        files: {
          'a.TextGrid': chance(random, 0.5) ? damaged(bytes, random) : Buffer.from(damagedText(real, random)),
        },
      };
    }
    const grid = randomGrid(random);
    const text = chance(random, 0.5) ? short(grid) : formatTextGrid(grid);
    const bytes = encode(text, random);
    if (chance(random, 0.5)) return { files: { 'a.TextGrid': damaged(bytes, random) } };
    return { files: { 'a.TextGrid': bytes }, expected: (read) => assert.deepEqual(read.grid, grid) };
  },
  async read(folder) {
    const grid = await readTextGrid(join(folder, 'a.TextGrid'));
    try {
      return { grid, alignment: alignmentOfTextGrid(grid, transcript, { id: 'a' }) };
    } catch (error) {
      if (!(error instanceof TtsError)) throw error;
      return { grid };
    }
  },
  check({ grid, alignment }) {
    assertFinite([grid.start, grid.end], 'the grid');
    for (const { intervals } of grid.tiers) {
      let at = grid.start;
      for (const { start, end } of intervals) {
        assert.ok(start === at && end > start && end <= grid.end, `an interval from ${start} to ${end} after ${at}`);
        at = end;
      }
      assert.equal(at, grid.end, 'a tier has no interval at its end');
    }
    if (alignment === undefined) return;
    let at = 0;
    for (const { start, end, id } of alignment.tokens) {
      assert.ok(start === at && end >= start && Number.isInteger(id), `a token from ${start} to ${end} after ${at}`);
      at = end;
    }
    assert.equal(at, alignment.seconds);
  },
};
