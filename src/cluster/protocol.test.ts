import assert from 'node:assert/strict';
import test from 'node:test';
import { refused } from '../../test/support/files.js';
import type { Generation } from '../training/parts/part.js';
import { decodePart, decodeState, encodePart, encodeState } from './part_files.js';
import { readJob } from './protocol.js';
import { checkHash, seal, sha256, unseal } from './sealed.js';
import { decodeImages, encodeImages } from './trials.js';

const hash = sha256('a');
const other = sha256('b');
const damaged = (bytes: Uint8Array, at = bytes.length - 1) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

test('jobs have a name of the list, and data of its schema', () => {
  const data = { id: 'run.1', run: 'run', fence: 1, spec: hash, state: hash, index: 0, count: 2 };
  assert.deepEqual(readJob('part', data), { name: 'part', data });
  for (const [name, given, pattern] of [
    ['shell', data, /expected one of part, trial/],
    ['constructor', data, /expected one of part/],
    ['part', { ...data, spec: '../../secret' }, /spec that does not fit: expected a SHA-256/],
    ['part', { ...data, id: 'a:b' }, /id that does not fit/],
    ['part', { ...data, run: 'x'.repeat(1000) }, /run that does not fit/],
    ['part', { ...data, index: -1 }, /index that does not fit/],
    ['part', { ...data, count: 1e6 }, /count that does not fit/],
    ['part', { ...data, script: 'x' }, /does not fit/],
    ['part', null, /does not fit/],
  ] as const)
    assert.throws(() => readJob(name, given), refused('ERR_CLUSTER', pattern));
});

test('bytes that are not what was sent are refused', () => {
  const bytes = Buffer.from('weights');
  assert.deepEqual(unseal(seal(bytes), 'x'), bytes);
  for (const bad of [Buffer.from(damaged(seal(bytes), 2)), seal(bytes).subarray(1), Buffer.alloc(0), Buffer.alloc(31)])
    assert.throws(() => unseal(bad, 'the result'), refused('ERR_CLUSTER', /the result is not what was sent/));
  checkHash(bytes, sha256(bytes), 'x');
  assert.throws(() => checkHash(damaged(bytes), sha256(bytes), 'a blob'), refused('ERR_CLUSTER'));
});

const generation: Generation = {
  step: 30,
  steps: 2,
  members: 4,
  paired: [false, true],
  arrays: new Map<string, Float32Array | Int32Array>([
    ['a/weights', Float32Array.of(1.5, -0.25)],
    ['a/column', Int32Array.of(3)],
  ]),
};

test('a state comes as it went; one of another run, and what is none, are refused', () => {
  assert.deepEqual(decodeState(encodeState(generation, hash), hash), {
    ...generation,
    arrays: new Map([...generation.arrays].sort()),
  });
  assert.throws(
    () => decodeState(encodeState(generation, other), hash),
    refused('ERR_CLUSTER', /another recipe or corpus/),
  );
  assert.throws(() => decodeState(Buffer.from('no state'), hash), refused('ERR_CLUSTER', /the state is not a valid/));
  const unequal = { ...generation, paired: [true] };
  assert.throws(() => decodeState(encodeState(unequal, hash), hash), refused('ERR_CLUSTER', /1 pairings, expected 2/));
});

test('a part comes as it went; another part, other counts and numbers that are none are refused', () => {
  const part = { arrays: generation.arrays, losses: Float64Array.of(1, NaN, 3, 4), norms: Float64Array.of(1, 2) };
  const share = { index: 1, count: 2 };
  const expected = { steps: 2, losses: 4 };
  const bytes = encodePart(part, hash, share);
  assert.deepEqual(decodePart(bytes, hash, share, expected).losses, part.losses);
  for (const [given, state, of, counts, pattern] of [
    [bytes, other, share, expected, /is part 1 of 2 of/],
    [bytes, hash, { index: 0, count: 2 }, expected, /is part 1 of 2/],
    [bytes, hash, share, { steps: 2, losses: 8 }, /has 4 losses and 2 norms, expected 8 and 2/],
    [bytes.subarray(1), hash, share, expected, /not a valid safetensors file/],
    [
      encodePart({ ...part, arrays: new Map([['x', Float32Array.of(Infinity)]]) }, hash, share),
      hash,
      share,
      expected,
      /has Infinity in x at 0/,
    ],
  ] as const)
    assert.throws(() => decodePart(given, state, of, counts), refused('ERR_CLUSTER', pattern));
});

test('images come as they went; sets that do not hold together are refused', () => {
  const set = {
    name: 'tiny',
    description: 'four pixels',
    height: 2,
    width: 2,
    channels: 1,
    classes: 3,
    train: { images: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), labels: Uint8Array.of(0, 2) },
    test: { images: Uint8Array.of(9, 9, 9, 9), labels: Uint8Array.of(1) },
  };
  assert.deepEqual(decodeImages(encodeImages(set)), set);
  const bad = { ...set, test: { images: Uint8Array.of(9), labels: Uint8Array.of(1) } };
  assert.throws(() => decodeImages(encodeImages(bad)), refused('ERR_CLUSTER', /1 bytes for 1 labels, expected 4/));
  assert.throws(() => decodeImages(encodeImages({ ...set, classes: 2 })), refused('ERR_CLUSTER', /beyond 2 classes/));
});
