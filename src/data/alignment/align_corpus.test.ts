import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { refused, temporaryFolder } from '../../../test/support/files.js';
import { writeWav } from '../../audio/write.js';
import { openPronouncer } from '../../text/load.js';
import { isBoundary } from '../../text/tokens.js';
import { type Clip, openCorpus } from '../corpora/corpus.js';
import { alignCorpus, type CorpusAlignment } from './align_corpus.js';
import type { ClipAlignment } from './clip_alignment.js';
import { compareAlignments } from './compare.js';
import { readAlignments } from './read.js';

const pronouncer = await openPronouncer();
const { clips } = await openCorpus('data/ljspeech-mini');
const fixtures = 'test/fixtures/alignment';
const reference = (await readAlignments(clips, fixtures, { pronouncer })).alignments;
let known: CorpusAlignment | undefined;
const aligned = async () => (known ??= await alignCorpus(clips, { pronouncer, threads: 2 }));

const spoken = ({ tokens }: ClipAlignment) => tokens.filter((token) => !isBoundary(token));

test('one minute of speech is aligned by itself, near to the boundaries of the Montreal Forced Aligner', async () => {
  const { alignments, leftOut } = await aligned();
  assert.deepEqual(leftOut, []);
  const comparison = compareAlignments(alignments, reference);
  assert.equal(comparison.clips, 12);
  assert.ok(comparison.compared > 0.95 * comparison.phones, `${comparison.compared} of ${comparison.phones}`);
  const [, within25, within50] = comparison.within;
  assert.ok(within25.share > 0.68, `${within25.share} within 25 ms`);
  assert.ok(within50.share > 0.85, `${within50.share} within 50 ms`);
  assert.ok(comparison.wordsOff.length <= 4, comparison.wordsOff.join(', '));
});

test('tokens follow each other from 0 to the end of the recording, and every phone lasts', async () => {
  for (const alignment of (await aligned()).alignments) {
    let at = 0;
    for (const { start, end } of alignment.tokens) {
      assert.equal(start, at);
      assert.ok(end >= start);
      at = end;
    }
    assert.equal(at, alignment.seconds);
    for (const { start, end } of spoken(alignment)) assert.ok(end - start > 0.009);
    assert.equal(alignment.tokens.filter(isBoundary).length, alignment.words.length + 1);
  }
});

test('the same clips give the same alignment, whatever the number of threads', async () => {
  const few = clips.slice(0, 4);
  const [one, other] = [
    await alignCorpus(few, { pronouncer, threads: 1 }),
    await alignCorpus(few, { pronouncer, threads: 3 }),
  ];
  assert.deepEqual(one, other);
});

test('a clip with a TextGrid keeps what that says', async () => {
  const few = clips.slice(0, 4);
  const { alignments } = await alignCorpus(few, {
    pronouncer,
    textGridOf: ({ id }) => (id === few[1].id ? join(fixtures, `${id}.TextGrid`) : undefined),
  });
  assert.deepEqual(
    alignments.map(({ source }) => source),
    ['aligned', 'textgrid', 'aligned', 'aligned'],
  );
  assert.deepEqual(spoken(alignments[1]), spoken(reference[1]));
});

test('clips that cannot be aligned are named, the others are aligned', async (t) => {
  const folder = temporaryFolder(t);
  const short = join(folder, 'short.wav');
  await writeWav(
    short,
    Float32Array.from({ length: 4000 }, (_, i) => 0.3 * Math.sin(i / 7)),
    22050,
  );
  const damaged: Clip = { id: 'damaged', path: 'package.json', text: 'some words' };
  const all: Clip[] = [
    ...clips.slice(0, 3),
    damaged,
    { id: 'short', path: short, text: 'many more words than fit into so short a time' },
    { id: 'empty', path: clips[0].path, text: ' … ' },
    { id: 'none', path: clips[0].path },
    { id: 'grid', path: clips[0].path, text: 'some words' },
  ];
  const { alignments, leftOut } = await alignCorpus(all, {
    pronouncer,
    textGridOf: ({ id }) => (id === 'grid' ? 'package.json' : undefined),
  });
  assert.equal(alignments.length, 3);
  assert.deepEqual(
    leftOut.map(({ id }) => id),
    ['damaged', 'short', 'empty', 'none', 'grid'],
  );
  const why = Object.fromEntries(leftOut.map((one) => [one.id, one.why]));
  assert.match(why.damaged, /^ERR_AUDIO_FORMAT/);
  assert.match(why.short, /it lasts 0\.18 s, expected 0\.\d\d s at least for its phones/);
  assert.match(why.empty, /no words/);
  assert.match(why.none, /no transcript/);
  assert.match(why.grid, /package\.json line 2/);
  await assert.rejects(
    alignCorpus([{ id: 'none', path: clips[0].path }], { pronouncer }),
    refused('ERR_CORPUS', /none of 1 clips has a transcript/),
  );
  await assert.rejects(alignCorpus([damaged], { pronouncer }), refused('ERR_CORPUS', /could be aligned.*damaged/));
});

test('transcripts that are not what is said are found', async () => {
  const texts = new Map(clips.map(({ id, text }) => [id, text]));
  // Of about the same length, so that length does not tell.
  const [a, b] = ['LJ002-0171', 'LJ027-0006'];
  const swapped = clips.map((clip) =>
    clip.id === a || clip.id === b ? { ...clip, text: texts.get(clip.id === a ? b : a) } : clip,
  );
  const { leftOut } = await alignCorpus(swapped, { pronouncer, threads: 2 });
  assert.deepEqual(
    leftOut.map(({ id }) => id),
    [a, b],
  );
  for (const { why } of leftOut) assert.match(why, /transcript/);
});
