import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from '../../test/support/command_line.js';
import { deadAddress, refused } from '../../test/support/files.js';
import { noRedis, startRedis } from '../../test/support/redis.js';
import { connect, optionsOf } from './link.js';
import { keys } from './names.js';

test('an address says where the queue is; a password in it, and what is no address, are refused', (t) => {
  assert.equal(optionsOf({ url: 'redis://host' }).port, 6379);
  const { host, port, db, username, tls } = optionsOf({ url: 'rediss://tts@[::1]:7000/3' });
  assert.deepEqual([host, port, db, username, tls], ['::1', 7000, 3, 'tts', {}]);
  for (const url of ['redis://:secret@host', 'redis://tts:secret@host'])
    assert.throws(
      () => optionsOf({ url }),
      (error: Error) => refused('ERR_ARGUMENT', /password in it/)(error) && !error.message.includes('secret'),
    );
  for (const url of ['host', 'http://host', 'redis://', 'redis://host/name', 'redis://host?password=x', 'local'])
    assert.throws(() => optionsOf({ url }), refused('ERR_ARGUMENT', /expected redis:\/\/HOST/));
  assert.throws(() => optionsOf({ url: 'redis://host', ca: 'ca.crt' }), refused('ERR_ARGUMENT', /rediss/));
  const file = join(temporaryFolder(t), 'password');
  writeFileSync(file, 'a secret\n');
  assert.equal(optionsOf({ url: 'redis://host', passwordFile: file }).password, 'a secret');
});

test('a queue that nobody answers at is refused at once', async () => {
  const url = (await deadAddress()).replace('http', 'redis');
  await assert.rejects(connect({ url }), refused('ERR_QUEUE', /cannot be reached \(connect ECONNREFUSED/));
});

test('nothing of the queue is loaded unless one is used: its packages may not be there', () => {
  const dist = join(root, 'dist', 'src');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.js$/.test(name),
  );
  assert.ok(files.includes(join('cluster', 'link.js')));
  for (const name of files)
    assert.doesNotMatch(readFileSync(join(dist, name), 'utf8'), /from '(bullmq|ioredis)'/, name);
});

const noOpenssl = spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl';

test(
  'a queue with TLS lets in who has the password, to its own keys alone',
  { skip: noRedis || noOpenssl },
  async (t) => {
    const folder = join(temporaryFolder(t), 'queue');
    const made = spawnSync('bash', [join(root, 'scripts', 'make-queue.sh'), folder, '127.0.0.1', 'localhost']);
    assert.equal(made.status, 0, String(made.stderr));
    const settings = (port: number) => {
      const config = readFileSync(join(folder, 'redis.conf'), 'utf8').replace('tls-port 6379', `tls-port ${port}`);
      writeFileSync(join(folder, 'test.conf'), config);
      return [];
    };
    const { port } = await startRedis(t, (port) => (settings(port), ['--include', join(folder, 'test.conf')]));
    const url = `rediss://tts@127.0.0.1:${port}`;
    const ca = join(folder, 'ca.crt');
    const passwordFile = join(folder, 'password');

    const link = await connect({ url, ca, passwordFile });
    t.after(() => link.close());
    // What coordinators and workers do.
    const worker = link.takeJobs(async () => {
      await link.redis.rpush(keys.ended('run'), 'done');
    });
    await link.queue.add('part', {}, { removeOnComplete: true });
    assert.deepEqual(await link.waiting.blpop(keys.ended('run'), 10), [keys.ended('run'), 'done']);
    await worker.close();
    await link.redis.multi().set(keys.blob('x'), 'x', 'EX', 10).sadd(keys.runs, 'x').exec();
    // And nothing else.
    for (const command of [
      ['get', 'other:key'],
      ['set', 'other:key', 'x'],
      ['flushall'],
      ['keys', '*'],
      ['config', 'get', '*'],
      ['acl', 'list'],
      ['shutdown'],
      ['module', 'list'],
      ['publish', 'channel', 'x'],
    ])
      await assert.rejects(link.redis.call(...(command as [string, ...string[]])), /NOPERM/, command.join(' '));

    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'wrong\n');
    await assert.rejects(connect({ url, ca, passwordFile: wrong }), refused('ERR_QUEUE', /does not let us in/));
    await assert.rejects(
      connect({ url: `rediss://127.0.0.1:${port}`, ca }),
      refused('ERR_QUEUE', /does not let us in .*NOAUTH/),
    );
    await assert.rejects(connect({ url, passwordFile }), refused('ERR_QUEUE', /cannot prove who it is/));
  },
);
