import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { runWarm } from '../../test/support/command_line.js';
import { packageRoot } from '../base/package_root.js';

const folder = mkdtempSync(join(tmpdir(), 'tts-phones-'));
after(() => rmSync(folder, { recursive: true }));
const lexicon = join(folder, 'my.lexicon');
writeFileSync(lexicon, 'Smith S M AY1 TH\n');
const script = join(packageRoot(), 'dist', 'src', 'cli', 'prepare.js');

function run(args: string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [script, 'phones', ...args], { encoding: 'utf8', input });
}

test('what each word became, and why', () => {
  const { status, stdout, stderr } = run(['Dr. Smith paid £25, 😀.', '--lexicon', lexicon]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().replaceAll(/ {2,}/g, ' | ')),
    [
      'Dr. Smith paid £25, 😀.',
      'Dr. | doctor | D AA1 K T ER0 | dictionary: abbreviation',
      'Smith | smith | S M AY1 TH | own',
      'paid | paid | P EY1 D | dictionary',
      '£25 | twenty | T W EH1 N T IY0 | dictionary: money',
      'five | F AY1 V | dictionary: money',
      'pounds | P AW1 N D Z | dictionary: money',
      '(statement)',
      'note: 😀: pictures are not spoken (characters 20 to 22)',
    ],
  );
});

test('standard input and a file, as JSON per sentence', () => {
  const text = 'One. Two, three?';
  const path = join(folder, 'text.txt');
  writeFileSync(path, text);
  const piped = run(['--json'], text);
  assert.equal(piped.status, 0, piped.stderr);
  assert.equal(runWarm('prepare', 'phones', '--json', '--file', path).stdout, piped.stdout);
  const sentences = piped.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; tokens: string[] });
  assert.deepEqual(
    sentences.map((sentence) => sentence.text),
    ['One.', 'Two, three?'],
  );
  assert.equal(sentences[1].tokens.join(' '), '^ T UW1 , TH R IY1 ?');
  assert.equal(run([], ' \n').stdout, 'there is nothing to speak\n');
});

test('what the user can mend is refused by code', () => {
  writeFileSync(lexicon, 'Smith S M AY1 TH\nJones J OW1 N Z\n');
  for (const [args, message] of [
    [['a', '--lexicon', lexicon], /^error ERR_LEXICON: .*my\.lexicon line 2: 'J' is no phone/],
    [['--file', join(folder, 'none')], /^error ERR_FILE_NOT_FOUND/],
    [['a', '--file', lexicon], /^error ERR_ARGUMENT/],
  ] as [string[], RegExp][]) {
    const { status, stderr } = runWarm('prepare', 'phones', ...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
});
