import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../../../test/support/files.js';
import { writeStudyFolder } from '../../../test/support/listening_study.js';
import type { StudyFile } from './definition.js';
import { openStudyFolder } from './study_folder.js';

const refused = (folder: string, message: RegExp) =>
  assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST', message });
const yaml = (folder: string, text: string) => writeFileSync(join(folder, 'test.yaml'), text);

test('without test.yaml a reference makes it a mushra test, else it is mos; all systems and clips take part', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, {});
  rmSync(join(folder, 'test.yaml'));
  const mushra = openStudyFolder(folder);
  assert.equal(mushra.kind, 'mushra');
  assert.deepEqual(mushra.systems, ['ours', 'reference', 'theirs']);
  assert.deepEqual(mushra.clips, ['four', 'one', 'three', 'two']);
  assert.deepEqual(
    [mushra.reference, mushra.anchors, mushra.traps, mushra.duration.max],
    ['reference', [3500, 7000], 0, 12],
  );
  renameSync(join(folder, 'systems', 'reference'), join(folder, 'systems', 'original'));
  const mos = openStudyFolder(folder);
  assert.deepEqual([mos.kind, mos.reference, mos.traps], ['mos', null, 1]);
});

test('a folder named reference is the reference only if it takes part; in a mushra test it always does', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { systems: ['ours', 'theirs'] });
  assert.deepEqual([openStudyFolder(folder).kind, openStudyFolder(folder).reference], ['mos', null]);
  yaml(folder, 'kind: mushra\nsystems: [ours]');
  assert.deepEqual(openStudyFolder(folder).systems, ['reference', 'ours']);
});

test('pairs are all pairs of systems, or those of test.yaml', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'ab' });
  assert.deepEqual(openStudyFolder(folder).pairs, [
    ['ours', 'reference'],
    ['ours', 'theirs'],
    ['reference', 'theirs'],
  ]);
  yaml(folder, 'kind: ab\npairs: [[theirs, ours]]');
  assert.deepEqual(openStudyFolder(folder).pairs, [['theirs', 'ours']]);
  yaml(folder, 'kind: ab\npairs: [[theirs, our]]');
  refused(folder, /pairs in test.yaml names our; the systems are ours, reference, theirs/);
  yaml(folder, 'kind: ab\npairs: [[ours, ours]]');
  refused(folder, /compares ours with itself/);
});

test('a fault in test.yaml is reported with the value and what was expected', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, {});
  const cases: [string, RegExp][] = [
    ['kidn: mos', /unknown key kidn; did you mean kind\?/],
    ['kind: musra', /kind is "musra"; expected one of "mos"\|"cmos"\|"ab"\|"abx"\|"mushra"/],
    ['trials: 0', /trials is 0; .*>=1/],
    ['loudness: loud', /loudness is "loud"; expected LUFS from -60 to -10, or off/],
    ['finish: {url: "javascript:alert(1)"}', /finish.url is "javascript:alert\(1\)"/],
    ['systems: [ours, mine]', /there is no system mine; systems\/ has ours, reference, theirs/],
    ['clips: [one, five]', /system \w+ has no clip five; expected .*five\.wav/],
    ['clips: [one, one]', /names a clip twice/],
    ['a: [', /test.yaml is not valid YAML/],
    [
      ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`)].join(
        '\n',
      ),
      /alias/i,
    ],
    [`title: ${'['.repeat(20_000)}`, /./],
    ['kind: mos\nreference: reference\nsystems: [ours]', /the reference reference is not among the systems: ours/],
    ['kind: mushra\nreference: original', /there is no system original/],
  ];
  for (const [text, message] of cases) {
    yaml(folder, text);
    refused(folder, message);
  }
});

test('a folder without a study is refused, and the message says what is missing', async (t) => {
  const folder = temporaryFolder(t);
  refused(folder, /has no folder systems; expected systems\/NAME\/CLIP.wav/);
  mkdirSync(join(folder, 'systems'));
  refused(folder, /systems has no folders/);
  mkdirSync(join(folder, 'systems', 'empty'));
  refused(folder, /empty has no recordings/);
  rmSync(join(folder, 'systems', 'empty'), { recursive: true });
  await writeStudyFolder(folder, {});
  rmSync(join(folder, 'systems', 'ours', 'two.wav'));
  refused(folder, /system ours lacks two; expected the same clips in every system/);
  writeFileSync(join(folder, 'systems', 'ours', 'one.flac'), '');
  refused(folder, /has the clip one twice: one.flac and one.wav/);
});

test("names of the tool's own signals, too many signals and a missing reference are refused", async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, {}, { systems: ['reference', 'trap'], clips: ['one'] });
  refused(folder, /systems\/trap has a name that the tool gives to signals of its own/);
  const many = temporaryFolder(t);
  await writeStudyFolder(
    many,
    {},
    { systems: ['reference', ...Array.from({ length: 10 }, (_, i) => `s${i}`)], clips: ['one'] },
  );
  refused(many, /13 signals in a trial .* BS.1534-3 allows 12/);
  const none = temporaryFolder(t);
  await writeStudyFolder(none, { kind: 'mushra' } satisfies StudyFile, { systems: ['ours', 'theirs'], clips: ['one'] });
  refused(none, /a MUSHRA test needs a reference/);
});

test('names that look alike are alike; links that lead nowhere, pipes and odd names are named', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos', clips: ['fu\u0308r'] }, { systems: ['ours'], clips: ['f\u00fcr'] });
  assert.deepEqual(openStudyFolder(folder).clips, ['f\u00fcr']);
  writeFileSync(join(folder, 'systems', 'ours', 'fu\u0308r.wav'), '');
  assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST', message: /has the clip für twice/ });
  rmSync(join(folder, 'systems', 'ours', 'fu\u0308r.wav'));
  symlinkSync('nowhere', join(folder, 'systems', 'ours', 'two.wav'));
  assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST', message: /two.wav is no file/ });
  rmSync(join(folder, 'systems', 'ours', 'two.wav'));
  writeFileSync(
    Buffer.concat([Buffer.from(join(folder, 'systems', 'ours', 'x')), Buffer.from([0xff]), Buffer.from('.wav')]),
    '',
  );
  assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST', message: /not UTF-8; rename it/ });
});

test('a test.yaml of aliases of aliases, in another encoding, or that is no file is refused', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, {}, { clips: ['one'] });
  const path = join(folder, 'test.yaml');
  const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
  for (const content of [
    bomb.join('\n'),
    Buffer.from('title: x', 'utf16le'),
    Buffer.from([0x74, 0xff]),
    'x'.repeat(2 ** 21),
    '__proto__: {kind: mos}',
    'title: 0x1',
  ]) {
    writeFileSync(path, content);
    assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST' }, String(content).slice(0, 20));
  }
  rmSync(path);
  mkdirSync(path);
  assert.throws(() => openStudyFolder(folder), { code: 'ERR_LISTENING_TEST', message: /test.yaml is no file/ });
});
