import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { deadAddress, refused, serve, temporaryFolder } from '../../../test/support/files.js';
import { ensureMnist, mnist, readMnist } from './mnist.js';

const mini = 'data/mnist-mini';
type Name = keyof typeof mnist.md5;
const names = Object.keys(mnist.md5) as Name[];
const content = (name: Name) => gunzipSync(readFileSync(join(mini, `${name}.gz`)));
/** The digests of the excerpt, in the place of those of MNIST. */
const md5 = Object.fromEntries(
  names.map((name) => [name, createHash('md5').update(content(name)).digest('hex')]),
) as Record<Name, string>;

function copyOfMini(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'digits');
  cpSync(mini, folder, { recursive: true });
  return folder;
}

/** A mirror on this machine that has the excerpt's files. */
async function mirror(
  t: TestContext,
  change = (bytes: Buffer) => bytes,
): Promise<{ mirrors: string[]; requests: string[] }> {
  const { address, requests } = await serve(t, (path) => change(readFileSync(join(mini, basename(path)))));
  return { mirrors: [`${address}/mnist/`], requests };
}

test('an excerpt is read with its counts and is not called MNIST', async () => {
  const set = await readMnist(mini);
  assert.equal(set.name, 'mnist-mini');
  assert.deepEqual([set.height, set.width, set.channels, set.classes], [28, 28, 1, 10]);
  assert.deepEqual([set.train.labels.length, set.test.labels.length], [1000, 500]);
  assert.equal(set.train.images.length, 1000 * 784);
  assert.deepEqual([...set.test.labels.subarray(0, 5)], [7, 2, 1, 0, 4]);
  assert.match(
    set.description,
    /mnist-mini \(MNIST's format.*\): 1,000 training and 500 test images of 28 × 28 from data\/mnist-mini/,
  );
});

test('unpacked files, with a dash or a dot in the name, are read too', async (t) => {
  const folder = copyOfMini(t);
  writeFileSync(join(folder, 'train-images-idx3-ubyte'), content('train-images-idx3-ubyte'));
  rmSync(join(folder, 'train-images-idx3-ubyte.gz'));
  renameSync(join(folder, 't10k-labels-idx1-ubyte.gz'), join(folder, 't10k-labels.idx1-ubyte.gz'));
  assert.deepEqual((await readMnist(folder)).train, (await readMnist(mini)).train);
});

test('files that are missing, do not belong together or have other labels are refused', async (t) => {
  const folder = copyOfMini(t);
  const put = (name: Name, bytes: Buffer) => writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes));
  const labels = content('train-labels-idx1-ubyte');
  put('train-labels-idx1-ubyte', content('t10k-labels-idx1-ubyte'));
  await assert.rejects(
    readMnist(folder),
    refused('ERR_CORPUS', /train-labels.* has 500 labels, .*train-images.* has 1000 images/),
  );
  put('train-labels-idx1-ubyte', Buffer.concat([labels.subarray(0, 8), Buffer.alloc(1000, 11)]));
  await assert.rejects(readMnist(folder), refused('ERR_CORPUS', /the label 11 at 0, expected 0 … 9/));
  put('train-labels-idx1-ubyte', labels.subarray(0, 500));
  await assert.rejects(readMnist(folder), refused('ERR_CORPUS', /train-labels.*cut short/));
  put('train-labels-idx1-ubyte', content('t10k-images-idx3-ubyte'));
  await assert.rejects(
    readMnist(folder),
    refused('ERR_CORPUS', /train-labels.*begins with 0x00000803, expected 0x00000801/),
  );
  put('train-labels-idx1-ubyte', labels);
  const images = content('t10k-images-idx3-ubyte');
  images.writeUInt32BE(14, 8);
  images.writeUInt32BE(56, 12);
  put('t10k-images-idx3-ubyte', images);
  await assert.rejects(readMnist(folder), refused('ERR_CORPUS', /images of 14 × 56, expected 28 × 28/));
  rmSync(join(folder, 'train-labels-idx1-ubyte.gz'));
  rmSync(join(folder, 't10k-images-idx3-ubyte.gz'));
  await assert.rejects(
    readMnist(folder),
    refused('ERR_CORPUS', /lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte \(with or without \.gz\)/),
  );
});

test('the files that are missing are fetched and checked; the second time nothing is asked for', async (t) => {
  const { mirrors, requests } = await mirror(t);
  const folder = join(temporaryFolder(t), 'data', 'mnist');
  const seen: string[] = [];
  assert.equal(
    await ensureMnist(folder, { mirrors, md5, onProgress: (file, done) => void (done > 0 && seen.push(file)) }),
    folder,
  );
  assert.deepEqual(readdirSync(folder).sort(), names.map((name) => `${name}.gz`).sort());
  assert.deepEqual(
    requests,
    names.map((name) => `/mnist/${name}.gz`),
  );
  assert.deepEqual(
    [...new Set(seen)],
    names.map((name) => `${name}.gz`),
  );
  assert.equal((await readMnist(folder)).train.labels.length, 1000);
  rmSync(join(folder, 't10k-images-idx3-ubyte.gz'));
  await ensureMnist(folder, { mirrors, md5 });
  await ensureMnist(folder, { mirrors, md5 });
  assert.deepEqual(requests.slice(4), ['/mnist/t10k-images-idx3-ubyte.gz']);
});

test('files that were packed again will do, on a mirror or in the folder', async (t) => {
  const { mirrors } = await mirror(t, (bytes) => gzipSync(gunzipSync(bytes), { level: 1 }));
  const folder = join(temporaryFolder(t), 'mnist');
  await ensureMnist(folder, { mirrors, md5 });
  assert.notDeepEqual(
    readFileSync(join(folder, 't10k-images-idx3-ubyte.gz')),
    readFileSync(join(mini, 't10k-images-idx3-ubyte.gz')),
  );
  await ensureMnist(folder, { mirrors: [], md5 });
});

test('the next mirror is asked when one does not answer, or answers with something else', async (t) => {
  const { mirrors } = await mirror(t);
  const portal = await serve(t, () => Buffer.from('<html>please log in</html>'));
  const empty = await serve(t, () => undefined);
  const folder = join(temporaryFolder(t), 'mnist');
  await ensureMnist(folder, {
    mirrors: [`${await deadAddress()}/`, `${portal.address}/`, `${empty.address}/`, ...mirrors],
    md5,
  });
  assert.equal(readdirSync(folder).length, 4);
  const other = join(temporaryFolder(t), 'mnist');
  await assert.rejects(
    ensureMnist(other, { mirrors: [`${await deadAddress()}/`, `${empty.address}/`], md5 }),
    refused('ERR_DOWNLOAD', /answers 404/),
  );
  await assert.rejects(
    ensureMnist(other, { mirrors: [`${portal.address}/`], md5 }),
    refused('ERR_CHECKSUM', /content that gunzip refuses/),
  );
  assert.deepEqual(readdirSync(other), []);
});

test('offline, the error says which files to fetch from where and where to put them', async (t) => {
  const folder = copyOfMini(t);
  rmSync(join(folder, 't10k-images-idx3-ubyte.gz'));
  rmSync(join(folder, 't10k-labels-idx1-ubyte.gz'));
  const dead = await deadAddress();
  const says = new RegExp(
    `Fetch t10k-images-idx3-ubyte\\.gz, t10k-labels-idx1-ubyte\\.gz from ${dead}/mnist/ .*put them into ${folder}`,
  );
  await assert.rejects(
    ensureMnist(folder, { mirrors: [`${dead}/mnist/`], md5 }),
    refused('ERR_OFFLINE', /cannot reach 127\.0\.0\.1/, says),
  );
});

test('files in the folder that are not those of MNIST are refused, and left alone', async (t) => {
  const folder = copyOfMini(t);
  await assert.rejects(
    ensureMnist(folder, { mirrors: [] }),
    refused(
      'ERR_CHECKSUM',
      /train-images-idx3-ubyte\.gz has md5 [0-9a-f]{32} unzipped, expected 6bbc9ace898e44ae57da46a324031adb/,
      /--data/,
    ),
  );
  assert.ok(readdirSync(folder).includes('train-images-idx3-ubyte.gz'));
});
