import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { removeLeftovers } from './temporary.js';
import { WholeFile, writeWholeFile, writeWholeFolder } from './whole_file.js';

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
  await writeWholeFile(inside('a'), bytes('one'), bytes(''), bytes(' two'));
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
  await assert.rejects(writeWholeFile(inside('a'), bytes('x'), notBytes), { code: 'ERR_INVALID_ARG_TYPE' });
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
  removeLeftovers(inside('made'));
  assert.ok(existsSync(inside('made')));
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
