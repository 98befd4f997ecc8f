import assert from 'node:assert/strict';
import test from 'node:test';
import { fillNormals, philox, philox4x32, RandomStream, streams } from './random.js';

const words = (text: string) => text.split(' ').map((word) => parseInt(word, 16));

test('philox4x32 gives the known answers of the Random123 distribution (kat_vectors, philox4x32 10)', () => {
  const vectors = [
    ['00000000 00000000 00000000 00000000 00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ];
  for (const [input, expected] of vectors) {
    const [c0, c1, c2, c3, k0, k1] = words(input);
    assert.deepEqual(philox4x32(c0, c1, c2, c3, k0, k1), words(expected));
  }
});

/** Philox again, in 64-bit BigInt arithmetic. */
function oracle(counter: number[], key: number[]): number[] {
  const mask = 0xffffffffn;
  let c = counter.map(BigInt);
  let k = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c[0];
    const p1 = 0xcd9e8d57n * c[2];
    c = [(p1 >> 32n) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32n) ^ c[3] ^ k[1], p0 & mask];
    k = [(k[0] + 0x9e3779b9n) & mask, (k[1] + 0xbb67ae85n) & mask];
  }
  return c.map(Number);
}

test('philox lays seed, stream and index out as key (seed low, high) and counter (index low, index high, stream, 0)', () => {
  const cases = [
    [0, 0, 0],
    [1, 2, 3],
    [2 ** 32, 7, 2 ** 32],
    [Number.MAX_SAFE_INTEGER, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER],
    [123456789012345, 4, 9876543210],
  ];
  for (const [seed, stream, index] of cases) {
    const halves = (value: number) => [Number(BigInt(value) & 0xffffffffn), Number(BigInt(value) >> 32n)];
    assert.deepEqual(philox(seed, stream, index), oracle([...halves(index), stream, 0], halves(seed)));
  }
});

test('the product of 32-bit words is exact over many keys', () => {
  for (let i = 0; i < 2000; i++) {
    const [a, b, c, d] = philox(99, 1, i);
    assert.deepEqual(philox4x32(a, b, c, d, b, a), oracle([a, b, c, d], [b, a]));
  }
});

test('seed, stream and index outside their range are refused', () => {
  for (const [seed, stream, index] of [
    [-1, 0, 0],
    [0.5, 0, 0],
    [2 ** 53, 0, 0],
    [0, 2 ** 32, 0],
    [0, 0, -1],
    [NaN, 0, 0],
  ]) {
    assert.throws(() => philox(seed, stream, index), RangeError);
    assert.throws(() => new RandomStream(seed, stream, index), RangeError);
  }
});

test('a stream reads the words of successive blocks, and can start at any block', () => {
  const stream = new RandomStream(5, streams.sampling);
  const drawn = Array.from({ length: 8 }, () => stream.uint32());
  assert.deepEqual(drawn, [...philox(5, 4, 0), ...philox(5, 4, 1)]);
  assert.equal(new RandomStream(5, 4, 1).uint32(), drawn[4]);
  assert.equal(new Set(Object.values(streams)).size, Object.keys(streams).length);
});

test('uniform numbers have 24 bits, lie in [0, 1) and fill it evenly', () => {
  const stream = new RandomStream(1, 1);
  const counts = new Array<number>(16).fill(0);
  for (let i = 0; i < 32000; i++) {
    const value = stream.uniform();
    assert.ok(value >= 0 && value < 1 && Number.isInteger(value * 2 ** 24));
    counts[Math.floor(value * 16)]++;
  }
  // Chi-square with 15 degrees of freedom: 99.9% lie below 37.7.
  assert.ok(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0) < 37.7);
});

test('below(n) is unbiased where a plain remainder would be far off', () => {
  const stream = new RandomStream(2, 1);
  // 2^32 mod n = 2^30: a plain remainder would fall in the first third half of the time.
  const n = 3 * 2 ** 30;
  let first = 0;
  for (let i = 0; i < 6000; i++) if (stream.below(n) < 2 ** 30) first++;
  assert.ok(Math.abs(first - 2000) < 200, `${first} of 6000`);
  assert.deepEqual(new Set(Array.from({ length: 200 }, () => stream.below(3))), new Set([0, 1, 2]));
  assert.equal(stream.below(1), 0);
  let large = 0;
  for (let i = 0; i < 1000; i++) {
    const value = stream.below(2 ** 40);
    assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 40);
    if (value >= 2 ** 39) large++;
  }
  assert.ok(Math.abs(large - 500) < 80);
  for (const wrong of [0, -1, 1.5, NaN, 2 ** 53]) assert.throws(() => stream.below(wrong), RangeError);
});

test('normal numbers have the moments and tails of the standard normal', () => {
  const stream = new RandomStream(3, 1);
  const values = Array.from({ length: 40000 }, () => stream.normal());
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
  assert.ok(Math.abs(moment(1)) < 0.02);
  assert.ok(Math.abs(moment(2) - 1) < 0.03);
  assert.ok(Math.abs(moment(4) - 3) < 0.25);
  const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
  assert.ok(Math.abs(beyondTwo - 0.0455) < 0.005);
});

test('normal numbers in bulk are those of the stream, to the bit', () => {
  for (const [seed, stream, index] of [
    [0, 5, 0],
    [7, 1, 2 ** 32 - 2],
    [Number.MAX_SAFE_INTEGER, 2 ** 32 - 1, 2 ** 52 + 12345],
  ]) {
    for (const length of [0, 1, 6, 1003]) {
      const one = new RandomStream(seed, stream, index);
      const expected = Float64Array.from({ length }, () => one.normal());
      const bulk = new Float64Array(length);
      fillNormals(bulk, seed, stream, index);
      assert.deepEqual(bulk, expected);
      const single = new Float32Array(length);
      fillNormals(single, seed, stream, index);
      assert.deepEqual(single, Float32Array.from(expected));
    }
  }
  for (const index of [-1, 0.5, Number.MAX_SAFE_INTEGER - 1])
    assert.throws(() => fillNormals(new Float32Array(8), 1, 1, index), RangeError);
});

test('shuffle keeps the items, works on typed arrays, and makes every order equally likely', () => {
  const stream = new RandomStream(4, 1);
  const items = stream.shuffle(Int32Array.from({ length: 100 }, (_, i) => i));
  assert.deepEqual(
    [...items].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = stream.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.equal(orders.size, 6);
  for (const count of orders.values()) assert.ok(Math.abs(count - 1000) < 150);
});
