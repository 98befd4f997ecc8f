import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { writeNpy } from '../src/data/features/files.js';
import { loadVoice } from '../src/model/voice/file.js';
import { root, run, runWarm, temporaryFolder, tinyTraining } from './support/command_line.js';

const folder = temporaryFolder({ after });
const voice = join(folder, 'run', 'voice.safetensors');
const inputs = join(folder, 'features');
const frames = { a: 50, b: 7, c: 33, d: 1, e: 64, f: 12 };

before(async () => {
  assert.equal(runWarm('train', ...tinyTraining, '--steps', '2', '--out', join(folder, 'run')).status, 0);
  const { mean, std } = (await loadVoice(voice)).statistics;
  mkdirSync(inputs);
  for (const [name, count] of Object.entries(frames))
    await writeNpy(
      join(inputs, `${name}.npy`),
      Float32Array.from(
        { length: count * mean.length },
        (_, i) => mean[i % mean.length] + std[i % mean.length] * Math.sin(i * name.charCodeAt(0)),
      ),
      [count, mean.length],
    );
});

test('every file of a folder sounds as it does alone, on any number of threads', () => {
  const alone = Object.keys(frames).map((name) => {
    assert.equal(
      runWarm('synth', join(inputs, `${name}.npy`), join(folder, 'one.wav'), '--voice', voice, '--seed', '9').status,
      0,
    );
    return readFileSync(join(folder, 'one.wav'));
  });
  for (const threads of ['1', '3']) {
    const out = join(folder, `out${threads}`);
    const { status, stdout, stderr } = runWarm(
      'synth',
      inputs,
      out,
      '--voice',
      voice,
      '--seed',
      '9',
      '--threads',
      threads,
      '--json',
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      readdirSync(out),
      Object.keys(frames).map((name) => `${name}.wav`),
    );
    Object.keys(frames).forEach((name, i) => assert.deepEqual(readFileSync(join(out, `${name}.wav`)), alone[i], name));
    const figures = JSON.parse(stdout) as { files: object[]; audioSeconds: number; threads: number };
    assert.equal(figures.files.length, 6);
    assert.ok(Math.abs(figures.audioSeconds - (167 * 256) / 22050) < 1e-9);
    assert.equal(figures.threads, Number(threads));
  }
});

test('what cannot be read is reported and left out, the others are spoken', () => {
  const mixed = join(folder, 'mixed');
  mkdirSync(mixed);
  copyFileSync(join(inputs, 'b.npy'), join(mixed, 'good.npy'));
  copyFileSync(join(root, 'data', 'ljspeech-mini', 'LJ001-0002.flac'), join(mixed, 'recording.flac'));
  writeFileSync(join(mixed, 'broken.npy'), 'nothing');
  writeFileSync(join(mixed, 'notes.txt'), 'not to be spoken');
  const out = join(folder, 'mixed-out');
  const { status, stdout, stderr } = run('synth', mixed, out, '--voice', voice);
  assert.equal(status, 2);
  assert.match(stderr, /^error ERR_\w+: .*broken\.npy/m);
  assert.match(stdout, /2 of 3 files: \d+\.\d+ s of speech/);
  assert.deepEqual(readdirSync(out), ['good.wav', 'recording.wav']);
});

test('impossible folders are refused by code', () => {
  const empty = join(folder, 'empty');
  const twice = join(folder, 'twice');
  mkdirSync(empty);
  mkdirSync(twice);
  for (const name of ['x.npy', 'x.wav']) writeFileSync(join(twice, name), '');
  const cases: [RegExp, string[]][] = [
    [/error ERR_FILE_NOT_FOUND: nothing to speak in .*empty/, [empty, join(folder, 'o')]],
    [/error ERR_ARGUMENT: .*x\.npy and x\.wav, which would both become x\.wav/, [twice, join(folder, 'o')]],
    [/error ERR_ARGUMENT: nowhere to put the speech: expected a folder/, [inputs]],
    [/error ERR_ARGUMENT: .* is a file, expected a folder/, [inputs, voice]],
    [/error ERR_ARGUMENT: --play and --stdout are for one file/, [inputs, join(folder, 'o'), '--stdout']],
    [/error ERR_FILE_WRITE: cannot make the folder/, [inputs, join(voice, 'o')]],
  ];
  for (const [expected, args] of cases) {
    const { status, stderr } = runWarm('synth', ...args, '--voice', voice);
    assert.match(stderr, expected);
    assert.equal(status, 2, stderr);
  }
});
