import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, temporaryFolder } from './command_line.js';

export const redisProgram = ['redis-server', 'valkey-server'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

/** Why tests that need a queue are skipped: they start many processes, which takes minutes on two cores. */
export const noRedis =
  redisProgram === undefined
    ? 'needs redis-server, and npm run test:cluster'
    : process.env.TTS_TEST_CLUSTER === undefined && 'npm run test:cluster runs them';

/** A server of our own, without anything on the disk, that can be killed and comes back empty. */
export interface TestRedis {
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  /** As kill -9 does. */
  kill(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server that ends with the test. @param settings further lines of its configuration */
export async function startRedis(
  t: { after: (end: () => void) => void },
  settings: (port: number) => string[] = (port) => ['--port', String(port)],
): Promise<TestRedis> {
  const folder = temporaryFolder(t);
  const port = await freePort();
  let server: ChildProcess | undefined;
  const redis: TestRedis = {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const own = ['--bind', '127.0.0.1', '--save', '', '--dir', folder, ...settings(port)];
      server = spawn(redisProgram as string, own, { stdio: ['ignore', 'pipe', 'inherit'] });
      const starting = server;
      await new Promise<void>((resolve, reject) => {
        let said = '';
        starting.stdout!.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (/Ready to accept connections/i.test(said)) resolve();
        });
        starting.once('exit', () => reject(new Error(`redis-server ended: ${said}`)));
      });
    },
    async kill() {
      const ended = once(server!, 'exit');
      if (server!.kill('SIGKILL')) await ended;
    },
  };
  await redis.start();
  t.after(() => server?.kill('SIGKILL'));
  return redis;
}

/** A tts-worker in a process of its own. */
export interface TestWorker {
  readonly process: ChildProcess;
  /** What it has said. */
  said(): string;
  /** Waits until it has said this. */
  says(pattern: RegExp): Promise<void>;
  /** Its status, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts a worker that ends with the test. */
export function startWorker(
  t: { after: (end: () => void) => void },
  url: string,
  data: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): TestWorker {
  const script = join(root, 'dist', 'src', 'cli', 'worker.js');
  const child = spawn(process.execPath, [script, url, '--threads', '1', '--data', data, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let over = false;
  void ended.then(() => (over = true));
  return {
    process: child,
    said: () => said,
    async says(pattern) {
      while (!pattern.test(said)) {
        if (over) throw new Error(`the worker ended and said only: ${said}`);
        await sleep(50);
      }
    },
    ended,
  };
}
