import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { floatWav } from '../../../test/support/odd_audio.js';
import { fromInt16, toInt16 } from '../../audio/audio.js';
import { augment } from '../../audio/augmentation.js';
import { blockEnergies, gatedLoudness, integratedLoudness } from '../../audio/loudness.js';
import { melSpectrogram } from '../../audio/mel.js';
import { melPresets } from '../../audio/presets.js';
import { readAudio } from '../../audio/read.js';
import { treat } from '../../audio/treatment.js';
import { canonicalJson } from '../../base/canonical_json.js';
import { TtsError } from '../../base/errors.js';
import { type Corpus, openCorpus } from '../corpora/corpus.js';
import { joinCorpora } from '../corpora/training_corpus.js';
import { drawBatch } from './batches.js';
import { type FeatureStore, type FeatureStoreOptions, openFeatureStore } from './feature_store.js';

const mini = 'data/ljspeech-mini';
const ids = ['LJ001-0002', 'LJ001-0008', 'LJ011-0202'];

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'features-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Opens a store of three short clips, one of them held out, and notes the progress. */
async function open(
  cacheDir: string,
  options: Partial<FeatureStoreOptions> = {},
): Promise<{ store: FeatureStore; progress: [number, number][] }> {
  const corpus = options.corpus ?? { name: 'three', clips: ids.map((id) => ({ id, path: join(mini, `${id}.flac`) })) };
  const progress: [number, number][] = [];
  const store = await openFeatureStore({
    corpus,
    settings: melPresets.hifigan,
    cacheDir,
    threads: 1,
    validation: { clips: ['LJ001-0008'] },
    onProgress: (...now) => progress.push(now),
    ...options,
  });
  return { store, progress };
}

/** The folder in a cache that holds the files of the (only) settings. */
const keptIn = (cache: string) => join(cache, readdirSync(cache).find((name) => name !== 'index.json') ?? '');

const contents = ({ train, validation, statistics, hash }: FeatureStore) => ({
  clips: [...train, ...validation].map((clip) => [clip.id, clip.pcm(0, clip.samples), clip.features(0, clip.frames)]),
  statistics,
  hash,
});

const refused =
  (...patterns: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof TtsError && error.code === 'ERR_CORPUS', String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };

test('the audio is, bit for bit, what was encoded: the MD5 that FLAC keeps of it', async (t) => {
  const { store } = await open(temporaryFolder(t), { settings: melPresets.tacotron2 });
  for (const clip of [...store.train, ...store.validation]) {
    const header = readFileSync(join(mini, `${clip.id}.flac`));
    const samples = header.readUInt32BE(22);
    assert.equal(createHash('md5').update(clip.pcm(0, samples)).digest('hex'), header.toString('hex', 26, 42), clip.id);
    assert.deepEqual(new Set(clip.pcm(samples, 1000)), new Set([0]));
  }
});

test('features and audio are those of the recording, cut to whole frames', async (t) => {
  const { store, progress } = await open(temporaryFolder(t));
  assert.deepEqual([store.bins, store.hop, store.settings], [80, 256, melPresets.hifigan]);
  assert.deepEqual(
    store.train.map((clip) => clip.id),
    ['LJ001-0002', 'LJ011-0202'],
  );
  assert.deepEqual(
    store.validation.map((clip) => clip.id),
    ['LJ001-0008'],
  );
  assert.deepEqual(progress, [
    [0, 3],
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  const clip = store.train[0];
  const { samples } = await readAudio(join(mini, `${clip.id}.flac`));
  const mel = melSpectrogram(samples, melPresets.hifigan);
  assert.equal(clip.frames, mel.frames);
  assert.equal(clip.samples, mel.frames * 256);
  assert.deepEqual(clip.features(0, clip.frames), mel.data);
  assert.deepEqual(clip.pcm(0, clip.samples), toInt16(samples.subarray(0, clip.samples)));
});

test('reads anywhere: zeros and repeated edge frames beyond the ends', async (t) => {
  const { store } = await open(temporaryFolder(t));
  const clip = store.train[0];
  const pcm = clip.pcm(0, clip.samples);
  const rows = clip.features(0, clip.frames);
  const row = (frame: number) => rows.subarray(80 * frame, 80 * frame + 80);
  for (const [start, length] of [
    [-5, 10],
    [1000, 300],
    [clip.samples - 3, 10],
    [-20, 10],
    [clip.samples + 5, 4],
    [-2, clip.samples + 4],
    [7, 0],
  ]) {
    const expected = Int16Array.from({ length }, (_, i) => pcm[start + i] ?? 0);
    assert.deepEqual(clip.pcm(start, length), expected, `${start} ${length}`);
  }
  const last = clip.frames - 1;
  for (const [start, count] of [
    [-3, 6],
    [10, 5],
    [last - 1, 5],
    [-9, 4],
    [-1, 1],
    [last + 5, 3],
    [last + 1, 1],
    [-2, clip.frames + 4],
    [3, 0],
  ]) {
    const expected = new Float32Array(count * 80);
    for (let i = 0; i < count; i++) expected.set(row(Math.max(0, Math.min(last, start + i))), i * 80);
    assert.deepEqual(clip.features(start, count), expected, `${start} ${count}`);
  }
  for (const wrong of [
    [0.5, 1],
    [0, -1],
    [0, NaN],
  ]) {
    assert.throws(() => clip.pcm(wrong[0], wrong[1]), RangeError);
    assert.throws(() => clip.features(wrong[0], wrong[1]), RangeError);
  }
});

test('the statistics are those of the training clips alone', async (t) => {
  const { store } = await open(temporaryFolder(t));
  const rows = store.train.flatMap((clip) =>
    Array.from({ length: clip.frames }, (_, frame) => clip.features(frame, 1)),
  );
  const all = rows.flatMap((row) => [...row]);
  assert.equal(store.statistics.min, Math.min(...all));
  assert.equal(store.statistics.max, Math.max(...all));
  for (const bin of [0, 17, 79]) {
    const mean = rows.reduce((sum, row) => sum + row[bin], 0) / rows.length;
    const std = Math.sqrt(rows.reduce((sum, row) => sum + (row[bin] - mean) ** 2, 0) / rows.length);
    assert.ok(Math.abs(store.statistics.mean[bin] - mean) < 1e-5 * Math.abs(mean));
    assert.ok(Math.abs(store.statistics.std[bin] - std) < 1e-5 * std);
  }
});

test('opening again computes nothing and gives the same; so does any number of threads', async (t) => {
  const cache = temporaryFolder(t);
  const first = contents((await open(cache)).store);
  const again = await open(cache);
  assert.deepEqual(again.progress, [[3, 3]]);
  assert.deepEqual(contents(again.store), first);
  assert.deepEqual(contents((await open(temporaryFolder(t), { threads: 3 })).store), first);
});

test('batches can be drawn from it', async (t) => {
  const { store } = await open(temporaryFolder(t));
  const batch = drawBatch(store.train, { lanes: 16, steps: 960, context: 2, hop: store.hop }, 1, 5);
  assert.equal(batch.features.length, 16 * (batch.frames + 4) * 80);
  assert.ok(batch.pcm.some((sample) => Math.abs(sample) > 500));
});

test('changed recordings are noticed by time or size, moved ones are not computed again', async (t) => {
  const folder = temporaryFolder(t);
  const cache = join(folder, 'cache');
  const path = join(folder, 'a.flac');
  const corpus = (...names: string[]): Corpus => ({
    name: 'x',
    clips: names.map((name) => ({ id: name, path: join(folder, `${name}.flac`) })),
  });
  copyFileSync(join(mini, 'LJ001-0008.flac'), path);
  utimesSync(path, 1000, 1000);
  const before = await open(cache, { corpus: corpus('a'), validation: {} });

  // Same size and time: taken for the same file, without reading it.
  const original = readFileSync(path);
  writeFileSync(path, Buffer.alloc(original.length));
  utimesSync(path, 1000, 1000);
  assert.equal((await open(cache, { corpus: corpus('a'), validation: {} })).store.hash, before.store.hash);
  writeFileSync(path, original);
  utimesSync(path, 1000, 2000);
  assert.equal((await open(cache, { corpus: corpus('a'), validation: {} })).store.hash, before.store.hash);

  const clipFiles = () => readdirSync(keptIn(cache)).filter((name) => !name.startsWith('statistics'));
  const files = clipFiles();
  renameSync(path, join(folder, 'b.flac'));
  const moved = await open(cache, { corpus: corpus('b'), validation: {} });
  assert.deepEqual(moved.store.train[0].pcm(0, 9999), before.store.train[0].pcm(0, 9999));
  assert.deepEqual(clipFiles(), files);

  copyFileSync(join(mini, 'LJ001-0002.flac'), join(folder, 'b.flac'));
  const changed = await open(cache, { corpus: corpus('b'), validation: {} });
  assert.notEqual(changed.store.hash, moved.store.hash);
  assert.notEqual(changed.store.train[0].frames, moved.store.train[0].frames);
});

test('the hash changes with settings, split, ids and content, and with nothing else', async (t) => {
  const cache = temporaryFolder(t);
  const { hash } = (await open(cache)).store;
  const reversed = {
    name: 'other name',
    clips: [...ids].reverse().map((id) => ({ id, path: join(mini, `${id}.flac`) })),
  };
  assert.equal((await open(cache, { corpus: reversed })).store.hash, hash);
  const others = [
    await open(cache, { validation: { clips: ['LJ001-0002'] } }),
    await open(cache, { settings: { ...melPresets.hifigan, fMax: 7600 } }),
    await open(cache, {
      corpus: { name: 'three', clips: ids.map((id) => ({ id: id.toLowerCase(), path: join(mini, `${id}.flac`) })) },
      validation: { clips: ['lj001-0008'] },
    }),
  ];
  assert.equal(new Set([hash, ...others.map(({ store }) => store.hash)]).size, 4);
});

const treated = (levelPer: 'clip' | 'corpus') => ({ treatment: { highPass: 60, level: -30, levelPer } as const });
const all = ({ train, validation }: FeatureStore) => [...train, ...validation];
const heard = (clip: FeatureStore['train'][number]) => fromInt16(clip.pcm(0, clip.samples));

test('each clip is treated by its own loudness, before its features are computed', async (t) => {
  const { store } = await open(temporaryFolder(t), treated('clip'));
  assert.deepEqual([store.treatment, store.gains], [{ highPass: 60, level: -30 }, []]);
  for (const clip of all(store)) {
    const { samples } = await readAudio(join(mini, `${clip.id}.flac`));
    const expected = treat(samples, 22050, { highPass: 60, level: -30 });
    assert.deepEqual(clip.features(0, clip.frames), melSpectrogram(expected, melPresets.hifigan).data);
    assert.deepEqual(clip.pcm(0, clip.samples), toInt16(expected.subarray(0, clip.samples)));
    assert.ok(Math.abs(integratedLoudness([heard(clip)], 22050) + 30) < 0.1);
  }
});

test('a level per corpus is one gain for all clips, from the loudness of all together', async (t) => {
  const folder = join(temporaryFolder(t), 'new');
  const measured: number[] = [];
  const { store } = await open(folder, { ...treated('corpus'), onLoudness: (done) => measured.push(done) });
  assert.deepEqual(measured, [0, 1, 2, 3]);
  const clips = all(store);
  const together = clips.flatMap((clip) => [...blockEnergies([heard(clip)], 22050)]);
  assert.ok(Math.abs(gatedLoudness(together) + 30) < 0.05, String(gatedLoudness(together)));
  for (const clip of clips) {
    const { samples } = await readAudio(join(mini, `${clip.id}.flac`));
    const expected = treat(samples, 22050, { highPass: 60, level: -30 }, store.gains[0]);
    assert.deepEqual(clip.pcm(0, clip.samples), toInt16(expected.subarray(0, clip.samples)));
  }

  const again = await open(folder, {
    ...treated('corpus'),
    onLoudness: () => assert.fail('the loudness is known already'),
  });
  assert.equal(again.store.hash, store.hash);
  assert.deepEqual(again.progress, [[3, 3]]);
});

test('a treatment has files and a hash of its own; none at all is as before there were any', async (t) => {
  const cache = temporaryFolder(t);
  const plain = (await open(cache)).store;
  const none = await open(cache, { treatment: { highPass: null, level: null, levelPer: 'corpus' } });
  assert.deepEqual(none.progress, [[3, 3]]);
  const others = [
    none.store,
    (await open(cache, treated('clip'))).store,
    (await open(cache, treated('corpus'))).store,
    (await open(cache, { treatment: { ...treated('clip').treatment, highPass: null } })).store,
  ];
  assert.equal(new Set([plain, ...others].map(({ hash }) => hash)).size, 4);
  assert.equal(plain.hash, none.store.hash);
  assert.notDeepEqual(others[1].train[0].pcm(0, 9999), plain.train[0].pcm(0, 9999));
});

const augmentation = { copies: 2, speed: 0.1, gain: 6, tilt: 3 };

test('altered copies of the clips to train on stand beside them, and are kept', async (t) => {
  const cache = temporaryFolder(t);
  const plain = (await open(cache)).store;
  const { store, progress } = await open(cache, { augmentation });
  assert.deepEqual(
    store.train.map(({ id }) => id),
    ['LJ001-0002', 'LJ011-0202', 'LJ001-0002~1', 'LJ011-0202~1', 'LJ001-0002~2', 'LJ011-0202~2'],
  );
  assert.deepEqual(progress[0], [3, 7]);
  assert.deepEqual(progress.at(-1), [7, 7]);
  assert.deepEqual(
    store.validation.map(({ id }) => id),
    ['LJ001-0008'],
  );
  for (const i of [2, 3, 4, 5]) {
    const clip = store.train[i];
    const path = join(mini, `${clip.id.split('~')[0]}.flac`);
    const seed = Number.parseInt(createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12), 16);
    const expected = augment((await readAudio(path)).samples, 22050, augmentation, seed, Math.floor(i / 2) - 1);
    assert.deepEqual(clip.features(0, clip.frames), melSpectrogram(expected, melPresets.hifigan).data);
    assert.deepEqual(clip.pcm(0, clip.samples), toInt16(expected.subarray(0, clip.samples)));
    assert.notDeepEqual(clip.pcm(0, 9999), plain.train[i % 2].pcm(0, 9999));
  }
  const again = await open(cache, { augmentation });
  assert.deepEqual(again.progress, [
    [3, 7],
    [5, 7],
    [7, 7],
  ]);
  assert.deepEqual(contents(again.store), contents(store));
  const hashes = [plain, store, (await open(cache, { augmentation: { ...augmentation, copies: 1 } })).store];
  assert.equal(new Set(hashes.map(({ hash }) => hash)).size, 3);
});

test('of several corpora each has its own gain; the ids to hold out may leave the corpus away', async (t) => {
  const folder = temporaryFolder(t);
  const part = (name: string, some: string[]) => ({
    name,
    clips: some.map((id) => ({ id, path: join(mini, `${id}.flac`) })),
  });
  const corpora = [part('one', ids.slice(0, 2)), part('two', ids.slice(2))];
  const { store } = await open(folder, { ...treated('corpus'), corpus: joinCorpora(corpora) });
  assert.deepEqual(
    store.train.map(({ id }) => id),
    ['one/LJ001-0002', 'two/LJ011-0202'],
  );
  assert.deepEqual(
    store.validation.map(({ id }) => id),
    ['one/LJ001-0008'],
  );
  assert.equal(store.gains.length, 2);
  assert.notEqual(store.gains[0], store.gains[1]);
  for (const [i, clip] of store.train.entries()) {
    const { samples } = await readAudio(join(mini, `${clip.id.split('/')[1]}.flac`));
    const expected = treat(samples, 22050, { highPass: 60, level: -30 }, store.gains[i]);
    assert.deepEqual(clip.pcm(0, clip.samples), toInt16(expected.subarray(0, clip.samples)));
  }
});

test('another sample rate is resampled', async (t) => {
  const { store } = await open(temporaryFolder(t), {
    settings: { ...melPresets.hifigan, sampleRate: 16000, fMax: 8000 },
  });
  const samples = readFileSync(join(mini, 'LJ001-0002.flac')).readUInt32BE(22);
  assert.equal(store.train[0].frames, Math.floor(Math.round((samples * 16000) / 22050) / 256));
});

test('recordings that cannot be used are refused together, with their number and the first; the others are kept', async (t) => {
  const folder = temporaryFolder(t);
  for (const id of ids) copyFileSync(join(mini, `${id}.flac`), join(folder, `${id}.flac`));
  writeFileSync(join(folder, 'AA.flac'), 'no audio');
  writeFileSync(join(folder, 'AB.wav'), '');
  const corpus = await openCorpus(folder);
  await assert.rejects(
    open(join(folder, '.cache'), { corpus }),
    refused(/^2 of 5 recordings cannot be used/, /AA\.flac/),
  );
  rmSync(join(folder, 'AA.flac'));
  rmSync(join(folder, 'AB.wav'));
  const { progress } = await open(join(folder, '.cache'), { corpus: await openCorpus(folder) });
  assert.deepEqual(progress, [[3, 3]]);
});

test('an impossible split is refused before anything is computed', async (t) => {
  const cache = join(temporaryFolder(t), 'cache');
  await assert.rejects(open(cache, { validation: { clips: ['LJ999'] } }), refused(/LJ999/));
  assert.ok(!existsSync(cache));
});

test('files that were cut, and a broken index or statistics file, are made again', async (t) => {
  const cache = temporaryFolder(t);
  const before = contents((await open(cache)).store);
  const folder = keptIn(cache);
  const [cut] = readdirSync(folder).filter((name) => name.endsWith('.f32'));
  truncateSync(join(folder, cut), 80 * 4 * 3);
  for (const name of readdirSync(folder))
    if (name.startsWith('statistics')) writeFileSync(join(folder, name), '{"mean":');
  const repaired = await open(cache);
  assert.deepEqual(repaired.progress, [
    [2, 3],
    [3, 3],
  ]);
  assert.deepEqual(contents(repaired.store), before);
  writeFileSync(join(cache, 'index.json'), '{"');
  assert.deepEqual(contents((await open(cache)).store), before);
});

test('files that were damaged without a change of size or time are made again', async (t) => {
  const cache = temporaryFolder(t);
  const corpus = await openCorpus(mini);
  const level = { highPass: null, level: -22, levelPer: 'corpus' } as const;
  const options = { treatment: level } satisfies Partial<FeatureStoreOptions>;
  assert.ok(corpus.clips.length > 3);
  const { store } = await open(cache, options);
  const [before, { statistics, gains, hash }] = [contents(store), store];
  const flip = (path: string, at: number) => {
    const { atime, mtime } = statSync(path);
    const bytes = readFileSync(path);
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    writeFileSync(path, bytes);
    utimesSync(path, atime, mtime);
  };
  const folder = join(cache, readdirSync(cache).find((name) => /^[0-9a-f]{16}$/.test(name)) as string);
  const [first, second] = readdirSync(folder).filter((name) => name.endsWith('.f32'));
  flip(join(folder, first), 1000);
  flip(join(folder, second.replace('.f32', '.pcm')), -1);
  for (const [where, name] of [
    ...readdirSync(folder).map((name) => [folder, name]),
    ...readdirSync(cache).map((name) => [cache, name]),
  ])
    if (/^(statistics|gain)-/.test(name)) {
      const path = join(where, name);
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace(/\d(?=[^\d]*$|,)/, (digit) => String(9 - Number(digit))),
      );
    }
  const repaired = await open(cache, options);
  assert.deepEqual(repaired.progress, [
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  assert.deepEqual(contents(repaired.store), before);
  assert.deepEqual(repaired.store.statistics, statistics);
  assert.deepEqual([repaired.store.gains, repaired.store.hash], [gains, hash]);
  assert.deepEqual((await open(cache, options)).progress, [[3, 3]]);
});

test('the file of somebody else in the place of the index is not replaced', async (t) => {
  const cache = temporaryFolder(t);
  writeFileSync(join(cache, 'index.json'), '{"title": "my site"}');
  await assert.rejects(open(cache), { code: 'ERR_FILE_EXISTS', message: /index\.json/ });
  assert.equal(readFileSync(join(cache, 'index.json'), 'utf8'), '{"title": "my site"}');
});

test('a process killed half way loses nothing that was done; the next one goes on and gets the same', async (t) => {
  const folder = temporaryFolder(t);
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const child = `
    import { openCorpus } from ${module('../corpora/corpus.js')};
    import { openFeatureStore } from ${module('./feature_store.js')};
    import { melPresets } from ${module('../../audio/presets.js')};
    await openFeatureStore({
      corpus: await openCorpus(${JSON.stringify(mini)}), settings: melPresets.hifigan, cacheDir: ${JSON.stringify(join(folder, 'killed'))},
      threads: 2, validation: { share: 0.1 }, onProgress: (done) => { if (done === 5) process.kill(process.pid, 'SIGKILL'); },
    });`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', child], { stdio: 'inherit' });
  assert.equal(signal, 'SIGKILL');
  const cache = keptIn(join(folder, 'killed'));
  const made = (ending: string) =>
    readdirSync(cache)
      .filter((name) => name.endsWith(ending))
      .sort();
  const kept = made('.f32').map((name) => [name, statSync(join(cache, name)).mtimeMs]);
  assert.ok(kept.length >= 5 && kept.length < 12, `${kept.length} files`);

  // What such a process can leave behind: a file that was being written, long ago and just now.
  writeFileSync(join(cache, 'old.f32.123.tmp'), 'half');
  utimesSync(join(cache, 'old.f32.123.tmp'), 0, 0);
  writeFileSync(join(cache, 'young.f32.123.tmp'), 'half');
  const left = made('.tmp');

  const options = { corpus: await openCorpus(mini), validation: { share: 0.1 } };
  const resumed = await open(join(folder, 'killed'), options);
  assert.deepEqual(
    made('.tmp'),
    left.filter((name) => name !== 'old.f32.123.tmp'),
  );
  for (const [name, time] of kept) assert.equal(statSync(join(cache, String(name))).mtimeMs, time, 'computed again');
  assert.equal(made('.f32').length, 12);
  const undisturbed = await open(join(folder, 'whole'), options);
  assert.deepEqual(contents(resumed.store), contents(undisturbed.store));
});

/** A corpus of the first clip, speech at another rate, and these recordings of two channels. */
async function corpusWith(t: TestContext, odd: Record<string, Float32Array>): Promise<Corpus> {
  const folder = temporaryFolder(t);
  copyFileSync(join(mini, 'LJ001-0002.flac'), join(folder, 'good.flac'));
  const { samples } = await readAudio(join(mini, 'LJ001-0008.flac'));
  writeFileSync(join(folder, 'slow.wav'), floatWav(samples, 1, 16000));
  for (const [name, interleaved] of Object.entries(odd))
    writeFileSync(join(folder, `${name}.wav`), floatWav(interleaved, 2));
  return openCorpus(folder);
}

test('hopeless recordings are left out, with how many and which, each time; they have no say in the level', async (t) => {
  const { samples } = await readAudio(join(mini, 'LJ001-0002.flac'));
  const pairs = (left: number, right: number) =>
    Float32Array.from({ length: 2 * samples.length }, (_, i) => samples[i >> 1] * (i % 2 === 0 ? left : right));
  const odd = { phase: pairs(1, -1), quiet: pairs(0, 0), scale: pairs(32768, 32768) };
  const treatment = { highPass: null, level: -23, levelPer: 'corpus' } as const;
  const cache = temporaryFolder(t);
  const options = { treatment, validation: { clips: ['slow'] } };
  const { store: clean } = await open(temporaryFolder(t), { ...options, corpus: await corpusWith(t, {}) });
  const corpus = await corpusWith(t, odd);
  for (const time of ['first', 'second']) {
    const { store } = await open(cache, { ...options, corpus });
    assert.deepEqual(
      [store.train.map(({ id }) => id), store.validation.map(({ id }) => id)],
      [['good'], ['slow']],
      time,
    );
    assert.deepEqual(store.train[0].pcm(0, 9000), clean.train[0].pcm(0, 9000));
    assert.equal(store.gains[0], clean.gains[0]);
    assert.equal(store.hash, clean.hash);
    assert.match(
      store.notes[0],
      /^3 of 5 recordings are left out: \S+phase\.wav has 2 channels that cancel.*; \S+quiet\.wav is silent.*; \S+scale\.wav has samples up to \d+/,
    );
    assert.match(store.notes[1], /different sample rates, 1 at 16000 Hz, 4 at 22050 Hz; all are brought to 22050 Hz/);
  }
});

test('a corpus of silence is refused, and not learned', async (t) => {
  const silent = new Float32Array(30000);
  const folder = temporaryFolder(t);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, `${name}.wav`), floatWav(silent));
  await assert.rejects(
    open(temporaryFolder(t), { corpus: await openCorpus(folder), validation: { clips: ['a'] } }),
    refused(/nothing is left to train on: 3 of 3 recordings are left out: \S+a\.wav is silent/),
  );
});

test('a cache that an older reader filled is not used', async (t) => {
  const cache = temporaryFolder(t);
  await open(cache);
  const [made] = readdirSync(cache).filter((name) => /^[0-9a-f]{16}$/.test(name));
  // The key without the version of the reader, as it was before there was one.
  const old = createHash('sha256')
    .update(canonicalJson([1, melPresets.hifigan]))
    .digest('hex')
    .slice(0, 16);
  assert.notEqual(made, old);
  renameSync(join(cache, made), join(cache, old));
  const { progress } = await open(cache);
  assert.deepEqual(progress[0], [0, 3]);
});
