import assert from 'node:assert/strict';
import test from 'node:test';
import { refused } from '../../../test/support/files.js';
import { markdownTable } from '../../report/markdown.js';
import { narrowWidths } from './classifier.js';
import { chooseMethods } from './methods.js';
import type { SparsityResult } from './sparsity.js';
import { changeRows, changes, compare, comparisonRows, summarise, summaryCsv, summaryRows } from './table.js';

const figures = [{ name: 'accuracy', title: 'accuracy, %', digits: 1 }];

/** One result per value, of seeds 1, 2, … */
const results = (method: string, ...accuracies: number[]): SparsityResult[] =>
  accuracies.map((accuracy, i) => ({
    key: `${method}${i}`,
    recipe: 'r',
    method,
    seed: i + 1,
    steps: 10,
    quality: { accuracy },
    nonZeros: 6304,
    trainedNonZeros: 9000,
    seconds: 2,
    coreSeconds: 1,
    peakMegabytes: 100,
    kernels: 'generic',
  }));

/**
 * The yields of Student's example of 1908: hours of sleep gained by ten patients under two drugs, p = 0.00283 (paired t
 * test of the differences, in R: t.test).
 */
const laevo = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const dextro = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];

test('the paired t test is that of Student’s sleep data', () => {
  const [found] = compare(
    [...results('es', ...laevo), ...results('fixed', ...dextro).reverse()],
    chooseMethods('es,fixed'),
    figures,
  );
  assert.deepEqual([found.method, found.against, found.seeds], ['es', 'fixed', 10]);
  assert.ok(Math.abs(found.difference - 1.58) < 1e-12);
  assert.ok(Math.abs(found.p - 0.002833) < 1e-6, `${found.p}`);
});

test('p is adjusted for the number of comparisons', () => {
  const all = [
    ...results('es', ...laevo),
    ...results('fixed', ...dextro),
    // The same values, so that the differences have the mean 0.
    ...results('rigl', ...[...laevo].reverse()),
  ];
  const [fixed, rigl] = compare(all, chooseMethods('es,fixed,rigl'), figures);
  assert.ok(Math.abs(fixed.p - 0.002833) < 1e-6 && Math.abs(fixed.adjusted - 2 * fixed.p) < 1e-12);
  assert.ok(Math.abs(rigl.adjusted - 1) < 1e-9);
});

test('seeds that only one method has are left out, and one pair has no p', () => {
  const [found] = compare([...results('es', 3), ...results('fixed', 1, 5)], chooseMethods(), figures);
  assert.deepEqual([found.seeds, found.difference], [1, 2]);
  assert.ok(Number.isNaN(found.p));
  assert.deepEqual(compare(results('es', 1), chooseMethods(), figures), []);
});

test('the table has means and sample standard deviations', () => {
  const all = [...results('fixed', 1, 2, 3, 4), ...results('es', 5)];
  const summaries = summarise(all, figures);
  assert.ok(Math.abs(summaries[0].quality.accuracy.deviation - Math.sqrt(5 / 3)) < 1e-12);
  assert.equal(
    markdownTable(summaryRows(summaries, figures)),
    [
      '| method | seeds | non-zeros | in training | accuracy, % | seconds | core seconds | peak MB |',
      '| ------ | ----- | --------- | ----------- | ----------- | ------- | ------------ | ------- |',
      '| fixed  | 4     | 6,304     | 9,000       | 2.5 ± 1.3   | 2       | 1            | 100     |',
      '| es     | 1     | 6,304     | 9,000       | 5.0         | 2       | 1            | 100     |',
    ].join('\n'),
  );
  assert.equal(summaryCsv(summaries, figures).split('\n')[2], 'es,1,6304,9000,5,,2,1,100');
  assert.deepEqual(comparisonRows(compare(all, chooseMethods(), figures), figures)[1], ['es − fixed', '+4.0']);
});

test('methods are chosen by name', () => {
  assert.deepEqual(
    chooseMethods('rigl, fixed').map(({ name }) => name),
    ['fixed', 'rigl'],
  );
  assert.throws(() => chooseMethods('rigel'), {
    code: 'ERR_ARGUMENT',
    message: /has "rigel", expected some of dense,small-dense,fixed/,
  });
});

test('the narrow dense net has nearly as many weights', () => {
  assert.deepEqual(narrowWidths('mlp', 6304), [8, 10]);
  assert.deepEqual(narrowWidths('mlp', 784 * 300 + 300 * 100 + 1000), [300, 100]);
  const [a, b, c] = narrowWidths('lenet-large', 11_132);
  const weights = 25 * a + 25 * a * b + 49 * b * c + 10 * c;
  assert.ok(Math.abs(weights / 11_132 - 1) < 0.05, `${weights}`);
  const [first, second] = narrowWidths('lenet-small', 3248);
  const fewer = 25 * first + 25 * first * second + 490 * second;
  assert.ok(Math.abs(fewer / 3248 - 1) < 0.1, `${fewer}`);
});

test('a method is compared with itself elsewhere, seed by seed, with an interval', () => {
  // In R: t.test(laevo, dextro, paired = TRUE)$conf.int is 0.7001142 to 2.4598858.
  const others = [...results('es', ...dextro).reverse(), ...results('rigl', 1, 2)];
  const found = changes([...results('es', ...laevo), ...results('fixed', 1, 2)], others, figures);
  assert.deepEqual([found.length, found[0].method, found[0].seeds], [1, 'es', 10]);
  const { mean, low, high } = found[0];
  for (const [value, expected] of [
    [mean, 1.58],
    [low, 0.7001142],
    [high, 2.4598858],
  ])
    assert.ok(Math.abs(value! - expected!) < 1e-7, `${value}`);
  assert.deepEqual(changeRows(found, figures), [
    ['difference', 'seeds', 'accuracy, %'],
    ['es', '10', '+1.6 (+0.7 to +2.5)'],
  ]);
  const [single] = changes(results('es', 3), results('es', 5), figures);
  assert.deepEqual([single.mean, single.low], [-2, null]);
  assert.throws(() => changes(results('es', 3), results('fixed', 3), figures), refused('ERR_ARGUMENT', /no method/));
  assert.throws(
    () => changes(results('es', 3), [...results('es', 3), ...results('es', 4)], figures),
    refused('ERR_ARGUMENT', /es, seed 1 more than once/),
  );
});
