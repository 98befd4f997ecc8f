import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { deadAddress, refused, serve, temporaryFolder } from '../../../test/support/files.js';
import { ensureCifar10, readCifar10 } from './cifar10.js';

const mini = 'data/cifar10-mini';
const record = 3073;
const training = readFileSync(join(mini, 'data_batch_1_first400.bin'));
const testing = readFileSync(join(mini, 'test_from_data_batch_1.bin'));
const records = (from: number, to: number) => training.subarray(from * record, to * record);

/** A folder with these files. */
function folderOf(t: TestContext, files: Record<string, Buffer>): string {
  const folder = join(temporaryFolder(t), 'cifar');
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

const counts = ({ train, test }: { train: { labels: Uint8Array }; test: { labels: Uint8Array } }) => [
  train.labels.length,
  test.labels.length,
];

test('an excerpt is read, its planes become pixels, and it says what it is', async () => {
  const set = await readCifar10(mini);
  assert.equal(set.name, 'CIFAR-10 (400 + 100 images)');
  assert.equal(
    set.description,
    `${set.name}: 400 training images (data_batch_1_first400.bin), 100 test images (test_from_data_batch_1.bin)`,
  );
  assert.deepEqual([set.height, set.width, set.channels, set.classes], [32, 32, 3, 10]);
  assert.deepEqual(counts(set), [400, 100]);
  assert.deepEqual([...set.train.labels.subarray(0, 5)], [6, 9, 9, 4, 1]);
  // Image 3, row 5, column 7.
  const pixel = 5 * 32 + 7;
  const planes = [0, 1, 2].map((channel) => training[3 * record + 1 + channel * 1024 + pixel]);
  assert.deepEqual([...set.train.images.subarray((3 * 1024 + pixel) * 3, (3 * 1024 + pixel) * 3 + 3)], planes);
});

test('all files of the format are joined in the order of their names', async (t) => {
  const set = await readCifar10(
    folderOf(t, {
      'data_batch_1.bin': records(0, 100),
      'more/part.bin': records(300, 400),
      'data_batch_2.bin': records(100, 130),
      'test_batch.bin': testing,
      'batches.meta.txt': Buffer.from('airplane'),
    }),
  );
  assert.deepEqual(counts(set), [230, 100]);
  assert.deepEqual(
    [...set.train.labels],
    [...Array(130).keys(), ...Array.from({ length: 100 }, (_, i) => 300 + i)].map((i) => training[i * record]),
  );
  assert.match(set.description, /230 training images \(data_batch_1\.bin, data_batch_2\.bin, more\/part\.bin\)/);
});

test('images from JPEG copies are called so, by the name of a file or a folder', async (t) => {
  const set = await readCifar10(
    folderOf(t, { 'from_jpeg/data_batch_1.bin': records(0, 50), 'from_jpeg/test_batch.bin': testing }),
  );
  assert.equal(set.name, 'CIFAR-10 from JPEG copies (50 + 100 images)');
  assert.ok(
    set.description.startsWith(
      `${set.name}: 50 training images (from_jpeg/data_batch_1.bin), 100 test images (from_jpeg/test_batch.bin)`,
    ),
  );
  const inside = folderOf(t, { 'from_jpeg/a.bin': records(0, 50) });
  assert.match((await readCifar10(join(inside, 'from_jpeg'))).name, /from JPEG copies/);
  assert.match((await readCifar10(folderOf(t, { 'a_from_jpeg.bin': records(0, 50) }))).name, /from JPEG copies/);
});

test('a file that repeats the beginning of another is left out; of equal ones the lossless one stays', async (t) => {
  const set = await readCifar10(
    folderOf(t, {
      'data_batch_1_first40.bin': records(0, 40),
      'from_jpeg/data_batch_1.bin': records(0, 100),
      'test_batch.bin': testing,
    }),
  );
  assert.deepEqual(counts(set), [100, 100]);
  assert.match(set.name, /from JPEG copies/);
  assert.match(set.description, /, without data_batch_1_first40\.bin, which repeats from_jpeg\/data_batch_1\.bin$/);
  const lossless = await readCifar10(
    folderOf(t, {
      'from_jpeg/data_batch_1.bin': records(0, 100),
      'z/data_batch_1.bin': records(0, 100),
      'test_batch.bin': testing,
    }),
  );
  assert.match(lossless.description, /^CIFAR-10 \(100 \+ 100 images\): 100 training images \(z\/data_batch_1\.bin\)/);
});

test('without a test file the last tenth is held out', async (t) => {
  const set = await readCifar10(folderOf(t, { 'data_batch_1.bin': records(0, 95) }));
  assert.deepEqual(counts(set), [85, 10]);
  assert.equal(set.test.labels[0], training[85 * record]);
  assert.match(set.description, /10 test images \(the last of the same files, held out\)/);
});

test('folders without training images and files of another format are refused', async (t) => {
  await assert.rejects(
    readCifar10('data/none'),
    refused('ERR_CORPUS', /data\/none does not exist, expected a folder with data_batch_1\.bin/),
  );
  await assert.rejects(
    readCifar10(join(mini, 'test_from_data_batch_1.bin')),
    refused('ERR_CORPUS', /is a file, expected the folder/),
  );
  await assert.rejects(
    readCifar10(folderOf(t, { data_batch_1: training })),
    refused('ERR_CORPUS', /has no \*\.bin files, expected training images.*https:/),
  );
  await assert.rejects(
    readCifar10(folderOf(t, { 'test_batch.bin': testing })),
    refused('ERR_CORPUS', /has only test_batch\.bin/),
  );
  await assert.rejects(
    readCifar10(folderOf(t, { 'a.bin': training.subarray(0, 5000) })),
    refused('ERR_CORPUS', /a\.bin has 5000 bytes, expected a multiple of 3073/),
  );
  await assert.rejects(readCifar10(folderOf(t, { 'a.bin': Buffer.alloc(0) })), refused('ERR_CORPUS', /has 0 bytes/));
  await assert.rejects(
    readCifar10(folderOf(t, { 'a.bin': Buffer.alloc(2 * record, 77) })),
    refused('ERR_CORPUS', /the label 77 in record 0, expected 0 … 9/),
  );
  await assert.rejects(readCifar10(folderOf(t, { 'a.bin': records(0, 1) })), refused('ERR_CORPUS', /one image/));
});

/** A small archive laid out like the published one. */
function makeArchive(t: TestContext): Buffer {
  const folder = folderOf(t, {
    'cifar-10-batches-bin/data_batch_1.bin': records(0, 30),
    'cifar-10-batches-bin/test_batch.bin': testing,
    'cifar-10-batches-bin/readme.html': Buffer.from('x'),
  });
  execFileSync('tar', ['-czf', 'x.tar.gz', 'cifar-10-batches-bin'], { cwd: folder });
  return readFileSync(join(folder, 'x.tar.gz'));
}

test('the archive is fetched, checked, unpacked and cleaned up after; the second time the images are there', async (t) => {
  const body = makeArchive(t);
  const { address, requests } = await serve(t, () => body);
  const folder = temporaryFolder(t);
  const options = {
    url: `${address}/cifar-10-binary.tar.gz`,
    md5: createHash('md5').update(body).digest('hex'),
    size: body.length,
  };
  const dir = await ensureCifar10(join(folder, 'cifar-10-batches-bin'), options);
  assert.deepEqual(readdirSync(folder), ['cifar-10-batches-bin']);
  assert.deepEqual(counts(await readCifar10(dir)), [30, 100]);
  await ensureCifar10(dir, options);
  assert.equal(requests.length, 1);
});

test('the published size and checksum are those that are checked by default', async (t) => {
  const { address } = await serve(t, () => Buffer.from('<html>please log in</html>'));
  const dir = join(temporaryFolder(t), 'cifar');
  await assert.rejects(
    ensureCifar10(dir, { url: `${address}/x` }),
    refused('ERR_DOWNLOAD', /expected 170,052,171 bytes/),
  );
  await assert.rejects(
    ensureCifar10(dir, { url: `${address}/x`, size: 26 }),
    refused('ERR_CHECKSUM', /expected c32a1d4ab5d03f1284b67883e8d87530/),
  );
  assert.ok(!existsSync(dir));
});

test('offline, the error says where to get the archive, where to put it, and what else can be done', async (t) => {
  const dir = join(temporaryFolder(t), 'cifar');
  const url = `${await deadAddress()}/cifar-10-binary.tar.gz`;
  await assert.rejects(
    ensureCifar10(dir, { url }),
    refused(
      'ERR_OFFLINE',
      /cifar-10-binary\.tar\.gz/,
      new RegExp(`save it as ${dir}\\.tar\\.gz`),
      new RegExp(`\\*\\.bin files into ${dir}`),
    ),
  );
});

test('any images of the format that are in the folder will do, and a folder with something else is left alone', async (t) => {
  const folder = join(temporaryFolder(t), 'cifar');
  cpSync(mini, folder, { recursive: true });
  await ensureCifar10(folder, { url: 'http://127.0.0.1:1/none' });
  const other = folderOf(t, { 'thesis.txt': Buffer.from('x') });
  await assert.rejects(ensureCifar10(other), refused('ERR_CORPUS', /has no data_batch_1\.bin, expected CIFAR-10/));
  assert.deepEqual(readdirSync(other), ['thesis.txt']);
});
