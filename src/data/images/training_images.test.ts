import assert from 'node:assert/strict';
import test from 'node:test';
import { refused, temporaryFolder } from '../../../test/support/files.js';
import { openTrainingImages } from './training_images.js';

test('a folder that is given is read in the format of the set, without a download', async () => {
  assert.equal(
    (await openTrainingImages({ dataset: 'mnist', folder: 'data/mnist-mini', download: true })).train.labels.length,
    1000,
  );
  assert.equal(
    (await openTrainingImages({ dataset: 'cifar10', folder: 'data/cifar10-mini', download: true })).train.labels.length,
    400,
  );
});

test('a set that is not there and may not be fetched is refused with where it is expected', async (t) => {
  const before = process.cwd();
  const folder = temporaryFolder(t);
  process.chdir(folder);
  t.after(() => process.chdir(before));
  await assert.rejects(
    openTrainingImages({ dataset: 'mnist', download: false }),
    refused('ERR_CORPUS', /mnist is not in data.mnist .*download: false.*--data DIR/),
  );
  await assert.rejects(
    openTrainingImages({ dataset: 'cifar10', download: false }),
    refused('ERR_CORPUS', /cifar10 is not in data.cifar-10-batches-bin/),
  );
});
