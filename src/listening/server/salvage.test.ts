import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { makeImages, planFor, tryDamaged } from '../../../test/support/damaged_answers.js';
import { temporaryFolder } from '../../../test/support/files.js';
import { AnswerStore } from './store.js';

test('whatever is damaged in a file of answers, nothing false comes out and what is lost is named', async (t) => {
  const folder = temporaryFolder(t);
  const images = await makeImages(folder);
  const outcomes = { whole: 0, part: 0, refused: 0 };
  for (let seed = 1; seed <= 60; seed++) outcomes[await tryDamaged(folder, images[seed % 2], seed)]++;
  assert.ok(outcomes.part > 10, JSON.stringify(outcomes));
});

test('text that is not UTF-8 costs one row; the file is mended and kept', async (t) => {
  const folder = temporaryFolder(t);
  const [{ file }] = await makeImages(folder);
  const path = join(folder, 'answers.sqlite');
  const broken = Buffer.from(file);
  // SQLite may leave older copies of a row where nothing leads to them.
  let found = 0;
  for (let at = broken.indexOf('Fine, für 4'); at >= 0; at = broken.indexOf('Fine, für 4', at + 1), found++)
    broken[at] = 0xff;
  assert.ok(found > 0);
  writeFileSync(path, broken);
  const read = AnswerStore.read(path);
  assert.equal(read.listeners().length, 11);
  assert.match(
    read.damage.join('; '),
    /listeners 5 is not as it was written; 6 answers are of listeners whose own rows/,
  );

  writeFileSync(join(folder, 'again.sqlite'), broken);
  const notes: string[] = [];
  const store = AnswerStore.open(join(folder, 'again.sqlite'), 'print', {}, { onNote: (note) => notes.push(note) });
  t.after(() => store.close());
  assert.equal(store.listeners().length, 11);
  assert.match(
    notes.join(),
    /was damaged: listeners 5 .*11 listeners and 66 answers are whole and kept; the damaged file is .*again\.damaged-1\.sqlite/,
  );
  // But for the head, in which SQLite notes that the log was ended.
  assert.deepEqual(readFileSync(join(folder, 'again.damaged-1.sqlite')).subarray(100), broken.subarray(100));
});

test('with its first page destroyed a file still gives its answers; the plans show whether they are of this test', async (t) => {
  const folder = temporaryFolder(t);
  const [{ file }] = await makeImages(folder);
  const broken = Buffer.from(file).fill(0, 0, 4096);
  for (const name of ['one', 'two']) writeFileSync(join(folder, `${name}.sqlite`), broken);
  const store = AnswerStore.open(join(folder, 'one.sqlite'), 'print', {}, { planFor });
  assert.deepEqual([store.listeners().length, store.answers().length], [12, 72]);
  store.close();
  const other = (slot: number) => planFor(slot + 1);
  // The settings are whole here, so another test is refused as ever.
  assert.throws(() => AnswerStore.open(join(folder, 'two.sqlite'), 'another', {}, { planFor: other }), {
    code: 'ERR_LISTENING_TEST',
  });
});

test(
  'a new file of answers, and what is kept of a damaged one, belongs to its owner alone',
  { skip: process.platform === 'win32' },
  async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'answers.sqlite');
    const store = AnswerStore.open(path, 'print', {});
    await store.register(planFor, null);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    store.close();
    const copy = join(folder, 'copy.sqlite');
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"clip-3"')] ^= 1;
    writeFileSync(copy, bytes);
    chmodSync(copy, 0o644);
    AnswerStore.open(copy, 'print', {}).close();
    assert.equal(statSync(join(folder, 'copy.damaged-1.sqlite')).mode & 0o777, 0o600);
  },
);

test('a closed file holds everything, without its log', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'answers.sqlite');
  const store = AnswerStore.open(path, 'print', {});
  await store.register(planFor, 'p');
  store.close();
  writeFileSync(join(folder, 'copy.sqlite'), readFileSync(path));
  assert.equal(AnswerStore.read(join(folder, 'copy.sqlite')).listeners().length, 1);
  assert.ok(!existsSync(`${path}-wal`) || statSync(`${path}-wal`).size === 0);
});
