import assert from 'node:assert/strict';
import test from 'node:test';
import { createChooser, sparsitySchema } from './settings.js';

const matrices = [{ name: 'a', rows: 64, columns: 64, block: { rows: 16, columns: 1 }, density: 0.1 }];

test('a method alone gets its defaults, and only its own', () => {
  assert.deepEqual(sparsitySchema.parse({ method: 'fixed' }), { method: 'fixed' });
  assert.deepEqual(sparsitySchema.parse({ method: 'rigl' }), {
    method: 'rigl',
    rigl: { every: 100, drop: 0.3, until: 0.75 },
  });
  assert.equal(sparsitySchema.parse({ method: 'es' }).es?.population, 8);
  const guided = sparsitySchema.parse({ method: 'es-guided', 'es-guided': { every: 20 } });
  assert.equal(guided['es-guided']?.every, 20);
  assert.equal(guided['es-guided']?.stop, 0.8);
  assert.equal(guided.es, undefined);
  assert.deepEqual(
    sparsitySchema.parse({ method: 'es-guided', 'es-guided': { learned: { grow_gradient: 0 } } })['es-guided']?.learned,
    { grow_gradient: 0 },
  );
});

test('settings of other methods may be there, and are checked too', () => {
  const pruning = { start: 1000, end: 40000, every: 500 };
  assert.deepEqual(sparsitySchema.parse({ method: 'fixed', pruning }), { method: 'fixed', pruning });
  assert.throws(
    () => sparsitySchema.parse({ method: 'fixed', pruning: { ...pruning, end: 10 } }),
    /expected start before end/,
  );
  assert.throws(() => sparsitySchema.parse({ method: 'fixed', es: { sigmas: 1 } }), /sigmas/);
});

test('wrong settings are refused', () => {
  for (const [settings, message] of [
    [{ method: 'pruning' }, /method pruning needs the settings sparsity\.pruning/],
    [{ method: 'snip' }, /"es-guided"/],
    [{ method: 'es', es: { population: 7 } }, /multiple of 2/],
    [{ method: 'es', es: { population: 8, workers: 3 } }, /expected a population that is a multiple of 2·workers/],
    [{ method: 'es-guided', 'es-guided': { population: 5 } }, /multiple of 2/],
    [{ method: 'es-guided', 'es-guided': { begin: 2 } }, /begin/],
    [{ method: 'set', set: { drop: 1.5 } }, /drop/],
    [{ method: 'set', unknown: {} }, /unknown/],
    [{ method: 'es-guided', 'es-guided': { learned: { keep_luck: 1 } } }, /keep_luck/],
  ] as const) {
    assert.throws(() => sparsitySchema.parse(settings), message);
  }
});

test('every method makes its chooser', () => {
  const members = { fixed: 1, pruning: 1, set: 1, rigl: 1, es: 8, 'es-guided': 1 };
  for (const [method, expected] of Object.entries(members)) {
    const chooser = createChooser(
      sparsitySchema.parse({ method, pruning: { start: 1, end: 2, every: 1 } }),
      matrices,
      1,
      100,
    );
    assert.equal(chooser.members, expected);
    assert.equal(chooser.initial().length, expected);
  }
  assert.throws(() => createChooser({ method: 'es' }, matrices, 1, 100), /method es needs its settings/);
});
