import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { type MeasureName, measures } from '../measures.js';
import { published, publishedClips, publishedDigits, publishedSource } from './published.js';
import { titleOf } from './tables.js';

const page = readFileSync('docs/evaluation.md', 'utf8');
const names = measures.map(({ name }) => name).filter((name) => publishedDigits[name] !== undefined);

test('docs/evaluation.md has the same figures of other vocoders', () => {
  const [, table] = /^## Beside other vocoders$[^]*?\n(\|[^]*?)\n\n/m.exec(page) ?? [];
  const [head, , ...rows] = table.split('\n').map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const title = (name: MeasureName) => titleOf(measures.find((measure) => measure.name === name) ?? assert.fail(name));
  assert.deepEqual(head, ['vocoder', ...names.map(title)]);
  assert.deepEqual(
    rows,
    published.map(({ name, means }) => [
      name,
      ...names.map((measure) => means[measure]?.toFixed(publishedDigits[measure])),
    ]),
  );
});

test('the page says of which clips and samples', () => {
  for (const text of [...publishedClips, ...(publishedSource.match(/https:[^)]*/) ?? [])])
    assert.ok(page.includes(text), text);
});
