import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, run, temporaryFolder, tinyTraining } from './support/command_line.js';
import { noRedis, redisProgram } from './support/redis.js';

const names = ['a', 'b'].map((host) => `tts${process.pid}${host}`);
const addresses = ['10.77.91.1', '10.77.91.2'];
const ip = (...args: string[]) => spawnSync('ip', args).status === 0;
const inside = (host: number, program: string, ...args: string[]): ChildProcess =>
  spawn('ip', ['netns', 'exec', names[host], program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });

/** Two hosts with 1 Gbit between them. */
function makeHosts(): boolean {
  const [a, b] = names;
  const made =
    ip('netns', 'add', a) &&
    ip('netns', 'add', b) &&
    ip('link', 'add', 'eth0', 'netns', a, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b);
  return (
    made &&
    names.every(
      (name, i) =>
        ip('-n', name, 'addr', 'add', `${addresses[i]}/24`, 'dev', 'eth0') &&
        ip('-n', name, 'link', 'set', 'eth0', 'up') &&
        ip('-n', name, 'link', 'set', 'lo', 'up') &&
        spawnSync('tc', `-n ${name} qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 50ms`.split(' '))
          .status === 0,
    )
  );
}
const removeHosts = () => names.forEach((name) => ip('netns', 'del', name));

const made = !noRedis && makeHosts();
const skip = noRedis || (made ? false : 'needs network namespaces');
if (!made) removeHosts();

test('a link that is down for longer than the lock of a job changes nothing', { skip }, async (t) => {
  t.after(removeHosts);
  const folder = temporaryFolder(t);
  const started: ChildProcess[] = [];
  t.after(() => started.forEach((child) => child.kill('SIGKILL')));
  const start = (...args: Parameters<typeof inside>) => {
    const child = inside(...args);
    started.push(child);
    return child;
  };
  const says = async (child: ChildProcess, pattern: RegExp) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream!.setEncoding('utf8').on('data', (text: string) => (said += text));
    while (!pattern.test(said)) {
      assert.equal(child.exitCode, null, said);
      await sleep(50);
    }
  };
  const set = ['training.parts=2', 'training.generation=3', 'training.steps=15', 'sparsity.method=fixed'];
  const args = [...tinyTraining, ...set.flatMap((assignment) => ['--set', assignment])];
  const arraysOf = (name: string) => readFileSync(join(folder, name, 'checkpoints', '000000015', 'arrays.safetensors'));
  assert.equal(run('train', ...args, '--out', join(folder, 'here')).status, 0);

  const serverArgs = ['--bind', addresses[0], '--protected-mode', 'no', '--save', '', '--dir', folder];
  await says(start(0, redisProgram as string, ...serverArgs), /Ready to accept connections/);
  const url = `redis://${addresses[0]}`;
  const script = (name: string) => join(root, 'dist', 'src', 'cli', `${name}.js`);
  const workerArgs = [url, '--threads', '1', '--lock', '2', '--data', join(folder, 'features')];
  for (const host of [0, 1]) await says(start(host, process.execPath, script('worker'), ...workerArgs), /is ready/);
  const there = join(folder, 'there');
  const training = start(0, process.execPath, script('train'), ...args, '--out', there, '--cluster', url);
  const ended = once(training, 'exit');
  while (!existsSync(join(there, 'checkpoints', '000000003'))) {
    assert.equal(training.exitCode, null);
    await sleep(10);
  }
  ip('-n', names[1], 'link', 'set', 'eth0', 'down');
  await sleep(5000);
  ip('-n', names[1], 'link', 'set', 'eth0', 'up');
  assert.deepEqual(await ended, [0, null]);
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(hash(arraysOf('there')), hash(arraysOf('here')));
});
