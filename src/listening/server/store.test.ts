import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { temporaryFolder } from '../../../test/support/files.js';
import type { Answer } from '../protocol.js';
import type { Trial } from '../study/plan.js';
import type { Database } from './database.js';
import { AnswerStore } from './store.js';

const plan: Trial[] = [{ clip: 'one', signals: ['ours'], role: 'test' }];
const answer = (rating: number | null, done: boolean): Answer => ({ ratings: [rating], heard: [1], seconds: 2, done });
const hours = 3600_000;

function open(t: TestContext): { store: AnswerStore; path: string } {
  const path = join(temporaryFolder(t), 'answers.sqlite');
  const store = AnswerStore.open(path, 'print', { title: 'a' });
  t.after(() => store.close());
  return { store, path };
}

test('the database is written through: write-ahead log, synchronous = FULL', async (t) => {
  const { store, path } = open(t);
  await store.register(() => plan, null);
  assert.ok(readFileSync(`${path}-wal`).length > 0);
  const inside = (store as unknown as { database: Database }).database;
  assert.equal((inside.prepare('pragma synchronous').get() as { synchronous: number }).synchronous, 2);
  assert.equal((inside.prepare('pragma journal_mode').get() as { journal_mode: string }).journal_mode, 'wal');
});

test('a token is 256 random bits, opens its listener only, and is not in the database', async (t) => {
  const { store, path } = open(t);
  const { token, listener } = await store.register(() => plan, 'p1');
  const other = await store.register(() => plan, null);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(token, other.token);
  assert.deepEqual(store.find(token), listener);
  assert.equal(store.find(other.token)?.id, other.listener.id);
  assert.equal(store.find(token.slice(1)), undefined);
  assert.equal(store.find(''), undefined);
  for (const file of [path, `${path}-wal`]) assert.ok(!readFileSync(file).includes(token));
});

test('a newer answer replaces an older one, but a late draft does not replace a final answer', async (t) => {
  const { store } = open(t);
  const { id } = (await store.register(() => plan, null)).listener;
  await store.save(id, 0, answer(null, false));
  await store.save(id, 0, answer(3, false));
  assert.deepEqual(
    store.answers(id).map(({ ratings, done }) => [ratings, done]),
    [[[3], false]],
  );
  await store.save(id, 0, answer(4, true));
  await store.save(id, 0, answer(2, false));
  assert.deepEqual(
    store.answers(id).map(({ ratings, done }) => [ratings, done]),
    [[[4], true]],
  );
});

test(
  'places are given out in order; one that was abandoned for a day goes to the next ' +
    'listener, and a finished one does not',
  async (t) => {
    const { store } = open(t);
    const start = 1e12;
    const slots: number[] = [];
    const register = async (now: number) =>
      (await store.register((slot) => (slots.push(slot), plan), null, now)).listener;
    const [first, second] = [await register(start), await register(start), await register(start)];
    assert.deepEqual(slots, [0, 1, 2]);
    await store.finish(first.id, '', start + hours);
    await store.save(second.id, 0, answer(3, false), start + 20 * hours);
    await register(start + 25 * hours);
    assert.equal(slots.at(-1), 2, 'the third was silent for 25 hours');
    await register(start + 25 * hours);
    assert.equal(slots.at(-1), 3);
    await register(start + 60 * hours);
    assert.equal(slots.at(-1), 1);
  },
);

test('answers belong to a study, and another study is refused while there are any', async (t) => {
  const { store, path } = open(t);
  AnswerStore.open(path, 'other', { title: 'b' }).close();
  assert.deepEqual(AnswerStore.read(path).settings(), { title: 'b' });
  await store.register(() => plan, null);
  assert.throws(() => AnswerStore.open(path, 'print', {}), {
    code: 'ERR_LISTENING_TEST',
    message: /has the answers to another version of this test/,
  });
  const reopened = AnswerStore.open(path, 'other', { title: 'new words' });
  assert.equal(reopened.listeners().length, 1);
});

test('a file that is not a database is refused', async (t) => {
  const path = join(temporaryFolder(t), 'answers.sqlite');
  writeFileSync(path, 'something else, long enough to look like a page of a database '.repeat(100));
  assert.throws(() => AnswerStore.open(path, '', {}), {
    code: 'ERR_LISTENING_TEST',
    message: /cannot be opened as a database of answers/,
  });
});

test('what is written at once goes to the disk together, and a failure affects only itself', async (t) => {
  const { store } = open(t);
  const { id } = (await store.register(() => plan, null)).listener;
  const results = await Promise.allSettled([
    store.save(id, 0, answer(1, false)),
    store.save(99, 0, answer(2, false)),
    store.save(id, 1, answer(3, true)),
    store.register(() => plan, 'p'),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.match(String((results[1] as PromiseRejectedResult).reason), /FOREIGN KEY/);
  assert.deepEqual(
    store.answers().map(({ listener, trial, ratings }) => [listener, trial, ratings]),
    [
      [id, 0, [1]],
      [id, 1, [3]],
    ],
  );
  assert.equal(store.listeners().length, 2);
});
