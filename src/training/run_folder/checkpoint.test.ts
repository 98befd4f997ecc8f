import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { type CheckpointContents, loadNewestCheckpoint, saveCheckpoint } from './checkpoint.js';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'run-'));
});
afterEach(() => rmSync(run, { recursive: true }));

/** Contents that tell their step, odd values of float32 among them. */
const at = (step: number): CheckpointContents => ({
  arrays: new Map<string, Float32Array | Int32Array>([
    ['weights', Float32Array.of(step, -0, 1e-45, 3.4e38, NaN, 0.1)],
    ['columns', Int32Array.of(step, -1)],
    ['empty', new Float32Array(0)],
  ]),
  state: { step, nll: 5.123456789012345, history: [1, 2.5], best: null },
});
const saved = (): string[] => readdirSync(join(run, 'checkpoints')).sort();
const file = (step: number, name: string): string => join(run, 'checkpoints', String(step).padStart(9, '0'), name);
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
}

test('a checkpoint comes back exactly', () => {
  saveCheckpoint(run, 1000, at(1000));
  const loaded = loadNewestCheckpoint(run);
  assert.equal(loaded?.step, 1000);
  assert.deepEqual(new Map([...(loaded?.arrays ?? [])].sort()), new Map([...at(1000).arrays].sort()));
  assert.deepEqual(loaded?.state, at(1000).state);
  assert.equal(loaded?.note, undefined);
});

test('a run without checkpoints has none', () => {
  assert.equal(loadNewestCheckpoint(run), null);
  assert.equal(loadNewestCheckpoint(join(run, 'never')), null);
});

test('the newest two are kept, by step and not by name', () => {
  for (const step of [999_999_998, 999_999_999, 1_000_000_000, 1_000_000_001]) saveCheckpoint(run, step, at(step));
  assert.deepEqual(saved(), ['1000000000', '1000000001']);
  assert.equal(loadNewestCheckpoint(run)?.step, 1_000_000_001);
});

test('saving a step again replaces it', () => {
  saveCheckpoint(run, 1, at(1));
  saveCheckpoint(run, 2, at(2));
  saveCheckpoint(run, 2, at(7));
  assert.deepEqual(saved(), ['000000001', '000000002']);
  assert.deepEqual(loadNewestCheckpoint(run)?.state, at(7).state);
});

for (const name of ['arrays.safetensors', 'state.json', 'manifest.json']) {
  const harms: [string, (path: string) => void][] = [
    ['cut', (path) => truncateSync(path, 5)],
    ['missing', (path) => rmSync(path)],
  ];
  if (name !== 'manifest.json') harms.push(['changed', damage]);
  for (const [kind, harm] of harms) {
    test(`a newest checkpoint with ${name} ${kind} is passed over with a note`, () => {
      saveCheckpoint(run, 1, at(1));
      saveCheckpoint(run, 2, at(2));
      harm(file(2, name));
      const loaded = loadNewestCheckpoint(run);
      assert.equal(loaded?.step, 1);
      assert.match(loaded?.note ?? '', /resumed from step 1; passed over .*000000002/);
    });
  }
}

test('training goes on past a broken checkpoint, which never displaces a good one', () => {
  for (const step of [10, 20, 30]) saveCheckpoint(run, step, at(step));
  damage(file(30, 'arrays.safetensors'));
  for (const step of [25, 28]) saveCheckpoint(run, step, at(step));
  assert.equal(loadNewestCheckpoint(run)?.step, 28);
  damage(file(28, 'arrays.safetensors'));
  assert.equal(loadNewestCheckpoint(run)?.step, 25);
  saveCheckpoint(run, 30, at(30));
  assert.equal(loadNewestCheckpoint(run)?.note, undefined);
});

test('when all are broken, the error names them', () => {
  saveCheckpoint(run, 1, at(1));
  saveCheckpoint(run, 2, at(2));
  damage(file(1, 'state.json'));
  truncateSync(file(2, 'arrays.safetensors'), 100);
  assert.throws(
    () => loadNewestCheckpoint(run),
    (error: Error & { code?: string }) =>
      error.code === 'ERR_CHECKPOINT' &&
      /000000002 \(arrays\.safetensors has 100 bytes.*000000001 \(state\.json does not match/.test(error.message),
  );
});

test('state that JSON cannot hold is refused and leaves the earlier checkpoint', () => {
  saveCheckpoint(run, 1, at(1));
  assert.throws(() => saveCheckpoint(run, 2, { arrays: new Map(), state: { best: Infinity } }), /best is Infinity/);
  assert.equal(loadNewestCheckpoint(run)?.step, 1);
  saveCheckpoint(run, 3, at(3));
  assert.deepEqual(saved(), ['000000001', '000000003']);
});

test(
  'a process killed while it saves leaves a whole checkpoint, every time',
  { skip: process.platform === 'win32' },
  async () => {
    const script = `
    import { saveCheckpoint } from ${JSON.stringify(new URL('./checkpoint.js', import.meta.url).href)};
    const [run, first] = process.argv.slice(1);
    for (let step = Number(first); ; step++) {
      saveCheckpoint(run, step, { arrays: new Map([['a', new Float32Array(200_000).fill(step)]]), state: { step } });
      if (step === Number(first)) process.stdout.write('saved');
    }`;
    let next = 1;
    let halfWritten = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, run, String(next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      assert.equal((await exit)[1], 'SIGKILL');
      if (saved().some((name) => !/^\d+$/.test(name))) halfWritten++;

      const loaded = loadNewestCheckpoint(run);
      assert.ok(loaded && loaded.step >= next);
      assert.equal(loaded.note, undefined);
      assert.deepEqual(loaded.state, { step: loaded.step });
      assert.ok(loaded.arrays.get('a')?.every((value) => value === loaded.step));
      next = loaded.step + 1;
    }
    assert.ok(existsSync(join(run, 'checkpoints')));
    assert.ok(halfWritten > 0, 'no kill fell into a save: the test shows nothing');
  },
);
