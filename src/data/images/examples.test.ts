import assert from 'node:assert/strict';
import test from 'node:test';
import { readCifar10 } from './cifar10.js';
import { drawExamples, examplesOf, takeExamples } from './examples.js';
import { type ImageSet, normalisationOf } from './images.js';
import { readMnist } from './mnist.js';

/** Images of 2 × 3 pixels with two channels: pixel values say where they are, labels which image it is. */
function numbered(count: number): ImageSet {
  const images = Uint8Array.from({ length: count * 12 }, (_, i) => i % 12);
  const labels = Uint8Array.from({ length: count }, (_, i) => i);
  const part = { images, labels };
  return {
    name: 'numbered',
    train: part,
    test: part,
    height: 2,
    width: 3,
    channels: 2,
    classes: count,
    description: '',
  };
}
const asIs = { mean: [0, 0], deviation: [1, 1] };

test('the statistics are those of the training images, per channel', async () => {
  const set = await readCifar10('data/cifar10-mini');
  const { mean, deviation } = normalisationOf(set);
  for (let channel = 0; channel < 3; channel++) {
    const values = Float64Array.from(set.train.images.filter((_, i) => i % 3 === channel));
    const expected = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(mean[channel] - expected) < 1e-9);
    assert.ok(
      Math.abs(
        deviation[channel] - Math.sqrt(values.reduce((sum, value) => sum + (value - expected) ** 2, 0) / values.length),
      ) < 1e-9,
    );
  }
  assert.deepEqual(
    normalisationOf({ train: { images: new Uint8Array(8).fill(7), labels: new Uint8Array(2) }, channels: 1 }),
    { mean: [7], deviation: [1] },
  );
});

test('normalised training images have mean 0 and deviation 1', async () => {
  const set = await readMnist('data/mnist-mini');
  const { images, labels, examples } = takeExamples(examplesOf(set, 'train'), 0, 1000);
  const mean = images.reduce((sum, value) => sum + value, 0) / images.length;
  const square = images.reduce((sum, value) => sum + value * value, 0) / images.length;
  assert.ok(Math.abs(mean) < 1e-5 && Math.abs(square - 1) < 1e-5, `${mean}, ${square}`);
  assert.equal(examples, 1000);
  assert.deepEqual(labels, set.train.labels);
});

test('test images are normalised by the training images, or by the statistics that are given', () => {
  const set = { ...numbered(2), test: { images: new Uint8Array(12).fill(100), labels: new Uint8Array(1) } };
  const { mean, deviation } = normalisationOf(set);
  const batch = takeExamples(examplesOf(set, 'test'), 0, 1);
  assert.deepEqual(
    batch.images,
    Float32Array.from({ length: 12 }, (_, i) => (100 - mean[i % 2]) / deviation[i % 2]),
  );
  assert.deepEqual(takeExamples(examplesOf(set, 'test', asIs), 0, 1).images, new Float32Array(12).fill(100));
});

test('examples are taken in their order', () => {
  const examples = examplesOf(numbered(5), 'test', asIs);
  assert.deepEqual([...takeExamples(examples, 2, 3).labels], [2, 3, 4]);
  assert.throws(() => takeExamples(examples, 2, 4), /count is 4, expected an integer in 1 … 3/);
  assert.throws(() => takeExamples(examples, 5, 1), /first is 5, expected an integer in 0 … 4/);
});

test('a draw depends on seed, step and number of the draw, and on nothing else', () => {
  const examples = examplesOf(numbered(200), 'train', asIs);
  const draw = (seed: number, step: number, draws?: number[]) => [
    ...drawExamples(examples, { count: 8, draws }, seed, step).labels,
  ];
  assert.deepEqual(draw(1, 5), draw(1, 5));
  assert.notDeepEqual(draw(1, 5), draw(1, 6));
  assert.notDeepEqual(draw(1, 5), draw(2, 5));
  // Members: pairs share a mini-batch.
  assert.deepEqual(
    draw(1, 5, [0, 0, 3, 3, 1]),
    [0, 0, 3, 3, 1].flatMap((k) => draw(1, 5, [k])),
  );
  assert.notDeepEqual(draw(1, 5, [0]), draw(1, 5, [1]));
  // A longer draw begins like a shorter one.
  assert.deepEqual([...drawExamples(examples, { count: 20 }, 1, 5).labels].slice(0, 8), draw(1, 5));
  assert.doesNotThrow(() => draw(1, 2 ** 24, [4095]));
});

test('the images of members that share a draw are equal too', () => {
  const examples = examplesOf(numbered(200), 'train', asIs);
  const { images, examples: count } = drawExamples(
    examples,
    { count: 4, draws: [7, 2, 7], augment: { flip: true, shift: 1 } },
    3,
    0,
  );
  assert.equal(count, 4);
  assert.equal(images.length, 3 * 4 * 12);
  assert.deepEqual(images.subarray(0, 48), images.subarray(96));
  assert.notDeepEqual(images.subarray(0, 48), images.subarray(48, 96));
});

test('which examples were drawn stands beside them, and who chooses may be someone else', () => {
  const examples = examplesOf(numbered(200), 'train', asIs);
  const { labels, chosen } = drawExamples(examples, { count: 20, draws: [3, 3, 1] }, 1, 5);
  assert.deepEqual([...chosen], [...labels]);
  const fewer = drawExamples(examples, { count: 50, choose: (random) => 2 * random.below(4) }, 1, 5);
  assert.deepEqual([...new Set(fewer.labels)].sort(), [0, 2, 4, 6]);
});

test('every example is equally likely', () => {
  const examples = examplesOf(numbered(10), 'train', asIs);
  const seen = new Float64Array(10);
  for (let step = 0; step < 100; step++)
    for (const label of drawExamples(examples, { count: 100 }, 1, step).labels) seen[label]++;
  // 1,000 expected each; χ² with 9 degrees of freedom stays below 27.9 with probability 0.999.
  assert.ok(seen.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0) < 27.9, seen.join());
});

test('images are mirrored and moved, zeros coming in, and the examples stay the same ones', () => {
  const examples = examplesOf(numbered(50), 'train', asIs);
  const plain = drawExamples(examples, { count: 200 }, 1, 1);
  const varied = drawExamples(examples, { count: 200, augment: { flip: true, shift: 1 } }, 1, 1);
  assert.deepEqual(varied.labels, plain.labels);
  const expected = new Map<string, number>();
  for (const flip of [false, true]) {
    for (const down of [-1, 0, 1]) {
      for (const right of [-1, 0, 1]) {
        const image = Array.from({ length: 12 }, (_, i) => {
          const [y, x, c] = [Math.floor(i / 6) - down, Math.floor((i % 6) / 2) - right, i % 2];
          return y < 0 || y > 1 || x < 0 || x > 2 ? 0 : (y * 3 + (flip ? 2 - x : x)) * 2 + c;
        });
        expected.set(image.join(), 0);
      }
    }
  }
  assert.equal(expected.size, 18);
  for (let k = 0; k < 200; k++) {
    const image = varied.images.subarray(k * 12, k * 12 + 12).join();
    assert.ok(expected.has(image), image);
    expected.set(image, (expected.get(image) as number) + 1);
  }
  assert.ok([...expected.values()].every((times) => times > 0));
  const unflipped = drawExamples(examples, { count: 50, augment: { flip: false, shift: 0 } }, 1, 1);
  assert.deepEqual(unflipped.images, plain.images.subarray(0, 50 * 12));
});

test('settings out of range are refused', () => {
  const examples = examplesOf(numbered(5), 'train', asIs);
  const draw =
    (settings: Parameters<typeof drawExamples>[1], step = 0) =>
    () =>
      drawExamples(examples, settings, 1, step);
  assert.throws(draw({ count: 0 }), /count is 0/);
  assert.throws(draw({ count: 40_000 }), /count is 40000, expected an integer in 1 … 32768/);
  assert.throws(draw({ count: 1, draws: [4096] }), /draw is 4096/);
  assert.throws(draw({ count: 1, augment: { flip: true, shift: 2 } }), /shift is 2, expected an integer in 0 … 1/);
  assert.throws(draw({ count: 1 }, -1), /step is -1/);
});
