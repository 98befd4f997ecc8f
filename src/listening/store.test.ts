import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type Database from 'libsql';
import type { Trial } from './plan.js';
import type { Answer } from './protocol.js';
import { AnswerStore } from './store.js';
import { temporaryFolder } from './testing.js';

const plan: Trial[] = [{ clip: 'one', signals: ['ours'], role: 'test' }];
const answer = (rating: number | null, done: boolean): Answer => ({ ratings: [rating], heard: [1], seconds: 2, done });
const hours = 3600_000;

function open(t: { after: (remove: () => void) => void }): { store: AnswerStore; path: string } {
  const path = join(temporaryFolder(t), 'answers.sqlite');
  const store = AnswerStore.open(path, 'print', { title: 'a' });
  t.after(() => store.close());
  return { store, path };
}

test('the database is written through: write-ahead log, synchronous = FULL', (t) => {
  const { store, path } = open(t);
  store.register(() => plan, null);
  assert.ok(readFileSync(`${path}-wal`).length > 0);
  const inside = (store as unknown as { database: Database.Database }).database;
  assert.equal((inside.prepare('pragma synchronous').get() as { synchronous: number }).synchronous, 2);
  assert.equal((inside.prepare('pragma journal_mode').get() as { journal_mode: string }).journal_mode, 'wal');
});

test('a token is 256 random bits, opens its listener only, and is not in the database', (t) => {
  const { store, path } = open(t);
  const { token, listener } = store.register(() => plan, 'p1');
  const other = store.register(() => plan, null);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(token, other.token);
  assert.deepEqual(store.find(token), listener);
  assert.equal(store.find(other.token)?.id, other.listener.id);
  assert.equal(store.find(token.slice(1)), undefined);
  assert.equal(store.find(''), undefined);
  for (const file of [path, `${path}-wal`]) assert.ok(!readFileSync(file).includes(token));
});

test('an answer is replaced by a newer one, but what was done is not undone by a late draft', (t) => {
  const { store } = open(t);
  const { id } = store.register(() => plan, null).listener;
  store.save(id, 0, answer(null, false));
  store.save(id, 0, answer(3, false));
  assert.deepEqual(store.answers(id).map(({ ratings, done }) => [ratings, done]), [[[3], false]]);
  store.save(id, 0, answer(4, true));
  store.save(id, 0, answer(2, false));
  assert.deepEqual(store.answers(id).map(({ ratings, done }) => [ratings, done]), [[[4], true]]);
});

test('places are given out in order; one that was left for a day goes to the next listener, one that was finished does not', (t) => {
  const { store } = open(t);
  const start = 1e12;
  const slots: number[] = [];
  const register = (now: number) => store.register((slot) => (slots.push(slot), plan), null, now).listener;
  const [first, second] = [register(start), register(start), register(start)];
  assert.deepEqual(slots, [0, 1, 2]);
  store.finish(first.id, '', start + hours);
  store.save(second.id, 0, answer(3, false), start + 20 * hours);
  register(start + 25 * hours);
  assert.equal(slots.at(-1), 2, 'the third was silent for 25 hours');
  register(start + 25 * hours);
  assert.equal(slots.at(-1), 3);
  register(start + 60 * hours);
  assert.equal(slots.at(-1), 1);
});

test('answers belong to a test: another one is refused while there are any', (t) => {
  const { store, path } = open(t);
  AnswerStore.open(path, 'other', { title: 'b' }).close();
  assert.deepEqual(AnswerStore.read(path).settings(), { title: 'b' });
  store.register(() => plan, null);
  assert.throws(() => AnswerStore.open(path, 'print', {}), { code: 'ERR_LISTENING_TEST', message: /has the answers to another version of this test/ });
  const reopened = AnswerStore.open(path, 'other', { title: 'new words' });
  assert.equal(reopened.listeners().length, 1);
});

test('a file that is no database is refused', (t) => {
  const path = join(temporaryFolder(t), 'answers.sqlite');
  writeFileSync(path, 'something else, long enough to look like a page of a database '.repeat(100));
  assert.throws(() => AnswerStore.open(path, '', {}), { code: 'ERR_LISTENING_TEST', message: /cannot be opened as a database of answers/ });
});
