import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { runWarm } from '../../test/support/command_line.js';
import { packageRoot } from '../base/package_root.js';
import { readTextGrid } from '../data/alignment/textgrid.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-align-'));
after(() => rmSync(folder, { recursive: true }));
process.chdir(folder);
const script = join(packageRoot(), 'dist', 'src', 'cli', 'prepare.js');
const fixtures = join(packageRoot(), 'test', 'fixtures', 'alignment');
const mini = join(packageRoot(), 'data', 'ljspeech-mini');

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [script, 'align', ...args], { encoding: 'utf8', cwd: folder });
}

const warm = (...args: string[]) => runWarm('prepare', 'align', ...args);

/** A corpus of some of the shipped clips. */
function corpus(name: string, ids: readonly string[], more = ''): string {
  const dir = join(folder, name);
  mkdirSync(dir);
  const lines = readFileSync(join(mini, 'metadata.csv'), 'utf8').split('\n');
  for (const id of ids) copyFileSync(join(mini, `${id}.flac`), join(dir, `${id}.flac`));
  writeFileSync(join(dir, 'metadata.csv'), lines.filter((line) => ids.includes(line.split('|')[0])).join('\n') + more);
  return name;
}

const [one, two, three] = ['LJ001-0002', 'LJ001-0008', 'LJ001-0011'];

test('two corpora become TextGrids, one for each clip, and are compared with a reference', async () => {
  corpus('a', [one, two]);
  corpus('b', [three]);
  const { status, stdout, stderr } = run('a', 'b', '--out', 'out/both', '--compare', fixtures);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^out\/both: 3 TextGrids of 0\.1 minutes$/m);
  assert.match(stdout, /^compared: \d+ of 87 phones in 3 clips$/m);
  assert.match(stdout, /^starts and ends within 25 ms: \d+\.\d%$/m);
  const { tiers } = await readTextGrid(join(folder, 'out', 'both', 'b', `${three}.TextGrid`));
  assert.deepEqual(
    tiers.map(({ name }) => name),
    ['words', 'phones'],
  );
  const words = tiers[0].intervals.flatMap(({ text }) => (text === '' ? [] : [text]));
  assert.equal(words.join(' '), 'it is of the first importance that the letter used should be fine in form');
});

test('TextGrids of the corpus are taken, and what they lack is aligned', async () => {
  corpus('c', [one, two]);
  mkdirSync(join(folder, 'c', 'textgrid'));
  const given = join(folder, 'c', 'textgrid', `${one}.TextGrid`);
  copyFileSync(join(fixtures, `${one}.TextGrid`), given);
  const { stdout } = warm('c', '--json');
  const { aligned, fromTextGrids } = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual([aligned, fromTextGrids], [1, 1]);
  const phones = async (path: string) =>
    (await readTextGrid(path)).tiers[1].intervals.flatMap(({ text, start }) =>
      /^(sp|sil)?$/.test(text) ? [] : [start],
    );
  assert.deepEqual(await phones(join(folder, 'alignment', `${one}.TextGrid`)), await phones(given));
  const all = JSON.parse(warm('c', '--json', '--no-textgrids').stdout) as Record<string, number>;
  assert.equal(all.aligned, 2);
  // Those of the corpus are never replaced.
  const { status, stderr } = warm('c', '--out', 'c/textgrid');
  assert.equal(status, 2);
  assert.match(stderr, /^error ERR_FILE_IS_INPUT/);
});

test('clips that are left out are named, and lose the TextGrid of an earlier call', () => {
  corpus('d', [one, two, three]);
  assert.equal(warm('d', '--out', 'd-out').status, 0);
  const stale = join(folder, 'd-out', `${two}.TextGrid`);
  assert.ok(existsSync(stale));
  writeFileSync(join(folder, 'd', `${two}.flac`), 'no audio');
  const { status, stdout } = warm('d', '--out', 'd-out');
  assert.equal(status, 0);
  assert.match(stdout, /^left out: LJ001-0008: ERR_AUDIO_FORMAT: .*LJ001-0008\.flac/m);
  assert.match(stdout, /2 TextGrids .*; 1 of 3 clips left out$/m);
  assert.ok(!existsSync(stale));
});

test('what the user can mend is refused by code', () => {
  corpus('e', [one]);
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken', `${one}.TextGrid`), 'a letter');
  for (const [args, message] of [
    [['none'], /^error ERR_CORPUS: none does not exist/],
    [['e', '--textgrids', 'none'], /^error ERR_FILE_NOT_FOUND: none/],
    [['e', '--compare', 'none'], /^error ERR_FILE_NOT_FOUND: none/],
    [['e', '--lexicon', 'none'], /^error ERR_FILE_NOT_FOUND/],
    [['e', '--out', 'taken'], /^error ERR_FILE_EXISTS/],
    [['e', '--out', 'e/metadata.csv'], /^error ERR_FILE_WRITE/],
    [[], /^error ERR_ARGUMENT/],
  ] as [string[], RegExp][]) {
    const { status, stderr } = warm(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, message);
  }
  assert.equal(readFileSync(join(folder, 'taken', `${one}.TextGrid`), 'utf8'), 'a letter');
});
