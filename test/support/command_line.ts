import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { WarmResult } from './warm_commands.js';

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

let warm: ((command: string, args: readonly string[]) => WarmResult) | undefined;

function startWarm(): (command: string, args: readonly string[]) => WarmResult {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  new Worker(new URL('./warm_commands.js', import.meta.url), {
    workerData: { port: port2, done },
    transferList: [port2],
    env: SHARE_ENV,
  }).unref();
  port1.unref();
  return (command, args) => {
    Atomics.store(done, 0, 0);
    port1.postMessage({ script: pathToFileURL(script(command)).href, args });
    Atomics.wait(done, 0, 0);
    return receiveMessageOnPort(port1)?.message as WarmResult;
  };
}

/**
 * As `run`, but in a thread of this process that has loaded the toolkit already, which spares the half a second that a
 * process of its own takes to start, and in the folder that this process works in. For commands whose end, signals, standard input and memory are not what is tested:
 * above all for those that are refused.
 */
export function runWarm(command: string, ...args: string[]): ReturnType<typeof run> {
  const { status, stdout, stderr } = (warm ??= startWarm())(command, args);
  const bytes = Buffer.from(stdout);
  return { status, stdout: bytes.toString('utf8'), stderr: Buffer.from(stderr).toString('utf8'), bytes };
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

/** Less than a second of each of six clips. */
export const shortSpeech = 'test/fixtures/speech';

/** Settings that make the recipe of LJSpeech small enough to train in seconds. */
export const tinySettings = [
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

/** A training of seconds. */
export const tinyTraining = ['recipes/ljspeech', '--data', shortSpeech, ...tinySettings];
