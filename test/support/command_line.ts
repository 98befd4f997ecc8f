import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository, seen from dist/test. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
const script = (command: string) => join(root, 'dist', 'src', 'cli', `${command}.js`);

/** Runs a command of the toolkit to its end. */
export function run(
  command: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string; bytes: Buffer } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script(command), ...args], {
    cwd: root,
    maxBuffer: 2 ** 28,
  });
  return { status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8'), bytes: stdout };
}

/** Starts a command and leaves it running. */
export function start(command: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [script(command), ...args], { cwd: root, stdio: 'ignore' });
}

/** A folder that is removed after the test. */
export function temporaryFolder(t: TestContext | { after: (remove: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'tts-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Settings that make the recipe of LJSpeech small enough to train in seconds. */
export const tinySettings = [
  // The two shortest: held-out clips are measured and spoken, which takes most of so short a run.
  'data.validation.clips=[LJ001-0002, LJ001-0008]',
  'sizes.small.hidden=32',
  'sizes.small.projection=16',
  'sizes.small.density.recurrent=0.5',
  'sizes.small.density.output=0.5',
  'model.conditioning.channels=16',
  'training.lanes=20',
  'training.segment=200',
  'training.warmup=2',
  'training.validateEvery=4',
  'training.checkpointEvery=3',
].flatMap((assignment) => ['--set', assignment]);

/** A training of seconds, on the speech that ships with the toolkit. */
export const tinyTraining = ['recipes/ljspeech', '--data', 'data/ljspeech-mini', ...tinySettings];
