import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
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

/** Trains to the end, in a thread. */
function train(out: string, ...args: string[]): string {
  const { status, stderr } = runWarm('train', ...args, '--out', out);
  assert.equal(status, 0, stderr);
  return out;
}

const folder = temporaryFolder({ after });
// The search exchanges blocks after steps 3, 6 and 9.
const twelve = [...tinyTraining, '--set', 'sparsity.es-guided.every=3', '--steps', '12'];
/** What the others are compared with: twelve steps of the search, undisturbed. */
let undisturbed: string;
before(() => (undisturbed = train(join(folder, 'undisturbed'), ...twelve)));

/** Begins a run and ends it with a signal as soon as its folder has a file. */
async function interrupt(out: string, seen: () => boolean, signal: 'SIGKILL' | 'SIGINT', args: readonly string[]) {
  const child = start('train', ...args, '--out', out);
  const exited = once(child, 'exit');
  while (!seen() && child.exitCode === null) await setTimeout(2);
  child.kill(signal);
  assert.deepEqual(
    await exited,
    signal === 'SIGKILL' ? [null, signal] : [0, null],
    'the run ended before it could be interrupted',
  );
}

const checkpoint = (out: string) => existsSync(join(out, 'checkpoints', '000000006'));

for (const [name, sparsity] of [
  ['es-guided', []],
  ['pruning', pruning],
] as const)
  test(`a run (${name}) that was killed goes on to the same losses and the same voice`, async () => {
    const args = [...twelve, ...sparsity];
    const whole = name === 'pruning' ? train(join(folder, 'pruned'), ...args) : undisturbed;
    const broken = join(folder, `broken-${name}`);
    await interrupt(broken, () => checkpoint(broken), 'SIGKILL', args);
    const resumed = run('train', ...args, '--out', broken);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stderr, /resumed from step \d+/);
    assert.deepEqual(measured(broken), measured(whole));
    await sameWeights(whole, broken);
  });

test('a run that began from a voice and was killed goes on to the same losses and the same voice', async () => {
  const base = join(folder, 'base.safetensors');
  copyFileSync(join(undisturbed, 'voice.safetensors'), base);
  // Other statistics than those of the voice, and masks that are searched on.
  const args = [...twelve, '--set', 'data.validation.clips=[LJ001-0002, LJ016-0117]'];
  const whole = join(folder, 'whole');
  const { status, stderr } = runWarm('train', ...args, '--from', base, '--out', whole);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /begins from the voice base \(speech, 12 steps\)/);

  const [early, late] = [join(folder, 'early'), join(folder, 'late')];
  const from = [...args, '--from', base];
  await interrupt(early, () => existsSync(join(early, 'from.safetensors')), 'SIGKILL', from);
  assert.ok(!existsSync(join(early, 'checkpoints')));
  await interrupt(late, () => checkpoint(late), 'SIGKILL', from);
  // The voice is in the folder: the file that it was read from may go.
  rmSync(base);
  for (const broken of [early, late]) {
    train(broken, ...args, '--from', join(broken, 'from.safetensors'));
    assert.deepEqual(measured(broken), measured(whole));
    assert.equal(measured(whole).filter((line) => line.startsWith('0,')).length, 1);
    await sameWeights(whole, broken);
  }
});

test('Ctrl-C saves, and the run goes on to the same voice', async () => {
  const stopped = join(folder, 'stopped');
  const args = [...twelve, '--set', 'training.checkpointEvery=1000'];
  const begun = () => existsSync(join(stopped, 'curve.csv')) && measured(stopped).length > 1;
  await interrupt(stopped, begun, 'SIGINT', args);
  await sameWeights(undisturbed, train(stopped, ...args));
});

test('the number of threads changes no weight', async () => {
  const others = train(join(folder, 'threads'), ...twelve, '--threads', availableParallelism() === 1 ? '3' : '1');
  await sameWeights(undisturbed, others);
});

test('another seed gives another voice', async () => {
  const other = train(join(folder, 'seed'), ...twelve, '--seed', '2');
  await assert.rejects(sameWeights(undisturbed, other));
});

test('a folder that holds another run is refused and left alone', () => {
  const curve = readFileSync(join(undisturbed, 'curve.csv'), 'utf8');
  const { status, stderr } = runWarm('train', ...twelve, '--out', undisturbed, '--set', 'training.learningRate=5e-4');
  assert.equal(status, 2);
  assert.match(stderr, /error ERR_CHECKPOINT: .*training\.learningRate .*, now 0\.0005/);
  assert.equal(readFileSync(join(undisturbed, 'curve.csv'), 'utf8'), curve);
  // More steps are no other run.
  train(undisturbed, ...twelve, '--steps', '14');
});
