import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { RandomStream } from '../../src/base/random.js';
import { readCifar10 } from '../../src/data/images/cifar10.js';
import type { ImageSet, LabelledImages } from '../../src/data/images/images.js';
import { readMnist } from '../../src/data/images/mnist.js';
import { chance, damaged, oneOf, randomBytes } from './damage.js';
import { assertNumbers, type FuzzedReader } from './reader.js';

function checkImages({ train, test, height, width, channels, classes }: ImageSet): void {
  assert.ok(height >= 1 && width >= 1 && height <= 65_536 && width <= 65_536, `images of ${height} × ${width}`);
  for (const { images, labels } of [train, test]) {
    assert.ok(labels.length >= 1, 'no images');
    assert.equal(images.length, labels.length * height * width * channels);
    assert.ok(labels.every((label) => label < classes));
  }
}

const same = (found: LabelledImages, images: Uint8Array, labels: Uint8Array) => {
  assertNumbers(found.images, images, 'images');
  assertNumbers(found.labels, labels, 'labels');
};

const labelsOf = (random: RandomStream, count: number) =>
  Buffer.from(Uint8Array.from({ length: count }, () => random.below(10)));

function idxFile(shape: readonly number[], data: Buffer): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt16BE(0x0800 + shape.length, 2);
  shape.forEach((length, axis) => head.writeUInt32BE(length, 4 + 4 * axis));
  return Buffer.concat([head, data]);
}

export const idx: FuzzedReader<ImageSet> = {
  make(random) {
    const [height, width] = [1 + random.below(6), 1 + random.below(6)];
    const parts = ['train', 't10k'].map((part) => {
      const count = 1 + random.below(5);
      return { part, count, images: randomBytes(random, count * height * width), labels: labelsOf(random, count) };
    });
    const spoil = chance(random, 0.75);
    const files = parts.flatMap(({ part, count, images, labels }): [string, Buffer][] => [
      [`${part}-images-idx3-ubyte`, idxFile([count, height, width], images)],
      [`${part}-labels-idx1-ubyte`, idxFile([count], labels)],
    ]);
    const victim = random.below(files.length);
    const packed = files.map(([name, bytes], i): [string, Uint8Array] => {
      const spoiled = spoil && i === victim && chance(random, 0.8) ? damaged(bytes, random) : bytes;
      if (chance(random, 0.6)) return [name, spoiled];
      const zipped = gzipSync(spoiled, { level: 1 });
      return [`${name}.gz`, spoil && i === victim && chance(random, 0.5) ? damaged(zipped, random) : zipped];
    });
    return {
      files: Object.fromEntries(packed),
      ...(!spoil && {
        expected: (set: ImageSet) => {
          assert.deepEqual([set.height, set.width], [height, width]);
          same(set.train, parts[0].images, parts[0].labels);
          same(set.test, parts[1].images, parts[1].labels);
        },
      }),
    };
  },
  read: readMnist,
  check: checkImages,
};

const plane = 32 * 32;

export const cifar: FuzzedReader<ImageSet> = {
  make(random) {
    const [training, testing] = [1 + random.below(3), 1 + random.below(2)].map((count) => ({
      labels: labelsOf(random, count),
      // Planes of one value are enough to see what became of them.
      values: randomBytes(random, 3 * count),
    }));
    const fileOf = ({ labels, values }: typeof training) =>
      Buffer.concat(
        [...labels].flatMap((label, i) => [
          Buffer.of(label),
          ...[0, 1, 2].map((c) => Buffer.alloc(plane, values[3 * i + c])),
        ]),
      );
    const files: Record<'data_batch_1.bin' | 'test_batch.bin', Buffer> = {
      'data_batch_1.bin': fileOf(training),
      'test_batch.bin': fileOf(testing),
    };
    if (chance(random, 0.6)) {
      const name = oneOf(random, Object.keys(files) as (keyof typeof files)[]);
      const bytes = files[name];
      // A label, for most other damage is to pixels.
      if (chance(random, 0.3))
        bytes[random.below(bytes.length / (3 * plane + 1)) * (3 * plane + 1)] = random.below(256);
      else files[name] = damaged(bytes, random);
      return { files };
    }
    const imagesOf = ({ labels, values }: typeof training) =>
      Uint8Array.from(
        { length: labels.length * 3 * plane },
        (_, i) => values[3 * Math.floor(i / (3 * plane)) + (i % 3)],
      );
    return {
      files,
      expected(set) {
        same(set.train, imagesOf(training), training.labels);
        same(set.test, imagesOf(testing), testing.labels);
      },
    };
  },
  read: readCifar10,
  check: checkImages,
};
