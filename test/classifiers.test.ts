import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { run, runWarm, start, temporaryFolder } from './support/command_line.js';

const tiny = [
  'recipes/mnist',
  '--data',
  'data/mnist-mini',
  '--set',
  'training.examples=64',
  '--set',
  'sizes.mlp.widths=[50, 20]',
];

test('training a classifier tells where it stands, and --json where the model is', (t) => {
  const out = join(temporaryFolder(t), 'run');
  const { status, stdout, stderr } = run(
    'train',
    ...tiny,
    '--steps',
    '6',
    '--out',
    out,
    '--set',
    'sparsity.method=rigl',
    '--seed',
    '3',
    '--threads',
    '1',
    '--json',
  );
  assert.equal(status, 0, stderr);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(result.step, 6);
  assert.equal(result.nonZeros, 784 + 20 + 200);
  assert.ok(existsSync(result.model as string));
  assert.match(stderr, /mnist-mini .*1,000 training and 500 test images/);
  assert.match(stderr, /step 6\/6 · loss \d\.\d+ · test \d+\.\d+%, NLL \d\.\d+ · [\d,]+ examples\/s/);
});

test('Ctrl-C saves, and the same command goes on to the same curve', async (t) => {
  const folder = temporaryFolder(t);
  const args = [
    ...tiny,
    '--steps',
    '60',
    '--set',
    'training.validateEvery=5',
    '--set',
    'sparsity.method=es',
    '--set',
    'training.checkpointEvery=1000',
  ];
  const [whole, stopped] = ['whole', 'stopped'].map((name) => join(folder, name));
  const curve = (out: string) =>
    readFileSync(join(out, 'curve.csv'), 'utf8')
      .split('\n')
      .map((line) =>
        line
          .split(',')
          .filter((_, i) => i !== 1)
          .join(),
      );
  assert.equal(runWarm('train', ...args, '--out', whole).status, 0);
  const child = start('train', ...args, '--out', stopped);
  const exited = once(child, 'exit');
  while (!(existsSync(join(stopped, 'curve.csv')) && curve(stopped).length > 3) && child.exitCode === null)
    await setTimeout(2);
  child.kill('SIGINT');
  assert.deepEqual(await exited, [0, null]);
  const { status, stderr } = run('train', ...args, '--out', stopped);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /resumed from step \d+/);
  assert.deepEqual(curve(stopped), curve(whole));
});

test('what cannot be trained on is refused by code', (t) => {
  const folder = temporaryFolder(t);
  const cases: [RegExp, string[]][] = [
    [/error ERR_CORPUS: .*nowhere/, ['recipes/mnist', '--data', join(folder, 'nowhere')]],
    [/error ERR_RECIPE: .*task "digits" is unknown/, ['recipes/mnist', '--set', 'task=digits']],
    [
      /error ERR_RECIPE: .*cifar10-separable takes images of 32 × 32 × 3/,
      [...tiny.slice(0, 3), '--set', 'sizes.mlp.model=cifar10-separable'],
    ],
  ];
  for (const [expected, args] of cases) {
    const { status, stderr } = runWarm('train', ...args, '--out', join(folder, 'never'));
    assert.match(stderr, expected);
    assert.equal(status, 2);
  }
  assert.ok(!existsSync(join(folder, 'never')));
});

test('the comparison of methods prints its table, and goes on where it was cut off', (t) => {
  const folder = temporaryFolder(t);
  const csv = join(folder, 'table.csv');
  const methods = ['dense', 'small-dense', 'fixed', 'pruning', 'es-guided', 'es-guided-shuffled'];
  const search = [
    'sparsity.es-guided.population=4',
    'sparsity.es-guided.every=2',
    'sparsity.pruning={ start: 1, end: 5, every: 2 }',
  ];
  const args = [
    'sparsity',
    ...tiny,
    ...search.flatMap((set) => ['--set', set]),
    '--methods',
    methods.join(),
    '--steps',
    '6',
    '--seeds',
    '2',
    '--out',
    folder,
    '--csv',
    csv,
  ];
  const first = run('bench', ...args);
  assert.equal(first.status, 0, first.stderr);
  for (const method of methods)
    assert.match(first.stdout, new RegExp(`^\\| ${method} +\\| 2 +\\| [\\d,]+ +\\| \\d`, 'm'));
  assert.match(first.stdout, /^\| es-guided − pruning +\| [+-]?\d+\.\d\d \(p = /m);
  assert.equal(readFileSync(csv, 'utf8').trimEnd().split('\n').length, 7);

  const results = join(folder, 'results.jsonl');
  const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 12);
  const nonZeros = lines
    .map((line) => JSON.parse(line) as { method: string; nonZeros: number })
    .filter(({ method }) => !method.endsWith('dense'));
  assert.ok(nonZeros.every((result) => result.nonZeros === nonZeros[0].nonZeros));
  // As if the last but one run had never ended, and the last were half written.
  writeFileSync(
    results,
    lines
      .slice(0, 10)
      .map((line) => `${line}\n`)
      .join(''),
  );
  appendFileSync(results, lines[11].slice(0, 20));
  const second = runWarm('bench', ...args, '--json');
  assert.equal(second.status, 0, second.stderr);
  const { runs, summaries, comparisons } = JSON.parse(second.stdout) as {
    runs: { quality: object; key: string }[];
    summaries: object[];
    comparisons: object[];
  };
  assert.deepEqual([runs.length, summaries.length, comparisons.length], [12, 6, 6]);
  const before = new Map(
    lines.map((line) => JSON.parse(line) as { key: string; quality: object }).map(({ key, quality }) => [key, quality]),
  );
  for (const { key, quality } of runs) assert.deepEqual(quality, before.get(key));
  assert.equal(
    readFileSync(results, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object).length,
    12,
  );
});
