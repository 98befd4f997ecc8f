import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { melPresets } from '../../src/audio/presets.js';
import type { RandomStream } from '../../src/base/random.js';
import { decodeAnswer, decodeFiles, encodeAnswer, encodeFiles } from '../../src/cluster/answers.js';
import { decodePart, decodeState, encodePart, encodeState } from '../../src/cluster/part_files.js';
import { type KnownJob, readJob, readJson } from '../../src/cluster/protocol.js';
import { type Manifest, manifestSchema } from '../../src/cluster/store_manifest.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/model/safetensors.js';
import type { Generation, TrainedPart } from '../../src/training/parts/part.js';
import { chance, damaged, damagedData, damagedText, oneOf } from './damage.js';
import { assertFinite, assertNumbers, type Files, type FuzzedReader } from './reader.js';
import { forged, otherHeader } from './safetensors.js';

// What comes over a queue, from whoever can write to it: each reader gets the bytes of a blob or a message.

const blob = (bytes: Uint8Array): Files => ({ blob: bytes });
const received = (folder: string) => readFileSync(join(folder, 'blob'));

/** A file of tensors that was damaged, or that says what is not so. */
function damagedTensors(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const kind = random.below(4);
  if (kind === 0) return damaged(bytes, random);
  if (kind === 1) return otherHeader(bytes, random);
  const { tensors, metadata } = forged(decodeSafetensors(bytes), random);
  return encodeSafetensors(tensors, metadata);
}

const [specHash, stateHash] = ['a', 'b'].map((letter) => letter.repeat(64));
const arrays = new Map<string, Float32Array | Int32Array>([
  ['recurrent/weights', Float32Array.of(1.5, -0.25, 0, 3)],
  ['recurrent/column', Int32Array.of(0, 3, 1)],
]);
const generation: Generation = { step: 30, steps: 2, members: 4, paired: [false, true], arrays };
const wholeState = encodeState(generation, specHash);

/** The state of a generation. */
export const state: FuzzedReader<Generation> = {
  make: (random) =>
    chance(random, 0.05)
      ? { files: blob(wholeState), expected: (read) => assert.deepEqual(new Map(read.arrays), arrays) }
      : { files: blob(damagedTensors(wholeState, random)) },
  read: (folder) => decodeState(received(folder), specHash),
  check({ step, steps, members, paired, arrays: found }) {
    assert.ok(step >= 0 && steps >= 1 && members >= 1 && paired.length === steps, `${paired.length} of ${steps} steps`);
    for (const [name, data] of found) assertFinite(data, name);
  },
};

const share = { index: 1, count: 2 };
const trained: TrainedPart = { arrays, losses: Float64Array.of(6, 5.9, 5.8, 5.7), norms: Float64Array.of(1, 0.5) };
const wholePart = encodePart(trained, stateHash, share);

/** A part of a generation, trained. */
export const part: FuzzedReader<TrainedPart> = {
  make: (random) =>
    chance(random, 0.05)
      ? { files: blob(wholePart), expected: (read) => assertNumbers(read.losses, trained.losses, 'losses') }
      : { files: blob(damagedTensors(wholePart, random)) },
  read: (folder) => decodePart(received(folder), stateHash, share, { steps: 2, losses: 4 }),
  check({ arrays: found, losses, norms }) {
    assert.deepEqual([losses.length, norms.length], [4, 2]);
    for (const [name, data] of found) assertFinite(data, name);
  },
};

const figures = z.strictObject({ frames: z.int().min(1), notes: z.array(z.string()).max(4) });
const wholeAnswer = encodeAnswer({ frames: 3, notes: ['loud'] }, { pcm: Int16Array.of(1, -1) });

/** What a job came to. */
export const answer: FuzzedReader<ReturnType<typeof decodeAnswer<z.infer<typeof figures>>>> = {
  make: (random) =>
    chance(random, 0.05)
      ? { files: blob(wholeAnswer), expected: (read) => assert.ok('found' in read && read.found.frames === 3) }
      : { files: blob(damagedTensors(wholeAnswer, random)) },
  read: (folder) => decodeAnswer(figures, received(folder), 'the result'),
  check(read) {
    if ('found' in read) assert.ok(Number.isInteger(read.found.frames) && read.found.frames >= 1);
    else assert.match(read.refused.code, /^ERR_/);
  },
};

const sent = ['README.md', 'LICENSE'];
const wholeFiles = encodeFiles(sent);

/** The files of a job; by their names nothing is opened. */
export const files: FuzzedReader<ReturnType<typeof decodeFiles>> = {
  make: (random) =>
    chance(random, 0.05)
      ? {
          files: blob(wholeFiles),
          expected: (read) =>
            assert.deepEqual(
              read.map((file) => (typeof file === 'string' ? file : Buffer.from(file.bytes))),
              sent.map((name) => readFileSync(name)),
            ),
        }
      : { files: blob(damagedTensors(wholeFiles, random)) },
  read: (folder) => decodeFiles(received(folder), 2),
  check(read) {
    assert.equal(read.length, 2);
    for (const file of read) assert.ok(typeof file !== 'string' && file.bytes instanceof Uint8Array);
  },
};

const jobs: readonly KnownJob[] = (() => {
  const common = { id: 'run.1', run: 'run', fence: 1, spec: specHash };
  return [
    { name: 'part', data: { ...common, state: stateHash, index: 0, count: 2 } },
    { name: 'synthesize', data: { ...common, input: stateHash } },
    { name: 'evaluate', data: { ...common, input: stateHash, system: 1 } },
  ];
})();

/** A job, as its JSON. */
export const job: FuzzedReader<KnownJob> = {
  make(random) {
    const whole = oneOf(random, jobs);
    if (chance(random, 0.05))
      return {
        files: blob(Buffer.from(JSON.stringify(whole))),
        expected: (read) => assert.deepEqual(read, whole),
      };
    return { files: blob(Buffer.from(JSON.stringify(damagedData(whole, random)) ?? 'null')) };
  },
  read(folder) {
    const given = JSON.parse(received(folder).toString('utf8')) as { name?: unknown; data?: unknown } | null;
    return readJob(String(given?.name), given?.data);
  },
  check({ data }) {
    assert.match(data.id, /^[\w.-]+$/);
    assert.match(data.spec, /^[0-9a-f]{64}$/);
  },
};

const levels = Array.from({ length: 80 }, (_, i) => -i / 10);
const manifest: Manifest = {
  settings: melPresets.hifigan,
  treatment: { highPass: 60, level: -23 },
  gains: [1.5],
  hash: specHash,
  statistics: { mean: levels, std: levels.map(() => 1), min: -11, max: 2 },
  train: [{ id: 'one', frames: 10, content: stateHash }],
  validation: [],
};

/** The list of a run's clips. */
export const clips: FuzzedReader<Manifest> = {
  make(random) {
    const text = JSON.stringify(manifest);
    if (chance(random, 0.05))
      return { files: blob(Buffer.from(text)), expected: ({ train }) => assert.deepEqual(train, manifest.train) };
    if (chance(random, 0.2)) return { files: blob(damaged(Buffer.from(text), random)) };
    if (chance(random, 0.4)) return { files: blob(Buffer.from(damagedText(text, random))) };
    return { files: blob(Buffer.from(JSON.stringify(damagedData(manifest, random)) ?? 'null')) };
  },
  read: (folder) => readJson(manifestSchema, received(folder), 'the list of clips'),
  check({ gains, statistics: { mean, std }, train }) {
    assertFinite([...gains, ...mean, ...std], 'numbers');
    assert.ok(train.length >= 1 && train.every(({ frames }) => Number.isInteger(frames) && frames >= 1));
  },
};
