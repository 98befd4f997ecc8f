import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tinyStore, tinyVocoder } from '../../../test/support/tiny_vocoder.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import { chooseKernels } from '../../kernels/index.js';
import { symbolCodec } from '../../model/wavernn/codecs.js';
import { loadRecipe, type Recipe, waveRnnConfig } from '../recipe/recipe.js';
import { drawingThreads } from './drawing_threads.js';
import { drawSegments } from './segments.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tts-segments-'));
after(() => rmSync(folder, { recursive: true }));

test('the members of a pair get the same segments where pairs are asked for, else all lanes differ', async () => {
  const recipe = loadRecipe(join(root, 'recipes', 'ljspeech'));
  const config = waveRnnConfig(recipe);
  const store = await tinyStore(recipe, folder);
  const draw = (step: number, pairs?: number) =>
    drawSegments(
      store,
      config,
      symbolCodec(config, store.settings),
      chooseKernels(),
      { lanes: 8, steps: 48, noise: 8, seed: 3 },
      step,
      pairs,
    );
  const perLane = (segments: ReturnType<typeof draw>) =>
    Array.from({ length: 8 }, (_, lane) => {
      const of = <T extends Uint16Array | Float32Array | Float64Array>(array: T) => [
        ...array.subarray((lane * array.length) / 8, ((lane + 1) * array.length) / 8),
      ];
      const { codes, heard = assert.fail('no noise') } = segments.sequence;
      return JSON.stringify([codes, heard, segments.features, segments.logWidths].map(of));
    });
  const lanes = perLane(draw(7));
  assert.equal(new Set(lanes).size, 8);
  assert.deepEqual(perLane(draw(7)), lanes, 'a pure function');
  assert.notDeepEqual(perLane(draw(8)), lanes);
  // Two pairs: members have two lanes each, and both of a pair the same.
  const paired = perLane(draw(7, 2));
  assert.deepEqual([...paired.slice(0, 2), ...paired.slice(4, 6)], [...paired.slice(2, 4), ...paired.slice(6, 8)]);
  assert.equal(new Set(paired).size, 4);
});

for (const encoding of ['ltp10', 'lpc10', 'mulaw10', 'linear16'])
  test(`${encoding}: any number of threads draws the same segments`, async () => {
    const hears = ['ltp10', 'lpc10'].includes(encoding) ? 'signal' : 'symbols';
    const recipe = tinyVocoder(`model.encoding=${encoding}`, `model.hears=${hears}`);
    const config = waveRnnConfig(recipe);
    const store = await tinyStore(recipe, folder);
    const codec = symbolCodec(config, store.settings);
    // 44 lanes are eleven groups of four, which two and four threads cannot share equally; 22 end within a group.
    for (const [lanes, noise, pairs, share] of [
      [44, 8, 0, undefined],
      [44, 8, 2, undefined],
      [44, 0, 0, undefined],
      [88, 8, 0, { index: 1, count: 2 }],
      [6, 8, 0, undefined],
    ] as const) {
      const draw = (threads: number) =>
        drawSegments(
          store,
          config,
          codec,
          chooseKernels({ threads: 1 }),
          { lanes, steps: 80, noise, seed: 3, share },
          7,
          pairs,
          threads,
        );
      const alone = draw(1);
      assert.equal(alone.sequence.heard === undefined, noise === 0);
      assert.equal(alone.sequence.cues === undefined, hears === 'symbols');
      for (const threads of [2, 3, 4]) assert.deepEqual(draw(threads), alone, `${lanes} lanes by ${threads} threads`);
    }
  });

/** Some segments of a store, drawn by so many threads. */
function drawn(recipe: Recipe, store: FeatureStore, threads: number) {
  const config = waveRnnConfig(recipe);
  const settings = { lanes: 32, steps: 80, noise: 8, seed: 3 };
  const codec = symbolCodec(config, store.settings);
  return drawSegments(store, config, codec, chooseKernels({ threads: 1 }), settings, 1, 0, threads);
}

test('what fails in another thread fails here, with its code, and the next segments are right', async () => {
  const own = mkdtempSync(join(tmpdir(), 'tts-segments-'));
  after(() => rmSync(own, { recursive: true }));
  const recipe = tinyVocoder();
  const store = await tinyStore(recipe, own);
  const draw = (threads: number) => drawn(recipe, store, threads);
  // This thread has everything in memory now.
  const expected = draw(1);
  const files = readdirSync(own, { recursive: true, encoding: 'utf8' })
    .map((name) => join(own, name))
    .filter((path) => path.endsWith('.pcm') && statSync(path).isFile());
  const contents = files.map((path) => readFileSync(path));
  for (const path of files) truncateSync(path, 16);
  assert.throws(() => draw(3), { name: 'TtsError', code: 'ERR_CORPUS', message: /\.pcm ends at byte/ });
  files.forEach((path, i) => writeFileSync(path, contents[i]));
  assert.deepEqual(draw(3), expected);
});

test('clips that are not all in files are drawn by one thread', async () => {
  const recipe = tinyVocoder();
  const store = await tinyStore(recipe, folder);
  const louder = {
    ...store,
    train: store.train.map((clip) => ({
      ...clip,
      features: (start: number, count: number) => clip.features(start, count).map((level) => level + 0.5),
    })),
  };
  assert.deepEqual(drawn(recipe, louder, 3), drawn(recipe, louder, 1));
  assert.notDeepEqual(drawn(recipe, louder, 3).features, drawn(recipe, store, 3).features);
});

test('a core is left to the device, and few lanes need few threads', () => {
  const threadsFor = (threads: number, lanes: number) => drawingThreads({ threads }, lanes);
  assert.equal(threadsFor(16, 512), 15);
  assert.equal(threadsFor(16, 64), 4);
  assert.equal(threadsFor(16, 8), 1);
  assert.equal(threadsFor(2, 512), 1);
  assert.equal(threadsFor(1, 512), 1);
});
