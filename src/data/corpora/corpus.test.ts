import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { TtsError } from '../../base/errors.js';
import { openCorpus } from './corpus.js';

const mini = 'data/ljspeech-mini';

/** A folder with these files; a value that is not text becomes a copy of a real clip. */
function folder(t: TestContext, files: Record<string, string | true>): string {
  const root = mkdtempSync(join(tmpdir(), 'corpus-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    if (content === true) copyFileSync(join(mini, 'LJ001-0002.flac'), join(root, name));
    else writeFileSync(join(root, name), content);
  }
  return root;
}

const corpusError =
  (...patterns: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof TtsError && error.code === 'ERR_CORPUS', String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };

test('the shipped excerpt opens: twelve clips with transcripts, recordings beside the metadata', async () => {
  const { name, clips } = await openCorpus(mini);
  assert.equal(name, 'ljspeech-mini');
  assert.equal(clips.length, 12);
  assert.equal(clips[0].id, 'LJ001-0002');
  assert.equal(clips[0].text, 'in being comparatively modern.');
  assert.match(clips[0].path, /ljspeech-mini.LJ001-0002\.flac$/);
  assert.deepEqual(
    clips.map((clip) => clip.id),
    clips.map((clip) => clip.id).sort(),
  );
});

test(
  'metadata: wavs/ first, normalised transcript first, CRLF, byte order mark, ' +
    'ids with extension, unlisted recordings ignored',
  async (t) => {
    const dir = folder(t, {
      'metadata.csv': '\uFEFFb|Mr. 2|Mister two\r\na.wav|"one|\r\n\r\n',
      'wavs/a.wav': true,
      'wavs/b.FLAC': true,
      'b.wav': true,
      'wavs/unlisted.wav': true,
    });
    const { clips } = await openCorpus(dir);
    assert.deepEqual(
      clips.map(({ id, text }) => [id, text]),
      [
        ['a', '"one'],
        ['b', 'Mister two'],
      ],
    );
    assert.equal(clips[1].path, join(dir, 'wavs', 'b.FLAC'));
  },
);

test('metadata that names missing recordings is refused with their number and the first', async (t) => {
  const dir = folder(t, { 'metadata.csv': 'a|x|x\nb|x|x\nc|x|x\n', 'wavs/b.wav': true });
  await assert.rejects(openCorpus(dir), corpusError(/^2 of the 3 /, /first is a,/, /wavs/));
});

test('metadata in another format, with a double id, or empty is refused with the line', async (t) => {
  await assert.rejects(
    openCorpus(folder(t, { 'metadata.csv': 'file_name,transcription\n', 'a.wav': true })),
    corpusError(/line 1/, /file_name,transcription/, /id\|transcript/),
  );
  await assert.rejects(
    openCorpus(folder(t, { 'metadata.csv': 'a|x\n\na|y\n', 'a.wav': true })),
    corpusError(/line 3/, /names a a second time/),
  );
  await assert.rejects(
    openCorpus(folder(t, { 'metadata.csv': '\n', 'a.wav': true })),
    corpusError(/names no recording/),
  );
});

test('any folder of recordings opens, subfolders included, transcripts optional', async (t) => {
  const dir = folder(t, {
    'b.mp3': true,
    'one/a.wav': true,
    'one/a.txt': ' hello \n',
    'one/empty.ogg': true,
    'one/empty.txt': '\n',
    'notes.md': 'x',
    '.hidden.wav': true,
    '__MACOSX/one/a.wav': true,
  });
  symlinkSync(join(dir, 'one'), join(dir, 'one', 'loop'));
  symlinkSync(join(dir, 'b.mp3'), join(dir, 'link.mp3'));
  symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling.wav'));
  const { clips } = await openCorpus(dir);
  assert.deepEqual(
    clips.map(({ id, text }) => [id, text]),
    [
      ['b', undefined],
      ['link', undefined],
      ['one/a', 'hello'],
      ['one/empty', undefined],
    ],
  );
  assert.equal(clips[2].path, join(dir, 'one', 'a.wav'));
});

test('two recordings with one name are refused by name', async (t) => {
  await assert.rejects(
    openCorpus(folder(t, { 'a.wav': true, 'a.mp3': true })),
    corpusError(/named a \(a\.mp3, a\.wav\)/),
  );
});

test('a missing folder, a file, and folders without readable recordings are refused', async (t) => {
  await assert.rejects(openCorpus('/no/such/folder'), corpusError(/\/no\/such\/folder does not exist/));
  await assert.rejects(openCorpus('data/ljspeech-mini/metadata.csv'), corpusError(/is a file/));
  await assert.rejects(openCorpus(folder(t, {})), corpusError(/has 0 files/, /\.flac/));
  await assert.rejects(
    openCorpus(folder(t, { 'a.m4a': true, 'b.m4a': true })),
    corpusError(/2 recordings in formats that cannot be read/, /a\.m4a/),
  );
});
