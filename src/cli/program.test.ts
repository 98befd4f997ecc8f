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
