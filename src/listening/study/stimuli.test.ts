import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '../../../test/support/files.js';
import { speechlike, writeStudyFolder } from '../../../test/support/listening_study.js';
import { integratedLoudness } from '../../audio/loudness.js';
import { readAudio } from '../../audio/read.js';
import { writeWav } from '../../audio/write.js';
import { modulatedNoise } from './signals.js';
import { prepareStimuli } from './stimuli.js';
import { openStudyFolder } from './study_folder.js';

async function loudnessAt(path: string): Promise<number> {
  const { samples, sampleRate } = await readAudio(path);
  return integratedLoudness([samples], sampleRate);
}

test('all systems are given one loudness, and anchors are the original without its high frequencies', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { loudness: -26 }, { clips: ['one', 'two'], sampleRate: 22050, seconds: 1 });
  const study = openStudyFolder(folder);
  const stimuli = await prepareStimuli(study);
  assert.equal(stimuli.loudness, -26);
  for (const clip of study.clips) {
    for (const system of study.systems)
      assert.ok(Math.abs((await loudnessAt(stimuli.file(system, clip).path)) + 26) < 0.05, system);
    const { samples: original } = await readAudio(stimuli.file('reference', clip).path);
    const { samples: anchor } = await readAudio(stimuli.file('anchor-3500', clip).path);
    assert.equal(anchor.length, original.length);
    const energy = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0);
    const high = (x: Float32Array) => energy(x.slice(1).map((value, i) => value - x[i]));
    assert.ok(energy(anchor) < energy(original) && high(anchor) < 0.5 * high(original));
  }
});

test('a second start finds everything prepared', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, {}, { clips: ['one'] });
  await prepareStimuli(openStudyFolder(folder));
  const prepared = join(folder, 'prepared');
  const times = () => readdirSync(prepared).map((name) => `${name} ${statSync(join(prepared, name)).mtimeMs}`);
  const before = times();
  await prepareStimuli(openStudyFolder(folder));
  assert.deepEqual(times(), before);
});

test('if one clip would be clipped all are made softer, with a note', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos' }, { systems: ['ours', 'theirs'], clips: ['one'] });
  // A click makes a peak 40 dB above the rest.
  const samples = speechlike(0.6, 16000, 1, 0.01);
  samples[100] = 0.9;
  await writeWav(join(folder, 'systems', 'ours', 'one.wav'), samples, 16000);
  const stimuli = await prepareStimuli(openStudyFolder(folder));
  assert.match(
    stimuli.notes[0],
    /all clips are at -\d\d\.\d LUFS instead of -23: louder, .*ours\/one.wav would be clipped/,
  );
  const [ours, theirs] = await Promise.all(
    ['ours', 'theirs'].map((system) => loudnessAt(stimuli.file(system, 'one').path)),
  );
  assert.ok(Math.abs(ours - theirs) < 0.1, `${ours} ${theirs}`);
  const { samples: output } = await readAudio(stimuli.file('ours', 'one').path);
  assert.ok(Math.max(...output.map(Math.abs)) <= 10 ** (-1 / 20) + 1e-3);
});

test('loudness off leaves the samples alone', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos', loudness: 'off', traps: 0 }, { systems: ['ours'], clips: ['one'] });
  const study = openStudyFolder(folder);
  const stimuli = await prepareStimuli(study);
  assert.deepEqual(
    (await readAudio(stimuli.file('ours', 'one').path)).samples,
    (await readAudio(study.path('ours', 'one'))).samples,
  );
  assert.equal(stimuli.loudness, null);
});

test(
  'lengths within 0.1 s are made equal; a larger difference is refused where positions ' +
    'are compared, and elsewhere a switch starts from the beginning',
  async (t) => {
    const folder = temporaryFolder(t);
    await writeStudyFolder(folder, { anchors: [3500] }, { clips: ['one'] });
    const ours = join(folder, 'systems', 'ours', 'one.wav');
    await writeWav(ours, speechlike(0.65, 16000, 9, 0.1), 16000);
    const stimuli = await prepareStimuli(openStudyFolder(folder));
    assert.equal(stimuli.aligned('one'), true);
    const lengths = await Promise.all(
      ['reference', 'ours', 'theirs', 'anchor-3500'].map(
        async (signal) => (await readAudio(stimuli.file(signal, 'one').path)).samples.length,
      ),
    );
    assert.deepEqual(lengths, Array(4).fill(0.65 * 16000));
    await writeWav(ours, speechlike(0.8, 16000, 9, 0.1), 16000);
    await assert.rejects(prepareStimuli(openStudyFolder(folder)), {
      code: 'ERR_LISTENING_TEST',
      message: /lasts 0.60 s, .*ours\/one.wav 0.80 s; expected lengths within 0.1 s, because mushra/,
    });
    assert.equal((await prepareStimuli({ ...openStudyFolder(folder), kind: 'ab', anchors: [] })).aligned('one'), false);
  },
);

test('rates, lengths and silence are checked before the start, and the faults are counted', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos' }, { systems: ['ours', 'theirs'], clips: ['one', 'two'] });
  const write = (samples: Float32Array, rate: number) =>
    writeWav(join(folder, 'systems', 'ours', 'one.wav'), samples, rate);
  const refused = async (message: RegExp, changes = {}) =>
    assert.rejects(prepareStimuli({ ...openStudyFolder(folder), ...changes }), { code: 'ERR_LISTENING_TEST', message });
  await write(speechlike(0.6, 24000, 1, 0.1), 24000);
  await refused(
    /ours\/one.wav has 24000 Hz, .*theirs\/one.wav has 16000 Hz; expected one sample rate, or sampleRate in test.yaml/,
  );
  const converted = await prepareStimuli({ ...openStudyFolder(folder), sampleRate: 16000 });
  assert.equal((await readAudio(converted.file('ours', 'one').path)).sampleRate, 16000);
  await write(new Float32Array(16000), 16000);
  await refused(/ours\/one.wav is silent$/);
  await write(speechlike(0.3, 16000, 1, 0.1), 16000);
  await refused(/ours\/one.wav lasts 0.30 s; expected 0.5 to 30 s/);
  await refused(/lasts 0.30 s; expected 2 to 3 s .*\(and 3 more\)/, { duration: { min: 2, max: 3 } });
  await write(speechlike(0.6, 16000, 1, 0.1), 16000);
  await refused(/an anchor of 8000 Hz needs at least 18286 Hz/, { anchors: [8000] });
});

test('modulated noise follows the signal at the ratio that was asked for', () => {
  const samples = speechlike(2, 16000, 5, 0.2);
  const noise = modulatedNoise(samples, 10).map((value, i) => value - samples[i]);
  const energy = (x: Float32Array) => x.reduce((sum, value) => sum + value * value, 0);
  assert.ok(Math.abs(10 * Math.log10(energy(samples) / energy(noise)) - 10) < 0.2);
  assert.equal(
    modulatedNoise(new Float32Array(10), 0).every((value) => value === 0),
    true,
  );
});

test('what is damaged in prepared/ is made again', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos' }, { systems: ['ours'], clips: ['one'] });
  const study = openStudyFolder(folder);
  const first = (await prepareStimuli(study)).file('ours', 'one');
  const right = readFileSync(first.path);
  const damaged = Buffer.from(right);
  damaged[damaged.length >> 1] ^= 0x40;
  for (const name of readdirSync(join(folder, 'prepared')))
    writeFileSync(join(folder, 'prepared', name), name.endsWith('.wav') ? damaged : '{"peak": 1');
  const again = (await prepareStimuli(study)).file('ours', 'one');
  assert.deepEqual([again.path, again.hash, again.size], [first.path, first.hash, first.size]);
  assert.deepEqual(readFileSync(again.path), right);
});
