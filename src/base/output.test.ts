import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { refused, temporaryFolder } from '../../test/support/files.js';
import { checkOutput, type FileKind, keepInputs, makeFolder, targetOf } from './output.js';

const posix = { skip: process.platform === 'win32' };
const kind: FileKind = { name: 'a WAV file', is: (head) => head.toString('latin1', 0, 4) === 'RIFF' };

test('a plain path is a file, with what it replaces', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a');
  assert.deepEqual(targetOf(path), { type: 'file', path, older: undefined });
  writeFileSync(path, 'abc');
  const target = targetOf(path);
  assert.ok(target.type === 'file' && target.older?.size === 3);
});

test('a link stands for what it points to, also through links and where nothing is yet', posix, (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'far'));
  writeFileSync(join(folder, 'far', 'a'), 'old');
  symlinkSync('far/a', join(folder, 'one'));
  symlinkSync('one', join(folder, 'two'));
  symlinkSync('far/new', join(folder, 'dangling'));
  const pathOf = (name: string) => {
    const target = targetOf(join(folder, name));
    return target.type === 'file' && target.path;
  };
  assert.equal(pathOf('two'), join(folder, 'far', 'a'));
  assert.equal(pathOf('dangling'), join(folder, 'far', 'new'));
  symlinkSync('circle', join(folder, 'circle'));
  assert.throws(() => targetOf(join(folder, 'circle')), refused('ERR_FILE_WRITE', /links lead round in a circle/));
});

test('devices and FIFOs are written in place; folders and sockets cannot be written', posix, async (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(targetOf('/dev/null'), { type: 'in place', path: '/dev/null' });
  assert.equal(spawnSync('mkfifo', [join(folder, 'fifo')]).status, 0);
  assert.equal(targetOf(join(folder, 'fifo')).type, 'in place');
  for (const path of [folder, `${folder}/`, join(folder, 'new/')])
    assert.throws(() => targetOf(path), refused('ERR_FILE_WRITE', /folder/));
  const server = createServer().listen(join(folder, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  assert.throws(() => targetOf(join(folder, 'socket')), refused('ERR_FILE_WRITE', /socket/));
});

test('standard output has several names, and ./- is a file', () => {
  for (const path of ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])
    assert.equal(targetOf(path).type, 'standard output', path);
  assert.equal(targetOf('./-').type, 'file');
});

test('a file of another kind is not replaced without force; an empty one is of any kind', (t) => {
  const path = join(temporaryFolder(t), 'notes.txt');
  writeFileSync(path, '');
  assert.equal(targetOf(path, { kind }).type, 'file');
  writeFileSync(path, 'RIFF…');
  assert.equal(targetOf(path, { kind }).type, 'file');
  writeFileSync(path, 'years of work');
  assert.throws(() => targetOf(path, { kind }), refused('ERR_FILE_EXISTS', /notes\.txt/, /not a WAV file/, /--force/));
  assert.equal(targetOf(path, { kind, force: true }).type, 'file');
});

test(
  'a write-protected file is not replaced',
  { skip: process.getuid?.() === 0 && 'root may write to everything' },
  (t) => {
    const path = join(temporaryFolder(t), 'a');
    writeFileSync(path, 'x');
    chmodSync(path, 0o444);
    assert.throws(() => targetOf(path), refused('ERR_FILE_WRITE', /permission denied/));
  },
);

test('an output that is an input is refused under whatever name, files and folders', posix, (t) => {
  const folder = temporaryFolder(t);
  const [a, b] = ['a', 'b'].map((name) => join(folder, name));
  for (const path of [a, b]) writeFileSync(path, 'x');
  symlinkSync('a', join(folder, 'soft'));
  linkSync(a, join(folder, 'hard'));
  symlinkSync('.', join(folder, 'here'));
  for (const name of ['a', 'soft', 'hard', 'here/a', '../' + folder.split('/').at(-1) + '/a'])
    assert.throws(() => keepInputs([join(folder, name)], [b, a]), refused('ERR_FILE_IS_INPUT', /input/), name);
  assert.throws(() => keepInputs([`${folder}/here`], [folder]), refused('ERR_FILE_IS_INPUT'));
  keepInputs([b, join(folder, 'new'), '/dev/null'], [a, '/dev/null', '-', join(folder, 'nowhere')]);
  assert.throws(() => checkOutput(a, { inputs: [a], force: true }), refused('ERR_FILE_IS_INPUT'));
});

test('an output without a folder is refused before anything is made', (t) => {
  const folder = temporaryFolder(t);
  assert.throws(() => checkOutput(join(folder, 'no', 'a'), {}), refused('ERR_FILE_WRITE', /its folder does not exist/));
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => checkOutput(join(folder, 'file', 'a'), {}), refused('ERR_FILE_WRITE', /not a folder/));
  assert.deepEqual(readdirSync(folder), ['file']);
});

test('folders are made with those around them; a file, a broken link and - are none', posix, (t) => {
  const folder = temporaryFolder(t);
  makeFolder(join(folder, 'a', 'b', 'c'));
  makeFolder(join(folder, 'a'));
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['c']);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeFolder(join(folder, 'file')), refused('ERR_FILE_WRITE', /is a file, expected a folder/));
  assert.throws(() => makeFolder(join(folder, 'file', 'a')), refused('ERR_FILE_WRITE', /not a folder/));
  symlinkSync('nowhere', join(folder, 'link'));
  assert.throws(() => makeFolder(join(folder, 'link')), refused('ERR_FILE_WRITE'));
  assert.equal(readlinkSync(join(folder, 'link')), 'nowhere');
  assert.throws(() => makeFolder('-'), refused('ERR_FILE_WRITE', /standard output/));
});
