import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import type { ClusterStatus } from '../src/cluster/status.js';
import type { Evaluation } from '../src/evaluation/evaluate.js';
import { root, run, temporaryFolder } from './support/command_line.js';
import { noRedis, startRedis, startWorker } from './support/redis.js';

const suite = { skip: noRedis };

test('folders are spoken by workers to the same WAVs, and the status tells of them', suite, async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await startRedis(t);
  const worker = startWorker(t, url, join(folder, 'features'));
  await worker.says(/is ready/);
  const input = join(folder, 'in');
  mkdirSync(input);
  for (const id of ['LJ001-0002', 'LJ001-0008'])
    cpSync(join(root, 'data', 'ljspeech-mini', `${id}.flac`), join(input, `${id}.flac`));
  const [here, there] = ['here', 'there'].map((name) => join(folder, name));
  assert.equal(run('synth', input, here, '--seed', '3').status, 0);
  const spoken = run('synth', input, there, '--seed', '3', '--cluster', url);
  assert.equal(spoken.status, 0, spoken.stderr);
  assert.deepEqual(readdirSync(there), readdirSync(here));
  for (const name of readdirSync(here))
    assert.deepEqual(readFileSync(join(there, name)), readFileSync(join(here, name)), name);

  const { status, stdout, stderr } = run('cluster', 'status', url, '--json');
  assert.equal(status, 0, stderr);
  const { runs, workers, waiting, active } = JSON.parse(stdout) as ClusterStatus;
  assert.deepEqual([runs.length, runs[0].doing, runs[0].done, runs[0].all], [1, 'speaking features', 2, 2]);
  assert.deepEqual([workers.length, workers[0].pid, workers[0].threads], [1, worker.process.pid, 1]);
  assert.deepEqual([waiting, active], [0, 0]);
  assert.match(run('cluster', 'status', url).stdout, /1 run, 1 worker, .*\n[\s\S]*speaking[\s\S]*2 of 2 files/);
});

test('workers run the trials of a comparison, with the figures of one machine', suite, async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await startRedis(t);
  const worker = startWorker(t, url, join(folder, 'features'));
  await worker.says(/is ready/);
  for (const [recipe, ...args] of [
    ['recipes/mnist', '--data', 'data/mnist-mini', '--methods', 'fixed,es-guided', '--seeds', '1', '--steps', '20'],
    [
      'recipes/ljspeech',
      ...['--data', 'data/ljspeech-mini', '--methods', 'fixed', '--seeds', '1', '--steps', '4'],
      ...['--set', 'sizes.small={ hidden: 32, projection: 16, density: { recurrent: 0.3, output: 0.3 } }'],
      ...['--set', 'training.lanes=16', '--set', 'training.segment=96', '--set', 'model.conditioning.channels=16'],
      ...['--set', 'data.validation.clips=[LJ001-0002]'],
    ],
  ]) {
    const figures = (name: string, ...more: string[]) => {
      const out = join(folder, name, recipe);
      const { status, stdout, stderr } = run('bench', 'sparsity', recipe, ...args, '--out', out, '--json', ...more);
      assert.equal(status, 0, stderr);
      const { runs } = JSON.parse(stdout) as { runs: { method: string; seed: number; quality: object }[] };
      return runs.map(({ method, seed, quality }) => ({ method, seed, quality }));
    };
    assert.deepEqual(figures('there', '--cluster', url), figures('here', '--jobs', '1'));
  }
});

/** Every file below a folder, with its bytes. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [relative(folder, join(parentPath, name)), readFileSync(join(parentPath, name))])
    .sort();

test(
  'texts are spoken, and features computed, to the bytes of one machine; what is wrong is said of one file',
  suite,
  async (t) => {
    const folder = temporaryFolder(t);
    const { url } = await startRedis(t);
    const worker = startWorker(t, url, join(folder, 'features'));
    await worker.says(/is ready/);
    const texts = join(folder, 'texts');
    mkdirSync(texts);
    writeFileSync(join(texts, 'one.txt'), 'Mr. Poole was late.');
    writeFileSync(join(texts, 'two.txt'), 'Very late.');
    writeFileSync(join(texts, 'nothing.txt'), ' ');
    writeFileSync(join(folder, 'words'), 'poole P UW1 L IY0\n');
    const recordings = join(folder, 'recordings');
    mkdirSync(join(recordings, 'part'), { recursive: true });
    for (const [id, place] of [
      ['LJ001-0002', ''],
      ['LJ001-0008', 'part'],
    ])
      cpSync(join(root, 'data', 'ljspeech-mini', `${id}.flac`), join(recordings, place, `${id}.flac`));
    writeFileSync(join(recordings, 'broken.wav'), 'RIFF....WAVE');
    for (const [command, args, wrong] of [
      [
        'speak',
        [texts, '--lexicon', join(folder, 'words'), '--seed', '3'],
        /ERR_TEXT: there is nothing to speak in .*nothing/,
      ],
      ['prepare', ['features', recordings, '--preset', 'keithito'], /ERR_AUDIO_\w+: .*broken\.wav/],
    ] as const) {
      const [here, there] = ['here', 'there'].map((name) => join(folder, command, name));
      const [first, ...more] = command === 'prepare' ? args.slice(1) : args;
      const given = (out: string) => [...(command === 'prepare' ? ['features'] : []), first, out, ...more];
      const alone = run(command, ...given(here));
      const shared = run(command, ...given(there), '--cluster', url);
      const errors = (text: string) => text.split('\n').filter((line) => line.startsWith('error'));
      assert.deepEqual([alone.status, shared.status], [2, 2], shared.stderr);
      assert.match(alone.stderr, wrong);
      assert.deepEqual(errors(shared.stderr), errors(alone.stderr));
      assert.ok(filesIn(here).length > 1);
      assert.deepEqual(filesIn(there), filesIn(here));
    }
  },
);

test('a voice and folders are evaluated to the figures and the sound of one machine', suite, async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await startRedis(t);
  const worker = startWorker(t, url, join(folder, 'features'));
  await worker.says(/is ready/);
  const held = join(folder, 'held');
  mkdirSync(held);
  for (const id of ['LJ001-0002', 'LJ001-0008'])
    cpSync(join(root, 'data', 'ljspeech-mini', `${id}.flac`), join(held, `${id}.flac`));
  writeFileSync(join(held, 'broken.wav'), 'RIFF....WAVE');
  /** Everything but how long it took. */
  const figures = (stdout: string) =>
    JSON.parse(stdout, (key, value: unknown) => (key === 'realTimeFactor' ? undefined : value)) as Evaluation;
  const out = (name: string) => join(folder, name);
  const voice = ['--voice', 'ljspeech', '--data', held, '--seed', '3', '--json', '--out'];
  const alone = run('eval', ...voice, out('here'));
  const shared = run('eval', ...voice, out('there'), '--cluster', url);
  assert.deepEqual([alone.status, shared.status], [2, 2], shared.stderr);
  assert.match(shared.stderr, /^error ERR_AUDIO_\w+: .*broken\.wav/m);
  const found = figures(shared.stdout);
  assert.equal(found.systems[0].clips.length, 2);
  assert.deepEqual(found, figures(alone.stdout));
  assert.deepEqual(filesIn(out('there')), filesIn(out('here')));

  const copies = [join(out('here'), 'ljspeech'), '--reference', join(out('here'), 'reference'), '--json'];
  const folders = run('eval', ...copies, '--cluster', url);
  assert.equal(folders.status, 0, folders.stderr);
  assert.equal(folders.stdout, run('eval', ...copies).stdout);
});

test('tts-train trains an acoustic model in parts, to the same bytes here and by a worker', suite, async (t) => {
  const folder = temporaryFolder(t);
  const { url } = await startRedis(t);
  const worker = startWorker(t, url, join(folder, 'features'));
  await worker.says(/is ready/);
  const set = [
    'data.validation.clips=[LJ001-0002, LJ001-0008]',
    'training.tokenClips=4',
    'training.clips=2',
    'training.generation=2',
    'training.validateEvery=100',
    'training.sampleEvery=100',
    'sizes.small={ tokenWidth: 16, width: 16 }',
  ].flatMap((assignment) => ['--set', assignment]);
  const trained = (name: string, cluster: string) => {
    const out = join(folder, name);
    const args = ['recipes/ljspeech-acoustic', '--data', 'data/ljspeech-mini', '--steps', '8', ...set, '--out', out];
    const { status, stderr } = run('train', ...args, '--parts', '2', '--cluster', cluster);
    assert.equal(status, 0, stderr);
    return readFileSync(join(out, 'checkpoints', '000000008', 'arrays.safetensors'));
  };
  const here = trained('here', 'local');
  assert.ok(here.equals(trained('there', url)));
});

test('what only one machine can do is refused with --cluster', () => {
  for (const [command, args, pattern] of [
    [
      'train',
      ['recipes/mnist', '--cluster', 'redis://127.0.0.1:1'],
      /--cluster is for task: vocoder and task: acoustic/,
    ],
    ['synth', ['data/ljspeech-mini/LJ001-0002.flac', 'x.wav', '--cluster', 'redis://127.0.0.1:1'], /is for folders/],
    ['speak', ['Hello.', 'x.wav', '--cluster', 'redis://127.0.0.1:1'], /is for folders/],
    ['prepare', ['features', 'x.flac', 'x.npy', '--cluster', 'redis://127.0.0.1:1'], /is for folders/],
    ['worker', ['redis://:secret@127.0.0.1'], /password in it/],
    ['worker', ['redis://127.0.0.1', '--threads', '0'], /--threads is 0/],
  ] as const) {
    const { status, stderr } = run(command, ...args);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^error ERR_ARGUMENT: .*${pattern.source}`, 'm'));
  }
});
