import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { removeLeftovers } from './temporary.js';
import { appendLine, WholeFile, writeWholeFile, writeWholeFileSync, writeWholeFolder } from './whole_file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whole-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const names = (): string[] => readdirSync(folder).sort();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const inside = (name: string): string => join(folder, name);

test('a file is written from its parts, and replaces an older one', async () => {
  await writeWholeFile(inside('a'), bytes('old and longer'));
  await writeWholeFile(inside('a'), [bytes('one'), bytes(''), bytes(' two')]);
  assert.equal(readFileSync(inside('a'), 'utf8'), 'one two');
  assert.deepEqual(names(), ['a']);
});

test('a file in pieces is not there before it is whole, and its beginning can be overwritten', async () => {
  const file = await WholeFile.create(inside('a'));
  await file.append(bytes('???? '));
  await file.append(bytes('end'));
  assert.ok(!existsSync(inside('a')));
  await file.overwrite(bytes('head'), 0);
  await file.append(bytes('!'));
  await file.commit();
  assert.equal(readFileSync(inside('a'), 'utf8'), 'head end!');
  assert.deepEqual(names(), ['a']);
});

test('what is given up leaves the older file as it was, and nothing else', async () => {
  await writeWholeFile(inside('a'), bytes('old'));
  const file = await WholeFile.create(inside('a'));
  await file.append(bytes('new'));
  assert.equal(names().length, 2);
  await file.abandon();
  assert.equal(readFileSync(inside('a'), 'utf8'), 'old');
  assert.deepEqual(names(), ['a']);
});

const posix = { skip: process.platform === 'win32' };

test('through a link its target is replaced, and the link stays', posix, async () => {
  mkdirSync(inside('far'));
  writeFileSync(inside('far/a'), 'old');
  symlinkSync('far/a', inside('link'));
  symlinkSync('far/new', inside('dangling'));
  await writeWholeFile(inside('link'), bytes('new'));
  await writeWholeFile(inside('dangling'), bytes('made'));
  assert.deepEqual([readlinkSync(inside('link')), readlinkSync(inside('dangling'))], ['far/a', 'far/new']);
  assert.deepEqual([readFileSync(inside('far/a'), 'utf8'), readFileSync(inside('far/new'), 'utf8')], ['new', 'made']);
  assert.deepEqual(readdirSync(inside('far')).sort(), ['a', 'new']);
});

test('a FIFO and a device are written in place, and stay what they are', posix, async () => {
  assert.equal(spawnSync('mkfifo', [inside('fifo')]).status, 0);
  const reader = spawn('cat', [inside('fifo')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const read = once(reader.stdout, 'data');
  const file = await WholeFile.create(inside('fifo'));
  assert.ok(!file.canOverwrite);
  await file.append(bytes('sound'));
  await file.commit();
  assert.equal(String((await read)[0]), 'sound');
  assert.ok(statSync(inside('fifo')).isFIFO());
  await writeWholeFile('/dev/null', bytes('x'));
  assert.ok(statSync('/dev/null').isCharacterDevice());
  assert.deepEqual(names(), ['fifo']);
});

test('a file is whole and on the disk before it gets its name', async (t) => {
  const probe = await open(inside('probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const seen: unknown[] = [];
  const sync = t.mock.method(prototype, 'sync', async function (this: FileHandle) {
    seen.push((await this.stat()).size, existsSync(inside('a')));
    return this.datasync();
  });
  await writeWholeFile(inside('a'), [bytes('one'), bytes(' two')]);
  assert.deepEqual([sync.mock.callCount(), seen], [1, [7, false]]);
});

test('a full device is told, and nothing is left', { skip: !existsSync('/dev/full') }, async () => {
  await assert.rejects(writeWholeFile('/dev/full', bytes('x')), { code: 'ERR_FILE_WRITE', message: /disk is full/ });
});

test('who may read a file stays as it was when it is replaced', posix, async () => {
  writeFileSync(inside('secret'), 'old', { mode: 0o600 });
  await writeWholeFile(inside('secret'), bytes('new'));
  assert.equal(statSync(inside('secret')).mode & 0o777, 0o600);
});

test('a name as long as names may be can be written', async () => {
  for (const name of ['x'.repeat(255), 'é'.repeat(127)]) await writeWholeFile(inside(name), bytes('x'));
  assert.equal(names().length, 2);
});

test('a line is added whole, and a file of our own is written at once', () => {
  writeWholeFileSync(inside('a'), 'one\n');
  appendLine(inside('a'), 'two');
  assert.equal(readFileSync(inside('a'), 'utf8'), 'one\ntwo\n');
  mkdirSync(inside('taken'));
  for (const write of [writeWholeFileSync, appendLine])
    assert.throws(() => write(inside('taken'), 'x'), { code: 'ERR_FILE_WRITE' });
  assert.deepEqual(names(), ['a', 'taken']);
});

test('two writers of one file do not meet: one of them wins, whole', async () => {
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
  await Promise.all(texts.map((text) => writeWholeFile(inside('a'), bytes(text))));
  assert.ok(texts.includes(readFileSync(inside('a'), 'utf8')));
  assert.deepEqual(names(), ['a']);
});

test('a failure leaves nothing', async () => {
  mkdirSync(inside('taken'));
  await assert.rejects(writeWholeFile(inside('taken'), bytes('x')), { code: 'ERR_FILE_WRITE', message: /is a folder/ });
  await assert.rejects(writeWholeFile(join(inside('nowhere'), 'a'), bytes('x')), {
    code: 'ERR_FILE_WRITE',
    message: /nowhere.*its folder does not exist/,
  });
  const notBytes = 5 as unknown as Uint8Array;
  await assert.rejects(writeWholeFile(inside('a'), [bytes('x'), notBytes]), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.deepEqual(names(), ['taken']);
});

test('a folder appears with all its files, and replaces an older one', () => {
  for (const text of ['old', 'new'])
    writeWholeFolder(inside('f'), (temporary) => {
      writeFileSync(join(temporary, 'one'), text);
      if (text === 'old') writeFileSync(join(temporary, 'two'), text);
      else assert.equal(readFileSync(join(inside('f'), 'one'), 'utf8'), 'old', 'the older one is there until the end');
    });
  assert.deepEqual(names(), ['f']);
  assert.deepEqual(readdirSync(inside('f')), ['one']);
  assert.equal(readFileSync(join(inside('f'), 'one'), 'utf8'), 'new');
});

test('a folder that cannot be filled leaves the older one, and nothing else', () => {
  const fill = (text: string) => (temporary: string) => {
    writeFileSync(join(temporary, 'one'), text);
    if (text === 'new') throw new RangeError('no more');
  };
  writeWholeFolder(inside('f'), fill('old'));
  assert.throws(() => writeWholeFolder(inside('f'), fill('new')), RangeError);
  assert.throws(() => writeWholeFolder(join(inside('nowhere'), 'f'), fill('old')), { code: 'ERR_FILE_WRITE' });
  assert.deepEqual(names(), ['f']);
  assert.equal(readFileSync(join(inside('f'), 'one'), 'utf8'), 'old');
});

test('leftovers are removed, but not files that another process may be writing', () => {
  mkdirSync(inside('folder.1.tmp'));
  for (const name of ['old.1.tmp', 'young.1.tmp', 'kept']) writeFileSync(inside(name), 'x');
  for (const name of ['old.1.tmp', 'kept']) utimesSync(inside(name), 0, 0);
  removeLeftovers(folder, 60_000);
  assert.deepEqual(names(), ['folder.1.tmp', 'kept', 'young.1.tmp']);
  removeLeftovers(folder);
  assert.deepEqual(names(), ['kept']);
});

/** Runs a script that can write files, until it says something; then `end` ends it. */
async function interrupted(script: string, end: NodeJS.Signals): Promise<{ status: unknown; signal: unknown }> {
  const imports = `import { WholeFile, writeWholeFolder } from ${JSON.stringify(new URL('./whole_file.js', import.meta.url).href)};
    import { writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    const folder = ${JSON.stringify(folder)};
    const bytes = new Uint8Array(1000).fill(1);
    const rest = () => new Promise((resolve) => setTimeout(resolve, 60_000));
    const file = await WholeFile.create(join(folder, 'a'));
    await file.append(bytes);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', `${imports}\n${script}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const exit = once(child, 'exit');
  assert.equal(names().filter((name) => name.endsWith('.tmp')).length, 1, 'nothing was being written');
  child.kill(end);
  const [status, signal] = (await exit) as [unknown, unknown];
  return { status, signal };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(
    `${signal} leaves nothing half written, and ends the process as ever`,
    { skip: process.platform === 'win32' },
    async () => {
      assert.deepEqual(await interrupted(`console.log('writing'); await rest();`, signal), { status: null, signal });
      assert.deepEqual(names(), []);
    },
  );

test(
  'a process that handles the signal itself finishes what it writes; the next signal ends it',
  { skip: process.platform === 'win32' },
  async () => {
    const finishes = `
      const alive = setInterval(() => undefined, 1000);
      const stopped = new Promise((resolve) => process.once('SIGINT', resolve));
      console.log('writing');
      await stopped;
      await file.append(bytes);
      await file.commit();
      process.exitCode = 7;
      clearInterval(alive);`;
    assert.deepEqual(await interrupted(finishes, 'SIGINT'), { status: 7, signal: null });
    assert.deepEqual(names(), ['a']);
    assert.equal(readFileSync(inside('a')).length, 2000);

    const goesOn = `
      process.once('SIGINT', () => setTimeout(() => process.kill(process.pid, 'SIGINT'), 10));
      console.log('writing');
      await rest();`;
    assert.deepEqual(await interrupted(goesOn, 'SIGINT'), { status: null, signal: 'SIGINT' });
    assert.deepEqual(names(), ['a']);
  },
);

test(
  'a process that exits or fails while it writes leaves nothing',
  { skip: process.platform === 'win32' },
  async () => {
    const exits = `process.once('SIGTERM', () => process.exit(3)); console.log('writing'); await rest();`;
    assert.deepEqual(await interrupted(exits, 'SIGTERM'), { status: 3, signal: null });
    const fillsAndExits = `
    process.once('SIGTERM', () => writeWholeFolder(join(folder, 'f'), (temporary) => {
      writeFileSync(join(temporary, 'one'), 'x');
      process.exit(4);
    }));
    console.log('writing');
    await rest();`;
    assert.deepEqual(await interrupted(fillsAndExits, 'SIGTERM'), { status: 4, signal: null });
    assert.deepEqual(names(), []);
  },
);

test('a reader finds a whole file at any time, while it is replaced again and again', async () => {
  const sizes = [10, 3_000_000, 10, 1_000_000];
  await writeWholeFile(inside('a'), new Uint8Array(sizes[0]).fill(sizes[0] % 251));
  let seen = 0;
  let writing = true;
  const look = (async () => {
    while (writing) {
      const found = readFileSync(inside('a'));
      assert.ok(sizes.includes(found.length), `${found.length} bytes`);
      assert.equal(found[found.length - 1], found.length % 251);
      seen++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (const size of [...sizes, ...sizes]) await writeWholeFile(inside('a'), new Uint8Array(size).fill(size % 251));
  writing = false;
  await look;
  assert.ok(seen > 1);
});
