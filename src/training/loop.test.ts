import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { refused, temporaryFolder } from '../../test/support/files.js';
import type { Learner } from './learner.js';
import { checkRunFolder, runTask } from './loop.js';
import { loadNewestCheckpoint, saveCheckpoint } from './run_folder/checkpoint.js';
import type { TrainingTask } from './task.js';

/** Learns a number: each step halves its distance from 8; `bad` steps are dropped. */
class HalfWay implements Learner {
  step = 0;
  private readonly value = new Float32Array(1);
  constructor(private readonly bad: (step: number) => boolean = () => false) {}

  advance() {
    const applied = !this.bad(this.step++);
    const loss = applied ? 8 - this.value[0] : NaN;
    if (applied) this.value[0] += loss / 2;
    return { loss, applied, figures: { 'train/rate': 0.5 } };
  }

  diagnostics = () => ({});
  save = () => ({ arrays: new Map([['value', this.value]]), state: {} });
  restore({ arrays }: ReturnType<HalfWay['save']> | Parameters<Learner['restore']>[0], step: number) {
    this.value.set(arrays.get('value') ?? assert.fail('no array'));
    this.step = step;
  }
}

interface Options {
  steps?: number;
  bad?: (step: number) => boolean;
  identity?: object;
}

/** A task that fits on a page. */
function halfWay(taken: string[], { steps = 10, bad, identity = { target: 8 } }: Options = {}): TrainingTask {
  const learner = new HalfWay(bad);
  return {
    learner,
    kernels: { name: 'reference', threads: 1 },
    training: { steps, checkpointEvery: 4 },
    batch: { size: 1, unit: 'examples' },
    identity,
    introduction: [],
    measurements: [
      {
        every: 3,
        run(_, { step }) {
          taken.push(`value ${step}`);
          return { 'validation/value': learner.save().arrays.get('value')?.[0] ?? null };
        },
      },
      {
        every: 5,
        run(_, { step }) {
          taken.push(`picture ${step}`);
          return {};
        },
      },
      { every: Infinity, run: () => assert.fail('never due') },
    ],
    curve: [{ title: 'value', figure: 'validation/value', digits: 3 }],
    describe: () => [],
    ship(out, { step }) {
      writeFileSync(join(out, 'shipped'), String(step));
      return Promise.resolve(join(out, 'shipped'));
    },
  };
}

const curveOf = (out: string) =>
  readFileSync(join(out, 'curve.csv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .filter((_, i) => i !== 1)
        .join(),
    );

test('measurements are taken at their intervals and, each once, at the end', async (t) => {
  const out = temporaryFolder(t);
  const taken: string[] = [];
  const { step, figures } = await runTask(halfWay(taken), { out });
  assert.equal(step, 10);
  assert.deepEqual(taken, ['value 3', 'picture 5', 'value 6', 'value 9', 'value 10', 'picture 10']);
  assert.equal(figures['validation/value'], 8 - 8 / 2 ** 10);
  assert.equal(readFileSync(join(out, 'shipped'), 'utf8'), '10');
  assert.equal(curveOf(out).length, 5);
});

test('a run that was killed before its last measurement takes it when it goes on', async (t) => {
  const out = temporaryFolder(t);
  await runTask(halfWay([]), { out });
  const whole = curveOf(out);
  const last = loadNewestCheckpoint(out);
  assert.ok(last);
  // As if the process had died between the last checkpoint and the measurements.
  saveCheckpoint(out, 10, { ...last, state: { ...last.state, measured: [9, 5, 0] } });
  writeFileSync(join(out, 'curve.csv'), readFileSync(join(out, 'curve.csv'), 'utf8').replace(/10,.*\n$/, ''));
  const taken: string[] = [];
  const { step, figures } = await runTask(halfWay(taken), { out });
  assert.equal(step, 10);
  assert.deepEqual(taken, ['value 10', 'picture 10']);
  assert.deepEqual(curveOf(out), whole);
  assert.ok((figures['validation/value'] ?? 0) > 7.9);
});

test('a run in parts is the run in one go; a signal stops it without another measurement', async (t) => {
  const [whole, parts] = [temporaryFolder(t), temporaryFolder(t)];
  await runTask(halfWay([]), { out: whole });
  const stop = new AbortController();
  const taken: string[] = [];
  const task = halfWay(taken, { bad: (step) => (step === 6 && stop.abort(), false) });
  assert.equal((await runTask(task, { out: parts, signal: stop.signal })).step, 7);
  assert.deepEqual(taken, ['value 3', 'picture 5', 'value 6']);
  await runTask(halfWay([]), { out: parts });
  assert.deepEqual(curveOf(parts), curveOf(whole));
  assert.deepEqual(loadNewestCheckpoint(parts)?.arrays, loadNewestCheckpoint(whole)?.arrays);
});

test('a finished run that is asked for fewer steps says that nothing is left to do', async (t) => {
  const out = temporaryFolder(t);
  const taken: string[] = [];
  await runTask(halfWay([]), { out });
  const curve = curveOf(out);
  const said: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
  const { step, steps, perSecond } = await runTask(halfWay(taken, { steps: 6 }), { out });
  t.mock.restoreAll();
  assert.deepEqual([step, steps, perSecond, taken], [10, 10, 0, []]);
  assert.match(said.join(''), /has 10 steps behind it, more than the 6 .*nothing is left to do/);
  assert.match(said.join(''), /step 10\/10 · .* 0 s left\n$/);
  assert.doesNotMatch(said.join(''), /NaN|10\/6|unknown/);
  assert.deepEqual(curveOf(out), curve);
});

test('one process at a time trains in a folder; who comes second changes nothing', async (t) => {
  const out = temporaryFolder(t);
  const first = runTask(halfWay([]), { out });
  await assert.rejects(runTask(halfWay([]), { out }), { code: 'ERR_IN_USE', message: /the run in .* process \d+/ });
  assert.equal((await first).step, 10);
  assert.deepEqual(readdirSync(out).sort(), ['checkpoints', 'curve.csv', 'logs', 'shipped']);
});

test('what a process that was killed was writing goes when the run goes on; the curve keeps its whole lines', async (t) => {
  const out = temporaryFolder(t);
  await runTask(halfWay([]), { out });
  const path = join(out, 'curve.csv');
  const curve = readFileSync(path, 'utf8');
  writeFileSync(path, `${curve}\0\0\0\n1,2\n8,1.0,0.1,x\n8,1.0,0.1,1e999\n1`);
  writeFileSync(join(out, 'voice.safetensors.0123456789ab.tmp'), 'half');
  await runTask(halfWay([], { steps: 11 }), { out });
  assert.ok(readFileSync(path, 'utf8').startsWith(curve), readFileSync(path, 'utf8'));
  assert.equal(curveOf(out).length, 6);
  assert.deepEqual(readdirSync(out).sort(), ['checkpoints', 'curve.csv', 'logs', 'shipped']);
});

test('the curve is never empty while it is written anew', async (t) => {
  const out = temporaryFolder(t);
  await runTask(halfWay([]), { out });
  const path = join(out, 'curve.csv');
  const before = readFileSync(path, 'utf8');
  // The older file, held open as by a reader, stays whole: it was replaced, not emptied.
  const file = openSync(path, 'r');
  t.after(() => closeSync(file));
  await runTask(halfWay([], { steps: 11 }), { out });
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('a folder with the files of somebody else under our names is refused and left alone', async (t) => {
  const out = temporaryFolder(t);
  const shipped = { name: 'shipped', kind: { name: 'a number', is: (head: Buffer) => /^\d+$/.test(String(head)) } };
  checkRunFolder(join(out, 'new'), { shipped });
  assert.ok(!existsSync(join(out, 'new')));
  for (const name of ['curve.csv', 'shipped']) {
    writeFileSync(join(out, name), 'mine');
    assert.throws(() => checkRunFolder(out, { shipped }), { code: 'ERR_FILE_EXISTS' });
    assert.equal(readFileSync(join(out, name), 'utf8'), 'mine');
    rmSync(join(out, name));
  }
  writeFileSync(join(out, 'shipped'), '5');
  checkRunFolder(out, { shipped });
  const inputs = [join(out, 'shipped')];
  assert.throws(() => checkRunFolder(out, { shipped, inputs }), { code: 'ERR_FILE_IS_INPUT' });
  writeFileSync(join(out, 'file'), '');
  assert.throws(() => checkRunFolder(join(out, 'file'), { shipped }), { code: 'ERR_FILE_WRITE' });
});

test('ten bad steps in a row stop a run, nine do not', async (t) => {
  const out = temporaryFolder(t);
  await assert.rejects(runTask(halfWay([], { steps: 30, bad: (step) => step > 4 }), { out }), {
    code: 'ERR_NOT_FINITE',
    message: /10 steps in a row up to 15 .*saved in .*learningRate/,
  });
  assert.equal(loadNewestCheckpoint(out)?.step, 15);
  const other = temporaryFolder(t);
  assert.equal((await runTask(halfWay([], { steps: 30, bad: (step) => step % 10 > 0 }), { out: other })).step, 30);
});

test('a measure that is infinite is passed over, and the run is saved', async (t) => {
  const out = temporaryFolder(t);
  const task = halfWay([]);
  const values = [1, Infinity, NaN, null];
  const run = () => ({ 'validation/value': values.shift() ?? null });
  await runTask({ ...task, measurements: [{ every: 3, run }, ...task.measurements.slice(1)] }, { out });
  assert.equal(values.length, 0);
  const { figures } = loadNewestCheckpoint(out)?.state as { figures: object };
  assert.deepEqual(figures, { 'validation/value': 1 });
});

test('the folder of another run, or of a run of version 0.1, is refused and left alone', async (t) => {
  const out = temporaryFolder(t);
  await runTask(halfWay([]), { out });
  const curve = curveOf(out);
  await assert.rejects(runTask(halfWay([], { identity: { target: 9 } }), { out }), {
    code: 'ERR_CHECKPOINT',
    message: /target 8, now 9/,
  });
  assert.deepEqual(curveOf(out), curve);
  const old = temporaryFolder(t);
  saveCheckpoint(old, 3, { arrays: new Map(), state: { recipe: {}, seconds: 1 } });
  await assert.rejects(runTask(halfWay([]), { out: old }), { code: 'ERR_CHECKPOINT', message: /version 0\.1/ });
  assert.ok(!existsSync(join(old, 'curve.csv')));
});

test('a checkpoint with right checksums that does not fit the run is refused, and nothing is lost', async (t) => {
  const out = temporaryFolder(t);
  await runTask(halfWay([]), { out });
  const last = loadNewestCheckpoint(out);
  assert.ok(last);
  const { state, arrays } = last;
  const forged: [object, Map<string, Float32Array>][] = [
    [{ ...state, measured: 'x' }, new Map([['value', new Float32Array(1)]])],
    [{ ...state, measured: [1] }, new Map([['value', new Float32Array(1)]])],
    [{ ...state, smoothLoss: '2' }, new Map([['value', new Float32Array(1)]])],
    [{ ...state, learner: null }, new Map([['value', new Float32Array(1)]])],
    [state, new Map()],
    [state, new Map([['value', new Float32Array(2)]])],
    [state, new Map([['value', Float32Array.of(NaN)]])],
  ];
  for (const [i, [other, values]] of forged.entries()) {
    saveCheckpoint(out, 11 + i, { state: other as Record<string, unknown>, arrays: values });
    await assert.rejects(
      runTask(halfWay([], { steps: 30 }), { out }),
      refused('ERR_CHECKPOINT', /does not fit/),
      `${i}`,
    );
  }
  saveCheckpoint(out, 20, { state, arrays });
  assert.equal((await runTask(halfWay([], { steps: 30 }), { out })).step, 30);
});
