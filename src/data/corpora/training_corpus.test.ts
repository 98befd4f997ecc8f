import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { createGzip } from 'node:zlib';
import { deadAddress, refused, serve, temporaryFolder } from '../../../test/support/files.js';
import type { ArchiveProgress } from '../fetch/archive.js';
import { openCorpus } from './corpus.js';
import {
  corpusNames,
  ensureCorpus,
  joinCorpora,
  kathleen,
  ljSpeech,
  openPublished,
  openTrainingCorpus,
  type PublishedCorpus,
} from './training_corpus.js';

const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** A small archive laid out like LJSpeech-1.1 (gzip, which every tar can make; tar itself sees what it is). */
function makeArchive(t: TestContext): Buffer {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'LJSpeech-1.1', 'wavs'), { recursive: true });
  for (const id of ['LJ001-0002', 'LJ001-0008'])
    copyFileSync(`data/ljspeech-mini/${id}.flac`, join(folder, 'LJSpeech-1.1', 'wavs', `${id}.flac`));
  writeFileSync(
    join(folder, 'LJSpeech-1.1', 'metadata.csv'),
    readFileSync('data/ljspeech-mini/metadata.csv', 'utf8').split('\n').slice(0, 2).join('\n'),
  );
  execFileSync('tar', ['-czf', 'x.tar.gz', 'LJSpeech-1.1'], { cwd: folder });
  return readFileSync(join(folder, 'x.tar.gz'));
}

/** LJSpeech in another folder, from another place. */
function ensureLjSpeech(
  folder: string,
  { onProgress, ...source }: Partial<PublishedCorpus> & { onProgress?: ArchiveProgress } = {},
): Promise<string> {
  return ensureCorpus({ ...ljSpeech, ...source, folder }, onProgress);
}

/** Serves `body` on this machine under the archive's name. */
async function serveArchive(t: TestContext, body: Buffer): Promise<{ url: string; requests: string[] }> {
  const { address, requests } = await serve(t, () => body);
  return { url: `${address}/LJSpeech-1.1.tar.bz2`, requests };
}

test('the corpus is fetched, unpacked and cleaned up after; the second time it is there', async (t) => {
  const body = makeArchive(t);
  const { url, requests } = await serveArchive(t, body);
  const folder = temporaryFolder(t);
  const stages: string[] = [];
  const options = {
    url,
    sha256: digest(body),
    size: body.length,
    onProgress: (stage: string, done: number, total?: number) => void stages.push(`${stage} ${done}/${total}`),
  };
  const dir = await ensureLjSpeech(join(folder, 'data', 'LJSpeech-1.1'), options);
  assert.equal(dir, join(folder, 'data', 'LJSpeech-1.1'));
  assert.deepEqual(
    (await openCorpus(dir)).clips.map((clip) => clip.id),
    ['LJ001-0002', 'LJ001-0008'],
  );
  assert.deepEqual(readdirSync(join(folder, 'data')), ['LJSpeech-1.1']);
  assert.deepEqual(
    [stages[0], ...stages.slice(-3)],
    [`download 0/${body.length}`, `download ${body.length}/${body.length}`, 'unpack 0/1', 'unpack 1/1'],
  );
  await ensureLjSpeech(dir, options);
  assert.equal(requests.length, 1);
});

test('an archive put there by hand is used without a server', async (t) => {
  const body = makeArchive(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'lj'));
  mkdirSync(join(folder, 'lj.unpacking', 'left', 'over'), { recursive: true });
  writeFileSync(join(folder, 'lj.tar.bz2'), body);
  await ensureLjSpeech(join(folder, 'lj'), { url: 'http://127.0.0.1:1/none', sha256: digest(body) });
  assert.deepEqual(readdirSync(folder), ['lj']);
  assert.ok(existsSync(join(folder, 'lj', 'wavs', 'LJ001-0008.flac')));
});

test('offline, the error says where to get the archive, where to put it, and what else can be done', async (t) => {
  const dir = join(temporaryFolder(t), 'LJSpeech-1.1');
  const url = `${await deadAddress()}/LJSpeech-1.1.tar.bz2`;
  await assert.rejects(
    ensureLjSpeech(dir, { url }),
    refused('ERR_OFFLINE', /LJSpeech-1\.1\.tar\.bz2/, new RegExp(`save it as ${dir}\\.tar\\.bz2`), /--data DIR/),
  );
});

test('the published size and checksum are those that are checked by default', async (t) => {
  const { url } = await serveArchive(t, Buffer.from('<html>please log in</html>'));
  const dir = join(temporaryFolder(t), 'LJSpeech-1.1');
  await assert.rejects(ensureLjSpeech(dir, { url }), refused('ERR_DOWNLOAD', /expected 2,748,572,632 bytes/));
  await assert.rejects(
    ensureLjSpeech(dir, { url, size: 26 }),
    refused('ERR_CHECKSUM', /expected be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5/),
  );
  assert.ok(!existsSync(dir));
});

test('a file that is not an archive, and an archive without the corpus, are refused and leave no folder', async (t) => {
  const junk = Buffer.from('no archive at all');
  const folder = temporaryFolder(t);
  const dir = join(folder, 'lj');
  await assert.rejects(
    ensureLjSpeech(dir, { url: (await serveArchive(t, junk)).url, sha256: digest(junk), size: junk.length }),
    refused('ERR_DOWNLOAD', /cannot unpack .*lj\.tar\.bz2: tar stopped/),
  );
  assert.deepEqual(readdirSync(folder), ['lj.tar.bz2']);
  writeFileSync(join(folder, 'readme'), 'x');
  execFileSync('tar', ['-czf', 'lj.tar.bz2', 'readme'], { cwd: folder });
  await assert.rejects(
    ensureLjSpeech(dir, { sha256: digest(readFileSync(`${dir}.tar.bz2`)) }),
    refused('ERR_CORPUS', /no folder with a metadata\.csv/),
  );
  assert.deepEqual(readdirSync(folder).sort(), ['lj.tar.bz2', 'readme']);
});

test('without the program tar the error names it', async (t) => {
  const body = makeArchive(t);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'lj.tar.bz2'), body);
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = folder;
  await assert.rejects(
    ensureLjSpeech(join(folder, 'lj'), { sha256: digest(body) }),
    refused('ERR_DOWNLOAD', /program tar was not found/),
  );
});

test('a folder that holds something else is left alone', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  await assert.rejects(ensureLjSpeech(folder), refused('ERR_CORPUS', /has no metadata\.csv/));
  assert.deepEqual(readdirSync(folder), ['thesis.txt']);
});

/** An archive as GitHub packs the Kathleen corpus: recordings with their transcripts beside them. */
function makeKathleen(t: TestContext, clips: Readonly<Record<string, string | undefined>>): Buffer {
  const folder = temporaryFolder(t);
  const name = 'dataset-voice-kathleen-c51cb971036a127359b43c621f26ca5081eab13e';
  mkdirSync(join(folder, name, 'data'), { recursive: true });
  writeFileSync(join(folder, name, 'README.md'), '# Kathleen\n');
  for (const [id, text] of Object.entries(clips)) {
    copyFileSync('data/ljspeech-mini/LJ001-0008.flac', join(folder, name, 'data', `${id}.wav`));
    if (text !== undefined) writeFileSync(join(folder, name, 'data', `${id}.txt`), text);
  }
  execFileSync('tar', ['-czf', 'x.tar.gz', name], { cwd: folder });
  return readFileSync(join(folder, 'x.tar.gz'));
}

test('the Kathleen corpus is fetched and opened, takes and transcripts beside the recordings', async (t) => {
  const takes = { arctic_a0001_1592748574: 'Author of the danger trail.\n', arctic_a0001_1592748585: 'Author.' };
  const { address, requests } = await serve(t, () => makeKathleen(t, takes));
  const corpus = { ...kathleen, url: `${address}/x.tar.gz`, folder: join(temporaryFolder(t), 'kathleen'), clips: 2 };
  await assert.rejects(openPublished(corpus, false), refused('ERR_CORPUS', /Kathleen/, /download: false/));
  assert.deepEqual(
    (await openPublished(corpus, true)).clips.map(({ id, text }) => [id, text]),
    [
      ['arctic_a0001_1592748574', 'Author of the danger trail.'],
      ['arctic_a0001_1592748585', 'Author.'],
    ],
  );
  await openPublished(corpus, false);
  assert.equal(requests.length, 1);
});

test('a published corpus that lacks clips or transcripts is refused with their number', async (t) => {
  const clips = { arctic_a0001_1592748574: 'Author.', arctic_a0001_1592748585: undefined };
  const { address } = await serve(t, () => makeKathleen(t, clips));
  const corpus = { ...kathleen, url: `${address}/x.tar.gz`, folder: join(temporaryFolder(t), 'kathleen') };
  await assert.rejects(
    openPublished(corpus, true),
    refused('ERR_CORPUS', /has 1 recordings with transcripts, expected at least 1560/),
  );
});

test('a model names its corpora, and not where they lay', () => {
  assert.equal(corpusNames('kathleen'), 'kathleen');
  assert.equal(corpusNames(['ljspeech', '/home/me/my recordings/']), 'ljspeech, my recordings');
});

test('several corpora become one: ids tell which is which, also where two have one name', async () => {
  const mini = await openCorpus('data/ljspeech-mini');
  const joined = joinCorpora([mini, { name: 'alone', clips: [{ id: 'x', path: '/x.wav', text: 'Hello.' }] }, mini]);
  assert.equal(joined.name, 'ljspeech-mini, alone, ljspeech-mini-2');
  assert.deepEqual(joined.clips[0], { id: 'alone/x', corpus: 'alone', path: '/x.wav', text: 'Hello.' });
  assert.equal(joined.clips.length, 2 * mini.clips.length + 1);
  assert.equal(new Set(joined.clips.map(({ id }) => id)).size, joined.clips.length);

  assert.equal(joined.notes, undefined);
  assert.deepEqual(
    joinCorpora([
      { ...mini, notes: ['a'] },
      { ...mini, notes: ['b'] },
    ]).notes,
    ['a', 'b'],
  );

  const opened = await openTrainingCorpus({ corpus: ['data/ljspeech-mini', 'data/ljspeech-mini'], download: false });
  assert.equal(opened.clips.length, 2 * mini.clips.length);
  assert.deepEqual(await openTrainingCorpus({ corpus: ['data/ljspeech-mini'], download: false }), mini);
});

test('an archive without a digest that would fill the disk is refused, and leaves no folder', async (t) => {
  const folder = temporaryFolder(t);
  // 300 MB of zeros, written without a file of that size.
  const zip = createGzip({ level: 6 });
  const packed = buffer(zip);
  const header = Buffer.alloc(512);
  header.write('x/data/zeros', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${(300 * 2 ** 20).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  zip.write(header);
  for (let i = 0; i < 300; i++) zip.write(Buffer.alloc(2 ** 20));
  zip.end();
  const body = await packed;
  assert.ok(body.length < 2 ** 20);
  const { address } = await serve(t, () => body);
  const corpus = { ...kathleen, url: `${address}/x.tar.gz`, folder: join(folder, 'kathleen') };
  await assert.rejects(ensureCorpus(corpus), refused('ERR_DOWNLOAD', /more than 268435456 bytes come out of its \d+/));
  assert.deepEqual(readdirSync(folder), ['kathleen.tar.gz']);
});
