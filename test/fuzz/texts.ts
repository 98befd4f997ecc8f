import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { RandomStream } from '../../src/base/random.js';
import { type Corpus, openCorpus } from '../../src/data/corpora/corpus.js';
import { readStudyFile, settle, type StudySettings } from '../../src/listening/study/definition.js';
import { type AnyRecipe, loadAnyRecipe } from '../../src/training/recipe/recipe.js';
import { bombText, chance, damaged, damagedText, oneOf } from './damage.js';
import type { Files, FuzzedReader } from './reader.js';

/** Damaged text of YAML; what is not UTF-8 among it. */
function damagedYaml(text: string, random: RandomStream): Buffer {
  if (chance(random, 0.1)) return Buffer.from(`${text}\n${bombText(random)}\n`);
  if (chance(random, 0.1)) return damaged(Buffer.from(text), random);
  return Buffer.from(damagedText(text, random));
}

/** Every number is finite, every text is one of the file: nothing was replaced for bytes that are not UTF-8. */
function checkPlain(value: unknown, bytes: Uint8Array): void {
  const text = Buffer.from(bytes).toString('latin1');
  const walk = (inner: unknown, path: string): void => {
    if (typeof inner === 'number') assert.ok(Number.isFinite(inner) && Math.abs(inner) <= 1e10, `${path} is ${inner}`);
    else if (typeof inner === 'string')
      assert.ok(!inner.includes('\ufffd') || text.includes('\xef\xbf\xbd') || /\\u/i.test(text), `${path} is ${inner}`);
    else if (typeof inner === 'object' && inner !== null)
      for (const [key, next] of Object.entries(inner)) walk(next, `${path}.${key}`);
  };
  walk(value, '');
}

const recipes = ['mnist/recipe', 'mnist/pure-es', 'cifar10/recipe', 'ljspeech/recipe', 'kathleen/recipe'].map((name) =>
  readFileSync(`recipes/${name}.yaml`, 'utf8'),
);

export const recipe: FuzzedReader<AnyRecipe> = {
  make(random) {
    const text = oneOf(random, recipes);
    if (chance(random, 0.03))
      return {
        files: { 'recipe.yaml': Buffer.from(text) },
        expected: ({ name }) => assert.equal(name, /^name: ([\w-]+)/m.exec(text)?.[1]),
      };
    return { files: { 'recipe.yaml': damagedYaml(text, random) } };
  },
  read: loadAnyRecipe,
  check(read, files) {
    checkPlain(read, files['recipe.yaml']);
    assert.ok(Object.hasOwn(read.sizes, read.size), 'the size is not one of the sizes');
    assert.ok(read.training.steps >= 1 && Number.isInteger(read.training.steps), `${read.training.steps} steps`);
  },
};

const study = `title: Voices
kind: mushra # or mos
language: en
instructions: |
  Listen.

  Then rate.
consent: Yes
contact: someone@example.org
question: How good is it?
systems: [ours, theirs, reference]
reference: reference
clips: [clip-1, clip-2]
practice: [clip-1]
trials: 10
pairs: [[ours, theirs]]
repetitions: 2
noPreference: false
traps: 1
anchors: [3500, 7000]
loudness: -23
sampleRate: 22050
duration: { min: 0.5, max: 12 }
forcePlay: 0.2
forceRating: true
headphones: record
seed: 7
finish: { message: Thanks, url: https://example.org/done }
`;

export const test: FuzzedReader<StudySettings> = {
  make(random) {
    if (chance(random, 0.03))
      return {
        files: { 'test.yaml': Buffer.from(study) },
        expected: (read) =>
          assert.deepEqual([read.kind, read.seed, read.duration], ['mushra', 7, { min: 0.5, max: 12 }]),
      };
    return { files: { 'test.yaml': damagedYaml(study, random) } };
  },
  read(folder) {
    const file = readStudyFile(folder);
    return settle(file, file.kind ?? 'mos');
  },
  check(read, files) {
    checkPlain(read, files['test.yaml']);
    assert.ok(read.duration.min <= read.duration.max, 'no duration fits');
    assert.ok(Number.isInteger(read.seed) && Number.isInteger(read.repetitions));
  },
};

const letters = [...'abcXYZ 019.,-\'"éñßøœ語Ж'];
const word = (random: RandomStream, more = 8) =>
  Array.from({ length: 1 + random.below(more) }, () => oneOf(random, letters))
    .join('')
    .trim() || 'x';

/** UTF-8 or UTF-16, with or without a mark. */
export function encode(text: string, random: RandomStream): Buffer {
  const utf16 = (order: 'le' | 'be') => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return order === 'le' ? bytes : bytes.swap16();
  };
  return oneOf(random, [
    () => Buffer.from(text),
    () => Buffer.from(text),
    () => Buffer.from(`\ufeff${text}`),
    () => utf16('le'),
    () => utf16('be'),
  ])();
}

interface Lines {
  readonly files: Files;
  /** Ids and texts, by id. */
  readonly clips: [string, string][];
}

/** `metadata.csv` in one of the ways that people write it, with recordings beside it. */
function metadata(random: RandomStream, spoil: (bytes: Buffer) => Buffer = (bytes) => bytes): Lines {
  const clips = new Map<string, string>();
  for (let n = 1 + random.below(5); n > 0; n--)
    clips.set(`clip-${word(random, 3).replaceAll(/[. "']/g, '')}${n}`, word(random));
  const quote = chance(random, 0.3);
  const field = (text: string) => (quote || /^"/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const end = oneOf(random, ['\n', '\r\n', '\r']);
  const lines = [...clips].map(([id, text]) =>
    [field(id), ...(chance(random, 0.5) ? ['raw'] : []), field(text)].join('|'),
  );
  const csv = lines.join(end) + (chance(random, 0.7) ? end : '');
  const where = oneOf(random, ['wavs/', '']);
  // The names as macOS has them, now and then.
  const form = oneOf(random, ['NFC', 'NFD'] as const);
  const files: Record<string, Uint8Array> = { 'metadata.csv': spoil(encode(csv, random)) };
  for (const id of clips.keys()) files[`${where}${id.normalize(form)}.wav`] = Buffer.of(0);
  const named = [...clips].map(([id, text]): [string, string] => [id.normalize('NFC'), text]);
  return { files, clips: named.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

export const csv: FuzzedReader<Corpus & { readonly folder: string }> = {
  make(random) {
    if (chance(random, 0.7)) {
      const change = random.below(2);
      return {
        files: metadata(random, (bytes) =>
          change === 0 ? damaged(bytes, random) : Buffer.from(damagedText(bytes.toString('utf8'), random)),
        ).files,
      };
    }
    const { files, clips } = metadata(random);
    return {
      files,
      expected: (corpus) =>
        assert.deepEqual(
          corpus.clips.map(({ id, text }) => [id, text]),
          clips,
        ),
    };
  },
  read: async (folder) => ({ ...(await openCorpus(folder)), folder }),
  check({ clips, folder }, files) {
    assert.ok(clips.length >= 1, 'no clips');
    assert.equal(new Set(clips.map(({ id }) => id)).size, clips.length, 'an id is there twice');
    const known = new Set(Object.keys(files));
    for (const { id, path, text = '' } of clips) {
      assert.ok(known.has(relative(folder, path)), `${path} is no recording of the folder`);
      assert.ok(!/[\0\ufeff\r\n]/.test(id + text), `signs that are no text in ${JSON.stringify(id + text)}`);
    }
  },
};
