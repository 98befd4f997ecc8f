import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { TtsError } from '../src/base/errors.js';
import { loadVoice } from '../src/model/voice/file.js';
import { defaultVoice, findVoice, shippedVoices } from '../src/model/voice/shipped.js';
import { root, run, runWarm, temporaryFolder } from './support/command_line.js';

const folder = temporaryFolder({ after });
const file = join('recipes', 'ljspeech', 'voice.safetensors');

test('every voice in the recipes ships under the name of its folder, and the default one is among them', () => {
  const voices = shippedVoices();
  assert.ok(voices.some(({ name }) => name === defaultVoice));
  for (const { name, path } of voices) {
    assert.equal(path, join(root, 'recipes', name, 'voice.safetensors'));
    assert.deepEqual(findVoice(name), { name, path });
  }
});

test('a file is called by its name, or by that of its folder', () => {
  assert.deepEqual(findVoice(file), { name: 'ljspeech', path: file });
  const copy = join(folder, 'mine.safetensors');
  cpSync(join(root, file), copy);
  assert.deepEqual(findVoice(copy), { name: 'mine', path: copy });
});

test('--voice list describes the voices, before anything else is asked for', async () => {
  const { config, provenance, sparse } = await loadVoice(join(root, file));
  const kept = Object.values(sparse).reduce((sum, { values }) => sum + values.length, 0);
  for (const [command, option] of [
    ['synth', '--voice'],
    ['eval', '--voice'],
    ['train', '--from'],
  ]) {
    const { status, stdout, stderr } = runWarm(command, option, 'list');
    assert.deepEqual([status, stderr], [0, '']);
    const line = stdout.split('\n').find((text) => text.startsWith('| ljspeech '));
    for (const part of [provenance.corpus, '22,050', String(config.hidden), kept.toLocaleString('en-US')])
      assert.ok(line?.includes(` ${part} `), `${stdout} does not say ${part}`);
  }
  const { stdout } = runWarm('synth', '--voice', 'list', '--json');
  const voices = JSON.parse(stdout) as { name: string; nonZeros: number; sampleRate: number }[];
  assert.deepEqual(
    voices.map(({ name }) => name),
    shippedVoices().map(({ name }) => name),
  );
  assert.equal(voices.find(({ name }) => name === 'ljspeech')?.nonZeros, kept);
});

test('--acoustic list describes the acoustic models that ship', () => {
  for (const command of [['speak'], ['speak', 'serve']]) {
    const { status, stdout, stderr } = runWarm(...(command as [string]), '--acoustic', 'list');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^\| kathleen +\| kathleen +\| 22,050 +\| 128 +\| 3\.\d\d MB +\| CC0-1\.0 +\|$/m);
  }
});

test('a name speaks, measures and is exported as its file does', () => {
  const [features, byName, byFile, byDefault] = ['f.npy', 'name.wav', 'file.wav', 'default.wav'].map((name) =>
    join(folder, name),
  );
  assert.equal(runWarm('prepare', 'features', 'data/ljspeech-mini/LJ001-0002.flac', features).status, 0);
  assert.equal(runWarm('synth', features, byName, '--voice', 'ljspeech').status, 0);
  assert.equal(runWarm('synth', features, byFile, '--voice', file).status, 0);
  assert.equal(run('synth', features, byDefault).status, 0);
  assert.deepEqual(readFileSync(byName), readFileSync(byFile));
  assert.deepEqual(readFileSync(byDefault), readFileSync(byFile));
  const measured = runWarm(
    'eval',
    '--voice',
    'ljspeech',
    '--data',
    'data/ljspeech-mini',
    '--clips',
    'LJ001-0002',
    '--json',
  );
  assert.equal(measured.status, 0, measured.stderr);
  assert.equal((JSON.parse(measured.stdout) as { systems: { name: string }[] }).systems[0].name, 'ljspeech');
  const exported = join(folder, 'exported.safetensors');
  assert.equal(runWarm('export', 'ljspeech', exported, '--precision', 'float32').status, 0);
  assert.deepEqual(readFileSync(exported), readFileSync(join(root, file)));
});

test('an unknown name is refused with the names there are, a missing file as a file', () => {
  const out = join(folder, 'never');
  for (const [command, ...args] of [
    ['synth', 'data/ljspeech-mini/LJ001-0002.flac', out, '--voice', 'nobody'],
    ['eval', '--data', 'data/ljspeech-mini', '--voice', 'nobody'],
    ['export', 'nobody', out, '--precision', 'int8'],
    ['bench', 'precision', 'nobody'],
    ['train', 'recipes/ljspeech', '--data', 'data/ljspeech-mini', '--from', 'nobody', '--out', out],
  ]) {
    const { status, stderr } = runWarm(command, ...args);
    assert.equal(status, 2);
    assert.match(stderr, /^error ERR_VOICE_UNKNOWN: no voice is called nobody; expected .*ljspeech.* or a file\n$/);
  }
  for (const missing of ['nobody.safetensors', './nobody', 'runs/nobody'])
    assert.throws(
      () => findVoice(missing),
      (error) => error instanceof TtsError && error.code === 'ERR_FILE_NOT_FOUND',
    );
  const classifier = runWarm('train', 'recipes/mnist', '--from', 'ljspeech', '--out', out);
  assert.equal(classifier.status, 2);
  assert.match(classifier.stderr, /error ERR_RECIPE: .*task: classifier; only a task: vocoder begins from a voice/);
  assert.ok(!existsSync(out));
});
