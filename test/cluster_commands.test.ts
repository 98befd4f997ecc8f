import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { ClusterStatus } from '../src/cluster/status.js';
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
  assert.deepEqual([runs.length, runs[0].doing, runs[0].done, runs[0].all], [1, 'speaking', 2, 2]);
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

test('what only one machine can do is refused with --cluster', () => {
  for (const [command, args, pattern] of [
    ['train', ['recipes/mnist', '--cluster', 'redis://127.0.0.1:1'], /--cluster trains voices/],
    ['synth', ['data/ljspeech-mini/LJ001-0002.flac', 'x.wav', '--cluster', 'redis://127.0.0.1:1'], /is for folders/],
    ['worker', ['redis://:secret@127.0.0.1'], /password in it/],
    ['worker', ['redis://127.0.0.1', '--threads', '0'], /--threads is 0/],
  ] as const) {
    const { status, stderr } = run(command, ...args);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^error ERR_ARGUMENT: .*${pattern.source}`, 'm'));
  }
});
