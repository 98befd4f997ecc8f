import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runWarm } from '../../test/support/command_line.js';
import { melSpectrogram } from '../audio/mel.js';
import { melSettingsSchema } from '../audio/mel_settings.js';
import { melPresets } from '../audio/presets.js';
import { readAudio } from '../audio/read.js';
import { writeWav } from '../audio/write.js';
import { readFeatures } from '../data/features/files.js';

const program = fileURLToPath(new URL('./prepare.js', import.meta.url));
const clip = fileURLToPath(new URL('../../../data/ljspeech-mini/LJ001-0002.flac', import.meta.url));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prepare-'));
  process.chdir(folder);
});
after(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', cwd: folder });
const warm = (...args: string[]) => runWarm('prepare', ...args);

test('features are those of the library, with the default preset, and the settings lie beside them', async () => {
  const { status, stdout, stderr } = run('features', clip, 'out.npy');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /^out\.npy: 163 frames of 80 bins \(hifigan, 22050 Hz, hop 256\) from 1\.90 s\n$/);
  const { samples } = await readAudio(clip);
  assert.deepEqual(await readFeatures(join(folder, 'out.npy')), {
    ...melSpectrogram(samples, melPresets.hifigan),
    settings: melPresets.hifigan,
  });
});

test('another preset resamples to its own rate; --json is for machines', async () => {
  const { status, stdout } = warm('features', clip, 'keithito.npy', '--preset', 'keithito', '--json');
  assert.equal(status, 0);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(
    { ...result, seconds: 0 },
    {
      features: 'keithito.npy',
      settings: 'keithito.json',
      preset: 'keithito',
      frames: 152,
      bins: 80,
      seconds: 0,
      sampleRate: 20000,
      hop: 250,
    },
  );
  assert.deepEqual(
    melSettingsSchema.parse(JSON.parse(await readFile(join(folder, 'keithito.json'), 'utf8'))),
    melPresets.keithito,
  );
});

test('--help and --version print and succeed', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.deepEqual([warm('--version').stdout, warm('--version').status], [`${version}\n`, 0]);
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /Usage: tts-prepare/);
  const features = warm('features', '--help');
  assert.equal(features.status, 0);
  assert.match(features.stdout.replace(/\s+/g, ' '), /hifigan, tacotron2, espnet, tacotron1, keithito, librosa/);
});

test('the command can be run by itself', async () => {
  assert.equal((await readFile(program, 'utf8')).split('\n')[0], '#!/usr/bin/env node');
});

const mistakes: [string, string[], RegExp][] = [
  [
    'a file that is not there',
    ['features', 'nowhere.wav', 'x.npy'],
    /^error ERR_FILE_NOT_FOUND: nowhere\.wav: no such file\n$/,
  ],
  [
    'a file that is not audio',
    ['features', 'text.wav', 'x.npy'],
    /^error ERR_AUDIO_FORMAT: text\.wav is text: expected WAV.*\n$/,
  ],
  [
    'a recording shorter than a frame',
    ['features', 'short.wav', 'x.npy'],
    /^error ERR_AUDIO_EMPTY: short\.wav has 100 samples at 22050 Hz: expected at least 256, one frame\n$/,
  ],
  [
    'a preset that does not exist',
    ['features', clip, 'x.npy', '--preset', 'hifi-gan'],
    /^error ERR_ARGUMENT: unknown mel preset "hifi-gan": expected one of hifigan, .*\n$/,
  ],
  [
    'a folder that does not exist',
    ['features', clip, 'no/x.npy'],
    /^error ERR_FILE_WRITE: no\/x\.json cannot be written: its folder does not exist\n$/,
  ],
  [
    'an unknown option',
    ['features', clip, 'x.npy', '--prest', 'hifigan'],
    /^error ERR_ARGUMENT: unknown option '--prest'.*\n$/,
  ],
  ['a missing argument', ['features', clip], /^error ERR_ARGUMENT: missing required argument 'features\.npy'\n$/],
  ['an unknown subcommand', ['feature'], /^error ERR_ARGUMENT: unknown command 'feature'.*\n$/],
];
for (const [what, args, pattern] of mistakes) {
  test(`${what} is one line on stderr and exit status 2, and nothing is written`, async () => {
    await writeFile(join(folder, 'text.wav'), 'this is text');
    await writeWav(join(folder, 'short.wav'), new Int16Array(100).fill(1000).fill(-1000, 50), 22050);
    const { status, stdout, stderr } = warm(...args);
    assert.match(stderr, pattern);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.ok(!(await readdir(folder)).some((name) => name.startsWith('x.')));
  });
}

test('no subcommand prints the help and is status 2', () => {
  const { status, stderr } = warm();
  assert.equal(status, 2);
  assert.match(stderr, /Usage: tts-prepare[^]*\nerror ERR_ARGUMENT: expected a subcommand, see above\n$/);
});

test('--debug adds the stack', () => {
  assert.match(
    warm('features', 'nowhere.wav', 'x.npy', '--debug').stderr,
    /^error ERR_FILE_NOT_FOUND: .*\nTtsError: .*\n {4}at /,
  );
});

test('check prints tables, or JSON, and writes a page', async () => {
  const corpus = fileURLToPath(new URL('../../../data/ljspeech-mini', import.meta.url));
  const { status, stdout, stderr } = run('check', corpus, '--html', 'check.html');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /^12 clips, 0\.02 hours/);
  assert.match(stdout, /\| Loudness, LUFS +\| -2\d\.\d +\|/);
  assert.match(await readFile(join(folder, 'check.html'), 'utf8'), /<h1>The recordings in /);
  const json = JSON.parse(warm('check', corpus, '--json').stdout) as { format: number; clips: { id: string }[] };
  assert.deepEqual([json.format, json.clips.length, json.clips[0].id], [1, 12, 'LJ001-0002']);
});

test('check refuses a page that cannot be written before it measures anything', () => {
  const { status, stderr } = warm('check', '.', '--html', 'no/such/folder/check.html');
  assert.equal(status, 2);
  assert.match(stderr, /^error ERR_FILE_WRITE: no\/such\/folder\/check\.html/);
});
