import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { refused, temporaryFolder } from '../../test/support/files.js';
import { refuseIfLocked, takeLock } from './lock.js';

const linux = { skip: process.platform !== 'linux' };

/** A process that holds a lock until it is killed. */
async function holder(t: TestContext, path: string) {
  const script = `import { takeLock } from ${JSON.stringify(new URL('./lock.js', import.meta.url).href)};
    takeLock(${JSON.stringify(path)}, 'it');
    console.log('held');
    setInterval(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}

/** Changes what a lock file says. */
function edit(path: string, changes: object): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...changes }));
}

test('a lock is taken, refused to a second one of the same process, released and taken again', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'new', 'a.lock');
  const lock = takeLock(path, 'the run');
  assert.throws(() => takeLock(path, 'the run'), refused('ERR_IN_USE', /the run is in use by process \d+ since/));
  lock.release();
  lock.release();
  takeLock(path, 'the run').release();
  assert.deepEqual(readdirSync(join(folder, 'new')), []);
});

test('the lock of another process is refused with its number while it lives, and taken over after kill -9', async (t) => {
  const path = join(temporaryFolder(t), 'a.lock');
  const other = await holder(t, path);
  const message = new RegExp(`process ${other.pid} since`);
  assert.throws(() => takeLock(path, 'it'), refused('ERR_IN_USE', message));
  assert.throws(() => refuseIfLocked(path, 'it'), refused('ERR_IN_USE', message));
  await other.end('SIGKILL');
  assert.ok(existsSync(path));
  refuseIfLocked(path, 'it');
  const lock = takeLock(path, 'it');
  assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid, process.pid);
  lock.release();
});

test('a process that is stopped by a signal leaves no lock', { skip: process.platform === 'win32' }, async (t) => {
  const folder = temporaryFolder(t);
  await (await holder(t, join(folder, 'a.lock'))).end('SIGTERM');
  assert.deepEqual(readdirSync(folder), []);
});

test('a process number that was given again, and one from before a restart, hold nothing', linux, async (t) => {
  const folder = temporaryFolder(t);
  for (const changes of [{ began: '1' }, { boot: 'another' }, { pid: 4_194_304 }]) {
    const path = join(folder, `${Object.keys(changes)[0]}.lock`);
    const other = await holder(t, path);
    assert.throws(() => refuseIfLocked(path, 'it'), refused('ERR_IN_USE'));
    edit(path, changes);
    takeLock(path, 'it').release();
    await other.end('SIGKILL');
  }
});

test('a lock of another machine is respected, and the message says what to do if it has gone', (t) => {
  const path = join(temporaryFolder(t), 'a.lock');
  takeLock(path, 'it');
  edit(path, { host: 'elsewhere', boot: 'another', namespace: 'another' });
  assert.throws(() => takeLock(path, 'it'), refused('ERR_IN_USE', /on elsewhere since/, /remove .*a\.lock/));
  edit(path, { host: hostname(), boot: 'another' });
  if (process.platform === 'linux') takeLock(path, 'it').release();
});

test('what is no lock, empty after a power cut, is taken over', (t) => {
  const path = join(temporaryFolder(t), 'a.lock');
  for (const text of ['', '{', '{"pid":"x"}', '\0\0\0']) {
    writeFileSync(path, text);
    takeLock(path, 'it').release();
  }
});

test('of many that find a dead lock at once one gets it', async (t) => {
  const path = join(temporaryFolder(t), 'a.lock');
  writeFileSync(path, '');
  const script = `import { takeLock } from ${JSON.stringify(new URL('./lock.js', import.meta.url).href)};
    try { takeLock(${JSON.stringify(path)}, 'it'); console.log('got'); } catch (error) { console.log(error.code); }
    process.stdin.resume();`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  t.after(() => children.forEach((child) => child.kill('SIGKILL')));
  const said = await Promise.all(children.map(async (child) => String((await once(child.stdout, 'data'))[0]).trim()));
  assert.deepEqual(said.sort(), [...Array.from({ length: 5 }, () => 'ERR_IN_USE'), 'got']);
});
