import assert from 'node:assert/strict';
import { openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import test from 'node:test';
import { TtsError } from './errors.js';
import { explainSystemError, readerHasGone } from './system_error.js';

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

const codeOf = (error: unknown) => (error instanceof TtsError ? error.code : undefined);

test('what the system refuses has a code, by what was tried', () => {
  assert.equal(
    codeOf(
      explainSystemError(
        undefined,
        caught(() => openSync('/no/such', 'r')),
      ),
    ),
    'ERR_FILE_NOT_FOUND',
  );
  assert.equal(
    codeOf(
      explainSystemError(
        'a',
        caught(() => writeFileSync('/no/such', '')),
        'written',
      ),
    ),
    'ERR_FILE_WRITE',
  );
  assert.equal(
    codeOf(
      explainSystemError(
        undefined,
        caught(() => readdirSync('/dev/null')),
      ),
    ),
    'ERR_FILE_READ',
  );
  const tooMany = Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open', path: '/x' });
  const explained = explainSystemError(undefined, tooMany) as TtsError;
  assert.equal(explained.code, 'ERR_RESOURCES');
  assert.match(explained.message, /\/x cannot be opened.*ulimit/);
});

test('a full disk is named', { skip: process.platform !== 'linux' }, () => {
  const error = caught(() => writeSync(openSync('/dev/full', 'w'), 'x'));
  assert.equal((explainSystemError('out.wav', error) as Error).message, 'out.wav cannot be written: the disk is full');
});

test('other errors come back as they are', () => {
  for (const error of [new TypeError('x'), 'text', undefined, new TtsError('ERR_RECIPE', 'x')])
    assert.equal(explainSystemError('a', error), error);
  const ofNode = caught(() => Buffer.alloc(-1));
  assert.equal(explainSystemError('a', ofNode), ofNode);
});

test('a reader that has gone is recognised through what was made of the error', () => {
  const error = Object.assign(new Error('EPIPE'), { code: 'EPIPE' });
  assert.ok(readerHasGone(new TtsError('ERR_FILE_WRITE', 'x', { cause: error })));
  assert.ok(!readerHasGone(new TtsError('ERR_FILE_WRITE', 'x')));
});
