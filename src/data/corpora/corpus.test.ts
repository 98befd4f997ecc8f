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
    'ids with extension, unlisted recordings left out with a note',
  async (t) => {
    const dir = folder(t, {
      'metadata.csv': '\uFEFFb|Mr. 2|Mister two\r\n\uFEFFa.wav|"one|\r\n\r\n',
      'wavs/a.wav': true,
      'wavs/b.FLAC': true,
      'b.wav': true,
      'wavs/unlisted.wav': true,
    });
    const { clips, notes } = await openCorpus(dir);
    assert.deepEqual(notes, [`${dir}/metadata.csv does not name b.wav and 1 other recording, which are left out`]);
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

/** Two clips and their metadata, in these bytes. */
const withMetadata = (t: TestContext, bytes: Uint8Array) => {
  const dir = folder(t, { 'wavs/a.wav': true, 'wavs/b.wav': true });
  writeFileSync(join(dir, 'metadata.csv'), bytes);
  return dir;
};
const texts = async (dir: string) => (await openCorpus(dir)).clips.map(({ id, text }) => [id, text]);
const utf16 = (text: string, swap: boolean, mark: boolean) => {
  const bytes = Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');
  return swap ? bytes.swap16() : bytes;
};

test('lines of metadata end with LF, CR LF or CR, and it is UTF-8 or UTF-16', async (t) => {
  const expected = [
    ['a', 'Café one'],
    ['b', 'two'],
  ];
  for (const end of ['\n', '\r\n', '\r', '\r\r\n']) {
    const text = `a|x|Café one${end}b|two${end}`;
    assert.deepEqual(await texts(withMetadata(t, Buffer.from(text))), expected, JSON.stringify(end));
    for (const swap of [false, true])
      for (const mark of [false, true])
        assert.deepEqual(await texts(withMetadata(t, utf16(text, swap, mark))), expected, `${end} ${swap} ${mark}`);
  }
});

test('metadata in another encoding is refused with line, byte and what to do', async (t) => {
  const latin = Buffer.from('a|plain\nb|Caf\xe9\n', 'latin1');
  await assert.rejects(
    openCorpus(withMetadata(t, latin)),
    corpusError(/metadata\.csv is not UTF-8: byte 0xe9 in line 2 after "b\|Caf"/, /iconv -f ISO-8859-1 -t UTF-8/),
  );
  await assert.rejects(
    openCorpus(withMetadata(t, Buffer.from('a|one\nb|t\0wo'))),
    corpusError(/NUL character in line 2/),
  );
  await assert.rejects(openCorpus(withMetadata(t, Buffer.from('fffe000061000000', 'hex'))), corpusError(/UTF-32/));
});

test('fields may be quoted, as programs for tables write them; quotation marks of the text stay', async (t) => {
  const lines = ['"a"|"He said ""yes | no"""', 'b|"Yes," he said.|"Yes," he said.'];
  assert.deepEqual(await texts(withMetadata(t, Buffer.from(lines.join('\n')))), [
    ['a', 'He said "yes | no"'],
    ['b', '"Yes," he said.'],
  ]);
});

test('names match however their accents are written, and two that look the same are refused', async (t) => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  const dir = folder(t, { [`wavs/${decomposed}.wav`]: true, 'metadata.csv': `${composed}|hello\n` });
  const [clip] = (await openCorpus(dir)).clips;
  assert.deepEqual([clip.id, clip.text], [composed, 'hello']);
  assert.ok(clip.path.endsWith(`${decomposed}.wav`));
  const plain = folder(t, { [`${composed}.wav`]: true, [`${decomposed}.txt`]: 'said' });
  assert.deepEqual(
    (await openCorpus(plain)).clips.map(({ id, text }) => [id, text]),
    [[composed, 'said']],
  );
  const both = folder(t, { [`${composed}.wav`]: true, [`${decomposed}.wav`]: true });
  await assert.rejects(openCorpus(both), corpusError(/has 2 recordings named café/));
});

test('a name that is not UTF-8 is refused in bytes if it is a recording, and else no matter', async (t) => {
  if (process.platform !== 'linux') return t.skip('other systems do not allow such names');
  const dir = folder(t, { 'a.wav': true });
  const odd = (name: string) => Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, 'latin1')]);
  writeFileSync(odd('caf\xe9.pdf'), 'x');
  assert.equal((await openCorpus(dir)).clips.length, 1);
  writeFileSync(odd('caf\xe9.wav'), 'x');
  await assert.rejects(openCorpus(dir), corpusError(/1 name that is not UTF-8, the first is caf\\xe9\.wav; rename it/));
});

test('a folder of recordings with the names of those above it is pointed out', async (t) => {
  const spoken = folder(t, {
    'a.flac': true,
    'b.flac': true,
    'out/a.flac': true,
    'more/c.flac': true,
    'more/x/d.flac': true,
  });
  const { clips, notes } = await openCorpus(spoken);
  assert.equal(clips.length, 5);
  assert.deepEqual(notes?.length, 1);
  assert.match(notes[0], /every recording in .*out has the name of one in the folder above/);
  const takes = folder(t, { 'one/a.flac': true, 'two/a.flac': true, 'b.flac': true });
  assert.equal((await openCorpus(takes)).notes, undefined);
});

test('what a run of tts-train has spoken is no recording, and a note says so', async (t) => {
  const dir = folder(t, {
    'a.wav': true,
    '._a.wav': 'resource fork',
    'runs/v1/curve.csv': 'step',
    'runs/v1/checkpoints/x': 'x',
    'runs/v1/samples/a-target.wav': true,
    'logs/b.wav': true,
  });
  const { clips, notes } = await openCorpus(dir);
  assert.deepEqual(
    clips.map(({ id }) => id),
    ['a', 'logs/b'],
  );
  assert.match(notes?.join() ?? '', /holds a run of tts-train \(runs\/v1\)/);
  assert.equal((await openCorpus(join(dir, 'runs/v1/samples'))).clips.length, 1);
});
