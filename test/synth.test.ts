import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAudio } from '../src/audio/read.js';
import { readNpy, writeNpy } from '../src/data/features/files.js';
import { kernelNames } from '../src/kernels/index.js';
import { root, run, runWarm, shortSpeech, start, temporaryFolder, tinyTraining } from './support/command_line.js';

const folder = temporaryFolder({ after });
let voice: string;
let features: string;
const recording = join(shortSpeech, 'LJ001-0008.flac');

before(() => {
  assert.equal(runWarm('train', ...tinyTraining, '--steps', '6', '--out', join(folder, 'run')).status, 0);
  voice = join(folder, 'run', 'voice.safetensors');
  features = join(folder, 'features.npy');
  assert.equal(runWarm('prepare', 'features', recording, features).status, 0);
});

test('features become a WAV of frames · hop samples', async () => {
  const out = join(folder, 'out.wav');
  const { status, stdout, stderr } = run('synth', features, out, '--voice', voice);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /real-time factor \d+\.\d+.*kernels \w+, float32, density 50\.\d%/);
  const { samples, sampleRate } = await readAudio(out);
  const { shape } = await readNpy(features);
  assert.equal(sampleRate, 22050);
  assert.equal(samples.length, shape[0] * 256);
  assert.ok(
    samples.some((sample) => Math.abs(sample) > 0.01),
    'the WAV is silent',
  );
});

test('the same seed gives the same WAV on any number of calls, another seed another', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, `${name}.wav`));
  runWarm('synth', features, a, '--voice', voice, '--seed', '7');
  run('synth', features, b, '--voice', voice, '--seed', '7');
  runWarm('synth', features, c, '--voice', voice, '--seed', '8');
  assert.deepEqual(readFileSync(b), readFileSync(a));
  assert.notDeepEqual(readFileSync(c), readFileSync(a));
});

test('copy synthesis of a recording is synthesis of its features', () => {
  const [fromFeatures, fromRecording] = ['f.wav', 'r.wav'].map((name) => join(folder, name));
  assert.equal(runWarm('synth', features, fromFeatures, '--voice', voice).status, 0);
  assert.equal(runWarm('synth', recording, fromRecording, '--voice', voice).status, 0);
  assert.deepEqual(readFileSync(fromRecording), readFileSync(fromFeatures));
});

test('stdout carries the same samples, as WAV or as raw PCM', () => {
  const out = join(folder, 'file.wav');
  runWarm('synth', features, out, '--voice', voice);
  const file = readFileSync(out);
  const wav = run('synth', features, '--stdout', '--voice', voice);
  const pcm = run('synth', features, '--stdout', 'pcm', '--voice', voice);
  assert.equal(wav.bytes.toString('latin1', 0, 4), 'RIFF');
  assert.deepEqual(wav.bytes.subarray(44), file.subarray(44));
  assert.deepEqual(pcm.bytes, file.subarray(44));
});

test('every kernel of this machine speaks', () => {
  for (const name of kernelNames()) {
    const { status, stderr } = runWarm('synth', features, '--stdout', 'pcm', '--voice', voice, '--kernels', name);
    assert.equal(status, 0, `${name}: ${stderr}`);
  }
});

test('transposed features are converted, with a note', async () => {
  const { data, shape } = await readNpy(features);
  const [frames, bins] = shape;
  const transposed = join(folder, 'transposed.npy');
  await writeNpy(
    transposed,
    Float32Array.from(data, (_, i) => data[(i % frames) * bins + Math.floor(i / frames)]),
    [bins, frames],
  );
  const [a, b] = ['plain.wav', 'transposed.wav'].map((name) => join(folder, name));
  assert.equal(runWarm('synth', features, a, '--voice', voice).status, 0);
  const { status, stderr } = runWarm('synth', transposed, b, '--voice', voice);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /note: .*transposed/i);
  assert.deepEqual(readFileSync(b), readFileSync(a));
});

test('what cannot be spoken is refused by code, and leaves no file', async () => {
  const { data, shape } = await readNpy(features);
  const wide = join(folder, 'wide.npy');
  await writeNpy(wide, new Float32Array(shape[0] * 513), [shape[0], 513]);
  const broken = join(folder, 'broken.npy');
  const values = Float32Array.from(data);
  values[1000] = NaN;
  await writeNpy(broken, values, shape);
  const text = join(folder, 'text.wav');
  writeFileSync(text, 'this is not sound');
  const torn = join(folder, 'torn.safetensors');
  writeFileSync(torn, readFileSync(voice).subarray(0, 2000));
  const out = join(folder, 'never.wav');
  const cases: [RegExp, string[]][] = [
    [/error ERR_FEATURE_SHAPE: .*513.*80/, [wide, out, '--voice', voice]],
    [/error ERR_FEATURE_NOT_FINITE: /, [broken, out, '--voice', voice]],
    [/error ERR_AUDIO_FORMAT: .*text\.wav/, [text, out, '--voice', voice]],
    [/error ERR_FILE_NOT_FOUND: .*nowhere\.npy/, [join(folder, 'nowhere.npy'), out, '--voice', voice]],
    [/error ERR_VOICE_CORRUPT: .*torn/, [features, out, '--voice', torn]],
    [/error ERR_FILE_NOT_FOUND: .*no\.safetensors/, [features, out, '--voice', join(folder, 'no.safetensors')]],
    [/error ERR_KERNELS: .*mmx/, [features, out, '--voice', voice, '--kernels', 'mmx']],
    [/error ERR_ARGUMENT: .*seed.*-1/, [features, out, '--voice', voice, '--seed=-1']],
    [/error ERR_ARGUMENT: .*temperature.*0/, [features, out, '--voice', voice, '--temperature', '0']],
    [/error ERR_ARGUMENT: .*temperature is 11/, [features, out, '--voice', voice, '--temperature', '11']],
    [/error ERR_ARGUMENT: --stdout is mp3/, [features, '--voice', voice, '--stdout', 'mp3']],
    [/error ERR_ARGUMENT: nowhere to put/, [features, '--voice', voice]],
    [/error ERR_FILE_WRITE: /, [features, join(folder, 'missing', 'out.wav'), '--voice', voice]],
  ];
  for (const [expected, args] of cases) {
    const { status, stderr } = runWarm('synth', ...args);
    assert.match(stderr, expected);
    assert.equal(status, 2, stderr);
    assert.ok(!/\n\s+at /.test(stderr), 'a stack was printed');
  }
  assert.ok(!existsSync(out));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.') || name.includes('never')),
    [],
  );
});

test('Ctrl-C in the middle of a file or a folder leaves no file', { skip: process.platform === 'win32' }, async () => {
  const [recordings, out] = [join(folder, 'two'), join(folder, 'interrupted')];
  for (const path of [recordings, out]) mkdirSync(path);
  for (const clip of ['LJ001-0002', 'LJ001-0008'])
    copyFileSync(join(root, 'data', 'ljspeech-mini', `${clip}.flac`), join(recordings, `${clip}.flac`));
  // The reference is slow: it would take many seconds to the end.
  for (const args of [
    ['data/ljspeech-mini/LJ001-0008.flac', join(out, 'a.wav')],
    [recordings, out],
  ]) {
    const child = start('synth', ...args, '--kernels', 'reference');
    const exit = once(child, 'exit');
    while (child.exitCode === null && readdirSync(out).length === 0) await sleep(10);
    assert.ok(readdirSync(out).every((name) => name.endsWith('.tmp')));
    child.kill('SIGINT');
    assert.deepEqual(await exit, [null, 'SIGINT']);
    assert.deepEqual(readdirSync(out), []);
  }
});
