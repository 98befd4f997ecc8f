import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { refused, temporaryFolder } from '../../../test/support/files.js';
import { parseIdx, readUnzipped } from './idx.js';

const labels = 'data/mnist-mini/train-labels-idx1-ubyte.gz';
const images = 'data/mnist-mini/t10k-images-idx3-ubyte.gz';

test('an idx file is read with its shape, packed or not', async (t) => {
  const array = parseIdx(await readUnzipped(images), 3, images);
  assert.deepEqual(array.shape, [500, 28, 28]);
  assert.equal(array.data.length, 500 * 28 * 28);
  // The well-known first labels.
  assert.deepEqual(
    [...parseIdx(await readUnzipped(labels), 1, labels).data.subarray(0, 10)],
    [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
  );
  const plain = join(temporaryFolder(t), 'labels');
  writeFileSync(plain, gunzipSync(readFileSync(labels)));
  assert.deepEqual(await readUnzipped(plain), await readUnzipped(labels));
});

test('a file of another kind is refused with its first bytes', async (t) => {
  const whole = gunzipSync(readFileSync(labels));
  const parse =
    (bytes: Buffer, axes = 1) =>
    () =>
      parseIdx(bytes, axes, 'labels');
  assert.throws(
    parse(whole, 3),
    refused('ERR_CORPUS', /labels begins with 0x00000801, expected 0x00000803: an idx file of bytes with 3 axes/),
  );
  assert.throws(parse(Buffer.from('<html>')), refused('ERR_CORPUS', /begins with 0x3c68746d/));
  assert.throws(parse(whole.subarray(0, 3)), refused('ERR_CORPUS', /cut short: it has 3 bytes/));
  assert.throws(
    parse(whole.subarray(0, 6)),
    refused('ERR_CORPUS', /cut short: it has 6 bytes, expected a header of 8/),
  );
  assert.throws(
    parse(whole.subarray(0, 900)),
    refused('ERR_CORPUS', /cut short: shape \[1000\] takes 1000 bytes, there are 892/),
  );
  assert.throws(
    parse(Buffer.concat([whole, whole])),
    refused('ERR_CORPUS', /something after the array: shape \[1000\]/),
  );
  const cut = join(temporaryFolder(t), 'cut.gz');
  writeFileSync(cut, readFileSync(images).subarray(0, 5000));
  await assert.rejects(
    readUnzipped(cut),
    refused('ERR_CORPUS', /cut\.gz cannot be unzipped \(unexpected end of file\)/),
  );
  await assert.rejects(readUnzipped('data/none.gz'), refused('ERR_FILE_NOT_FOUND'));
});

test('a gzip file that would fill the memory is refused with its size, and images are not', async (t) => {
  const path = join(temporaryFolder(t), 'bomb.gz');
  writeFileSync(path, gzipSync(Buffer.alloc(2 ** 26 + 1), { level: 9 }));
  await assert.rejects(
    readUnzipped(path),
    refused('ERR_CORPUS', /bomb\.gz has \d+ bytes and more than 67108864 unzipped/),
  );
  writeFileSync(path, gzipSync(Buffer.alloc(2 ** 26), { level: 9 }));
  assert.equal((await readUnzipped(path)).length, 2 ** 26);
});
