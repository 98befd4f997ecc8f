import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';

/** Runs a command whose action is the given source, as a process of its own. */
function run(action: string, ...args: string[]) {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { createCommand, runCommand } from ${url('./program.js')};
    import { TtsError } from ${url('../base/errors.js')};
    await runCommand(createCommand('tts-test', 'A test.').action(async () => { ${action} }), ['node', 'tts-test', ...${JSON.stringify(args)}]);`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
}

test('success is status 0 and silence on stderr', () => {
  const { status, stderr } = run('');
  assert.deepEqual([status, stderr], [0, '']);
});

test('what the user can mend is one line and status 2, even if the message has several', () => {
  const { status, stderr } = run(`throw new TtsError('ERR_RECIPE', 'first\\n  second');`);
  assert.deepEqual([status, stderr], [2, 'error ERR_RECIPE: first second\n']);
});

test('our own fault is status 1, and the stack comes with --debug only', () => {
  const quiet = run(`throw new TypeError('oops');`);
  assert.deepEqual(
    [quiet.status, quiet.stderr],
    [1, 'error ERR_INTERNAL: oops (a fault of the toolkit; --debug shows where)\n'],
  );
  const loud = run(`throw new TypeError('oops');`, '--debug');
  assert.equal(loud.status, 1);
  assert.match(loud.stderr, /^error ERR_INTERNAL: oops .*\nTypeError: oops\n {4}at /);
});

test('even something thrown that is no error is reported', () => {
  const { status, stderr } = run(`throw 'a string';`);
  assert.equal(status, 1);
  assert.match(stderr, /ERR_INTERNAL: a string/);
});

test('an argument too many is refused', () => {
  const { status, stderr } = run('', 'surplus');
  assert.equal(status, 2);
  assert.match(stderr, /^error ERR_ARGUMENT: too many arguments.*\n$/);
});

test('what the system refuses deep down is no fault of ours: status 2 and a code', () => {
  const { status, stderr } = run(`(await import('node:fs')).readdirSync('/no/such/folder');`);
  assert.deepEqual([status, stderr], [2, 'error ERR_FILE_NOT_FOUND: /no/such/folder: no such file\n']);
});

test('too few file handles are one line with a code', { skip: process.platform === 'win32' }, () => {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { createCommand, runCommand } from ${url('./program.js')};
    import { writeWholeFile } from ${url('../base/whole_file.js')};
    import { openSync } from 'node:fs';
    await runCommand(createCommand('tts-test', 'A test.').action(async () => {
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      await writeWholeFile('out', new Uint8Array(1));
    }), ['node', 'tts-test']);`;
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 128; exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  assert.match(stderr, /^error ERR_RESOURCES: out cannot be opened: [^\n]*ulimit -n 4096\)\n$/);
  assert.equal(status, 2);
});

test(
  'a reader that goes away ends nothing; what else fails with standard output is told once',
  {
    skip: process.platform !== 'linux',
  },
  () => {
    const url = JSON.stringify(new URL('./program.js', import.meta.url).href);
    const script = `
    import { createCommand, runCommand } from ${url};
    await runCommand(createCommand('tts-test', 'A test.').action(async () => {
      for (let i = 0; i < 5; i++) {
        console.log('x'.repeat(100_000));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      console.error('to the end');
    }), ['node', 'tts-test']);`;
    const through = (line: string) =>
      spawnSync('bash', ['-c', `set -o pipefail; ${line}`, process.execPath, '--input-type=module', '--eval', script], {
        encoding: 'utf8',
      });
    const piped = through('"$0" "$@" | head -c 1');
    assert.deepEqual([piped.status, piped.stdout, piped.stderr], [0, 'x', 'to the end\n']);
    const full = through('"$0" "$@" > /dev/full');
    assert.deepEqual(
      [full.status, full.stderr],
      [2, 'to the end\nerror ERR_FILE_WRITE: standard output cannot be written: the disk is full\n'],
    );
  },
);
