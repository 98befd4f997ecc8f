import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../../base/errors.js';
import { spokenText, validationIds as validationClips } from './split.js';

const ids = Array.from({ length: 5000 }, (_, i) => `LJ${i}`);
/** Of clips without transcripts. */
const validationIds = (of: readonly string[], choice: Parameters<typeof validationClips>[1]) =>
  validationClips(
    of.map((id) => ({ id })),
    choice,
  );
const refused = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof TtsError && error.code === code && pattern.test(error.message);

test('a share holds out about that share, whatever the order', () => {
  const chosen = validationIds(ids, { share: 0.1 });
  assert.ok(Math.abs(chosen.size - 500) < 70, String(chosen.size));
  assert.deepEqual([...validationIds([...ids].reverse(), { share: 0.1 })].sort(), [...chosen].sort());
  assert.equal(validationIds(ids, { share: 0 }).size, 0);
  assert.equal(validationIds(ids, {}).size, 0);
});

test('a clip keeps its side when others are added or the share grows', () => {
  const before = validationIds(ids.slice(0, 500), { share: 0.1 });
  const after = validationIds(ids, { share: 0.1 });
  for (const id of ids.slice(0, 500)) assert.equal(before.has(id), after.has(id), id);
  const larger = validationIds(ids, { share: 0.2 });
  for (const id of after) assert.ok(larger.has(id));
});

test('the side of an id is fixed for good', () => {
  // First 48 bits of SHA-256 of "a": ca978112ca1b; of "b": 3e23e8160039; computed with sha256sum.
  assert.deepEqual([...validationIds(['a', 'b'], { share: 0x3e23e816003a / 2 ** 48 })], ['b']);
  assert.deepEqual([...validationIds(['a', 'b', 'LJ001-0002'], { share: 0.7 })].includes('a'), false);
});

test('texts are compared by what is said: without case, punctuation and white space', () => {
  for (const text of ['Yes, sir!', ' yes  sir', 'YES-SIR.', 'yes\u00a0sir…']) assert.equal(spokenText(text), 'yessir');
  assert.equal(spokenText('Ünïcode, 2 cafés'), spokenText('U\u0308ni\u0308code 2 cafe\u0301s'));
  assert.notEqual(spokenText('no, sir'), spokenText('yes, sir'));
  assert.deepEqual([spokenText(), spokenText(' … ')], ['', '']);
});

test('takes of one text stay on one side', () => {
  const takes = ids.map((id, i) => ({ id, text: `Sentence ${Math.floor(i / 3)}${['.', '!', ' '][i % 3]}` }));
  const chosen = validationClips(takes, { share: 0.1 });
  assert.ok(Math.abs(chosen.size - 500) < 120, String(chosen.size));
  for (let i = 0; i < ids.length; i++) assert.equal(chosen.has(ids[i]), chosen.has(ids[3 * Math.floor(i / 3)]), ids[i]);
  // A take more, or the first one less, moves none.
  const others = validationClips([...takes.slice(1), { id: 'new', text: 'sentence 0' }], { share: 0.1 });
  for (const { id } of takes.slice(1)) assert.equal(others.has(id), chosen.has(id), id);
  assert.equal(others.has('new'), chosen.has('LJ0'));
});

test('a listed clip takes the other takes of its text with it; clips without a text have no takes', () => {
  const clips = [
    { id: 'a', text: 'Well done.' },
    { id: 'b', text: 'well, done' },
    { id: 'c', text: 'Done well.' },
    { id: 'd', text: '' },
    { id: 'e' },
  ];
  assert.deepEqual([...validationClips(clips, { clips: ['b'] })], ['a', 'b']);
  assert.deepEqual([...validationClips(clips, { clips: ['d'] })], ['d']);
});

test('one text alone is not held out', () => {
  const clips = [
    { id: 'a', text: 'x' },
    { id: 'b', text: 'X' },
  ];
  assert.equal(validationClips(clips, { share: 1e-9 }).size, 0);
});

test('a small corpus still gets one validation clip, a single clip stays for training', () => {
  assert.deepEqual([...validationIds(['a', 'b'], { share: 1e-9 })], ['b']);
  assert.equal(validationIds(['a'], { share: 1e-9 }).size, 0);
});

test('an explicit list is taken as it is; the share is for corpora that have none of it', () => {
  assert.deepEqual([...validationIds(ids, { clips: ['LJ7', 'LJ3'], share: 0.5 })].sort(), ['LJ3', 'LJ7']);
  assert.deepEqual([...validationIds(['a', 'b'], { clips: ['LJ7'], share: 0.5 })], ['b']);
});

test('listed clips that the corpus lacks are refused with their number and the first', () => {
  assert.throws(
    () => validationIds(ids, { clips: ['LJ7', 'nope', 'no'] }),
    refused('ERR_CORPUS', /lacks 2 of the 3 .*first is nope/),
  );
  assert.throws(() => validationIds(ids, { clips: ['LJ7', 'nope'], share: 0.5 }), refused('ERR_CORPUS', /nope/));
  assert.throws(() => validationIds(ids, { clips: ['nope'] }), refused('ERR_CORPUS', /nope/));
});

test('holding out everything, or an impossible share, is refused', () => {
  assert.throws(() => validationIds(ids, { share: 1 }), refused('ERR_CORPUS', /all 5000 clips/));
  for (const share of [-0.1, 1.1, NaN])
    assert.throws(() => validationIds(ids, { share }), refused('ERR_ARGUMENT', /share/));
});
