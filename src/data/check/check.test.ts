import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { refused, temporaryFolder } from '../../../test/support/files.js';
import { readAudio } from '../../audio/read.js';
import { writeWav } from '../../audio/write.js';
import { checkCorpus, type CorpusCheck } from './check.js';
import { checkPage, findingRows, overview, spreadRows } from './report.js';

const mini = 'data/ljspeech-mini';
const finding = ({ findings }: CorpusCheck, what: string) => {
  const found = findings.find((one) => one.what === what);
  assert.ok(found, `no finding "${what}" among ${findings.map((one) => one.what).join(', ')}`);
  return found;
};
const idsOf = (check: CorpusCheck, what: string) => finding(check, what).clips.map(({ id }) => id);

/** The shipped clips with everything wrong that can be made wrong. */
async function brokenCorpus(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  const wavs = join(folder, 'wavs');
  mkdirSync(wavs);
  const lines = readFileSync(join(mini, 'metadata.csv'), 'utf8').trim().split('\n');
  for (const line of lines)
    copyFileSync(join(mini, `${line.split('|')[0]}.flac`), join(wavs, `${line.split('|')[0]}.flac`));
  const { samples, sampleRate } = await readAudio(join(mini, 'LJ001-0008.flac'));
  const add = async (id: string, text: string, audio: Float32Array, rate = sampleRate) => {
    await writeWav(join(wavs, `${id}.wav`), audio, rate);
    lines.push(`${id}|${text}|${text}`);
  };
  await add('copy', 'something else', samples);
  await add(
    'quiet',
    'Has never been surpassed!',
    samples.map((value) => value / 50 + 0.005),
  );
  await add(
    'clipped',
    'a',
    samples.map((value) => Math.max(-0.1, Math.min(0.1, value))),
  );
  await add('paused', 'b', Float32Array.from([...new Float32Array(4 * sampleRate), ...samples]));
  await add('short', 'c', samples.subarray(20000, 20600));
  await add('tiny', 'd', samples.subarray(20000, 20200));
  await add('slow', 'e', samples, 16000);
  await add('silent', 'f', new Float32Array(sampleRate));
  writeFileSync(join(wavs, 'damaged.flac'), 'no audio');
  await writeWav(join(wavs, 'unlisted.wav'), samples, sampleRate);
  lines.push('damaged|g|g', 'gone|h|h', 'mute||');
  copyFileSync(join(mini, 'LJ001-0002.flac'), join(wavs, 'mute.flac'));
  writeFileSync(join(folder, 'metadata.csv'), lines.join('\n'));
  return folder;
}

test('everything that is wrong with a corpus is found, and what a training makes of it', async (t) => {
  const folder = await brokenCorpus(t);
  const progress: number[] = [];
  const check = await checkCorpus(folder, { threads: 2, onProgress: (done) => progress.push(done) });
  assert.deepEqual([progress[0], progress.at(-1), check.clips.length], [0, 22, 21]);
  const expected = {
    'cannot be read': ['refused', ['damaged']],
    missing: ['refused', ['gone']],
    'shorter than a frame': ['refused', ['tiny']],
    'shorter than a segment': ['left out', ['short']],
    'not in metadata.csv': ['left out', ['wavs/unlisted.wav']],
    silent: ['left out', ['silent']],
    'without a transcript': ['none', ['mute']],
    'the same audio': ['none', ['copy', 'mute']],
    'takes of one text': ['none', ['quiet']],
    'another sample rate': ['none', ['slow']],
  } as const;
  for (const [what, [effect, clips]] of Object.entries(expected)) {
    assert.equal(finding(check, what).effect, effect, what);
    assert.deepEqual(idsOf(check, what), clips, what);
  }
  assert.ok(idsOf(check, 'offset').includes('quiet') && !idsOf(check, 'offset').includes('tiny'));
  assert.ok(idsOf(check, 'clipped').includes('clipped'));
  assert.ok(idsOf(check, 'silence at an end').includes('paused'));
  assert.ok(idsOf(check, 'mostly silence').includes('paused'));
  assert.equal(idsOf(check, 'unusual loudness')[0], 'quiet');
  assert.match(finding(check, 'the same audio').clips[0].detail, /^as LJ001-0008$/);
  assert.match(finding(check, 'cannot be read').clips[0].detail, /^ERR_AUDIO_FORMAT: .*damaged\.flac/);
  assert.deepEqual(check.sampleRates, { 16000: 1, 22050: 20 });
});

test('the clips that ship have transcripts and nothing that a training refuses or leaves out', async () => {
  const check = await checkCorpus(mini, { threads: 2 });
  assert.deepEqual([check.clips.length, check.transcripts, check.texts], [12, 12, 12]);
  assert.deepEqual(
    check.findings.filter(({ effect }) => effect !== 'none'),
    [],
  );
  assert.match(overview(check)[0], /^12 clips, 0\.02 hours \(1\.0 minutes\)/);
  const [, , loudness] = spreadRows(check);
  assert.deepEqual(loudness.slice(0, 1), ['Loudness, LUFS']);
});

test('a folder without transcripts is none to complain about; texts alone are', async (t) => {
  const folder = temporaryFolder(t);
  copyFileSync(join(mini, 'LJ001-0008.flac'), join(folder, 'a.flac'));
  const plain = await checkCorpus(folder, { threads: 1 });
  assert.deepEqual([plain.transcripts, plain.clips[0].rate], [0, null]);
  assert.ok(!plain.findings.some(({ what }) => /transcript|text/.test(what)));
  writeFileSync(join(folder, 'b.txt'), 'nobody says this');
  assert.deepEqual(idsOf(await checkCorpus(folder, { threads: 1 }), 'texts without a recording'), ['b.txt']);
});

test('the page has a row for each finding, and escapes names', async (t) => {
  const folder = temporaryFolder(t);
  copyFileSync(join(mini, 'LJ001-0008.flac'), join(folder, 'a.flac'));
  copyFileSync(join(mini, 'LJ001-0008.flac'), join(folder, '<b>.flac'));
  const check = await checkCorpus(folder, { threads: 1 });
  assert.equal(findingRows(check).length, check.findings.length + 1);
  const page = checkPage(check);
  assert.match(page, /the same audio/);
  assert.ok(page.includes('&lt;b&gt;') && !page.includes('<b>.flac') && !page.includes('<b> '));
});

test('a folder that is no corpus is refused', async () => {
  await assert.rejects(checkCorpus('/no/such/folder', { threads: 1 }), refused('ERR_CORPUS', /does not exist/));
});
