import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { limits, within } from './limits.js';

test('the guides have the same bounds, all of them', () => {
  const pages = readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(`docs/${name}`, 'utf8'))
    .join('\n');
  const rows = [...pages.matchAll(/^\| [a-z]+ +\| `(\w+)` +\| ([-\d,.e]+) +\| ([-\d,.e]+) +\|/gm)];
  const number = (text: string) => Number(text.replaceAll(',', ''));
  const found = Object.fromEntries(
    rows.map(([, name, least, most]) => [name, { least: number(least), most: number(most) }]),
  );
  assert.deepEqual(found, limits);
});

test('a bound includes its ends and no NaN', () => {
  assert.ok(within(limits.hop.least, limits.hop) && within(limits.hop.most, limits.hop));
  for (const value of [0, limits.hop.most + 1, NaN, Infinity, -Infinity]) assert.ok(!within(value, limits.hop));
});
