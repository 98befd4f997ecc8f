import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { loadVoice } from '../src/model/voice/file.js';
import { run, runWarm, start, temporaryFolder, tinyTraining } from './support/command_line.js';

const pruning = ['--set', 'sparsity={ method: pruning, pruning: { start: 2, end: 9, every: 2 } }'];

/** Step, loss and held-out NLL of each line; not the seconds. */
function measured(folder: string): string[] {
  return readFileSync(join(folder, 'curve.csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .filter((_, i) => i !== 1)
        .join(),
    );
}

async function sameWeights(a: string, b: string): Promise<void> {
  const [first, second] = await Promise.all([a, b].map((folder) => loadVoice(join(folder, 'voice.safetensors'))));
  assert.deepEqual(second.sparse, first.sparse);
  assert.deepEqual(second.dense, first.dense);
  assert.deepEqual(second.conditioning, first.conditioning);
}

for (const [name, sparsity] of [
  ['es-guided', []],
  ['pruning', pruning],
] as const) {
  test(`a run (${name}) that was killed goes on to the same losses and the same voice`, async (t) => {
    const folder = temporaryFolder(t);
    const args = [...tinyTraining, ...sparsity, '--steps', '12'];
    const whole = join(folder, 'whole');
    const broken = join(folder, 'broken');
    assert.equal(runWarm('train', ...args, '--out', whole).status, 0);

    const child = start('train', ...args, '--out', broken);
    const exited = once(child, 'exit');
    while (!existsSync(join(broken, 'checkpoints', '000000006')) && child.exitCode === null) await setTimeout(2);
    child.kill('SIGKILL');
    const [, signal] = await exited;
    assert.equal(signal, 'SIGKILL', 'the run ended before it could be killed');
    const resumed = run('train', ...args, '--out', broken);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stderr, /resumed from step \d+/);
    assert.deepEqual(measured(broken), measured(whole));
    await sameWeights(whole, broken);
  });
}

test('a run that began from a voice and was killed goes on to the same losses and the same voice', async (t) => {
  const folder = temporaryFolder(t);
  const base = join(folder, 'base');
  assert.equal(runWarm('train', ...tinyTraining, '--steps', '3', '--out', base).status, 0);
  // Other statistics than those of the voice, and masks that are searched on.
  const args = [...tinyTraining, '--set', 'data.validation.clips=[LJ001-0002, LJ016-0117]', '--steps', '12'];
  const whole = join(folder, 'whole');
  const { status, stderr } = runWarm('train', ...args, '--from', join(base, 'voice.safetensors'), '--out', whole);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /begins from the voice base \(speech, 3 steps\)/);

  const killed = async (broken: string, seen: string) => {
    const child = start('train', ...args, '--from', join(base, 'voice.safetensors'), '--out', broken);
    const exited = once(child, 'exit');
    while (!existsSync(join(broken, seen)) && child.exitCode === null) await setTimeout(2);
    child.kill('SIGKILL');
    const [, signal] = await exited;
    assert.equal(signal, 'SIGKILL', 'the run ended before it could be killed');
  };
  const [early, late] = [join(folder, 'early'), join(folder, 'late')];
  await killed(early, 'from.safetensors');
  assert.ok(!existsSync(join(early, 'checkpoints')));
  await killed(late, join('checkpoints', '000000006'));
  // The voice is in the folder: the file that it was read from may go.
  rmSync(base, { recursive: true });
  for (const broken of [early, late]) {
    const resumed = run('train', ...args, '--from', join(broken, 'from.safetensors'), '--out', broken);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.deepEqual(measured(broken), measured(whole));
    assert.equal(measured(whole).filter((line) => line.startsWith('0,')).length, 1);
    await sameWeights(whole, broken);
  }
});

test('Ctrl-C saves, and the run goes on to the same voice', async (t) => {
  const folder = temporaryFolder(t);
  const args = [...tinyTraining, '--steps', '12', '--set', 'training.checkpointEvery=1000'];
  const whole = join(folder, 'whole');
  const stopped = join(folder, 'stopped');
  assert.equal(runWarm('train', ...args, '--out', whole).status, 0);
  const child = start('train', ...args, '--out', stopped);
  const exited = once(child, 'exit');
  while (!(existsSync(join(stopped, 'curve.csv')) && measured(stopped).length > 1) && child.exitCode === null)
    await setTimeout(2);
  child.kill('SIGINT');
  assert.deepEqual(await exited, [0, null]);
  assert.equal(run('train', ...args, '--out', stopped).status, 0);
  await sameWeights(whole, stopped);
});

test('the number of threads changes no weight', async (t) => {
  const folder = temporaryFolder(t);
  for (const threads of ['1', '3'])
    assert.equal(
      runWarm('train', ...tinyTraining, '--steps', '4', '--threads', threads, '--out', join(folder, threads)).status,
      0,
    );
  await sameWeights(join(folder, '1'), join(folder, '3'));
});

test('another seed gives another voice', async (t) => {
  const folder = temporaryFolder(t);
  for (const seed of ['1', '2'])
    assert.equal(
      runWarm('train', ...tinyTraining, '--steps', '2', '--seed', seed, '--out', join(folder, seed)).status,
      0,
    );
  await assert.rejects(sameWeights(join(folder, '1'), join(folder, '2')));
});

test('a folder that holds another run is refused and left alone', (t) => {
  const out = join(temporaryFolder(t), 'run');
  assert.equal(runWarm('train', ...tinyTraining, '--steps', '3', '--out', out).status, 0);
  const curve = readFileSync(join(out, 'curve.csv'), 'utf8');
  const { status, stderr } = runWarm(
    'train',
    ...tinyTraining,
    '--steps',
    '6',
    '--out',
    out,
    '--set',
    'training.learningRate=5e-4',
  );
  assert.equal(status, 2);
  assert.match(stderr, /error ERR_CHECKPOINT: .*training\.learningRate .*, now 0\.0005/);
  assert.equal(readFileSync(join(out, 'curve.csv'), 'utf8'), curve);
  // More steps are no other run.
  assert.equal(runWarm('train', ...tinyTraining, '--steps', '6', '--out', out).status, 0);
});
