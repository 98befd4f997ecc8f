import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingToSpeak, TextNotes } from './notes.js';

test('a note is shown once, and of very many the first ones', () => {
  const notes = new TextNotes();
  assert.deepEqual(
    ['a', 'b', 'a'].map((note) => notes.take(note)),
    [true, true, false],
  );
  assert.deepEqual(notes.all, ['a', 'b']);
  for (let i = 0; i < 100; i++) notes.take(String(i));
  assert.equal(notes.all.length, 21);
  assert.equal(notes.all[20], '… and 82 more');
});

test('the error for nothing to speak says the first note', () => {
  const notes = new TextNotes();
  assert.match(nothingToSpeak('a.txt', notes).message, /a\.txt: it is empty; expected English words$/);
  notes.take('it has no words');
  assert.match(nothingToSpeak('a.txt', notes).message, /a\.txt: it has no words; expected English words$/);
});
