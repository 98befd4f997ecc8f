import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import test, { after, before } from 'node:test';
import { readAudio } from '../src/audio/read.js';
import { writeWav } from '../src/audio/write.js';
import { decodeNpy } from '../src/data/features/npy.js';
import { loadVoice } from '../src/model/voice/file.js';
import { root, runWarm, temporaryFolder, tinyTraining } from './support/command_line.js';

const posix = { skip: process.platform === 'win32' };
const full = { skip: !existsSync('/dev/full') };
const folder = temporaryFolder({ after });
const at = (...names: string[]) => join(folder, ...names);
const recording = at('r.wav');
const features = at('f.npy');
const voice = join(root, 'recipes', 'ljspeech', 'voice.safetensors');

before(async () => {
  const { samples, sampleRate } = await readAudio(join(root, 'data', 'ljspeech-mini', 'LJ001-0008.flac'));
  await writeWav(recording, samples.subarray(0, sampleRate / 2), sampleRate);
  assert.equal(runWarm('prepare', 'features', recording, features).status, 0);
});

/** A shell's pipeline; `tts-NAME` are the commands of the toolkit. */
function shell(line: string, input: 'ignore' | Buffer = 'ignore') {
  const command = line.replaceAll(/tts-(\w+)/g, (_, name: string) =>
    [process.execPath, join(root, 'dist', 'src', 'cli', `${name}.js`)].map((part) => `'${part}'`).join(' '),
  );
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `set -o pipefail; cd '${folder}'; ${command}`], {
    ...(input === 'ignore' ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input }),
    maxBuffer: 2 ** 28,
  });
  return { status, stdout, stderr: stderr.toString() };
}

/** A command fails with this code, in one line, with status 2, and these files stay as they were. */
function refused(code: string, args: readonly string[], kept: readonly string[] = []): void {
  const before = kept.map((path) => readFileSync(path));
  const { status, stdout, stderr } = runWarm(args[0], ...args.slice(1));
  assert.match(stderr, new RegExp(`^error ${code}: [^\\n]+\\n$`), args.join(' '));
  assert.deepEqual([status, stdout], [2, ''], args.join(' '));
  kept.forEach((path, i) => assert.deepEqual(readFileSync(path), before[i], path));
}

test('an output that is an input is refused, under whatever name', posix, () => {
  const d = at('inputs');
  mkdirSync(d);
  copyFileSync(recording, join(d, 'r.wav'));
  const r = join(d, 'r.wav');
  symlinkSync('r.wav', join(d, 'soft.wav'));
  linkSync(r, join(d, 'hard.wav'));
  mkdirSync(at('alone'));
  copyFileSync(recording, at('alone', 'r.wav'));
  symlinkSync('alone', at('alias'));
  refused('ERR_FILE_IS_INPUT', ['synth', r, r], [r]);
  refused('ERR_FILE_IS_INPUT', ['synth', r, join(d, 'soft.wav'), '--force'], [r]);
  refused('ERR_FILE_IS_INPUT', ['synth', r, join(d, 'hard.wav')], [r]);
  refused('ERR_FILE_IS_INPUT', ['synth', at('alone'), at('alone')], [at('alone', 'r.wav')]);
  refused('ERR_FILE_IS_INPUT', ['synth', at('alone'), at('alias')], [at('alone', 'r.wav')]);
  refused('ERR_FILE_IS_INPUT', ['synth', features, features], [features]);
  refused('ERR_FILE_IS_INPUT', ['synth', features, at('f.json'), '--force'], [at('f.json')]);
  refused('ERR_FILE_IS_INPUT', ['prepare', 'features', r, r], [r]);
  refused('ERR_FILE_IS_INPUT', ['prepare', 'features', r, join(d, 'soft.wav'), '--force'], [r]);
  mkdirSync(at('h', 'reference'), { recursive: true });
  copyFileSync(recording, at('h', 'reference', 'r.wav'));
  refused(
    'ERR_FILE_IS_INPUT',
    ['eval', '--voice', 'ljspeech', '--data', at('h', 'reference'), '--out', at('h')],
    [at('h', 'reference', 'r.wav')],
  );
  assert.deepEqual(readdirSync(at('h')), ['reference']);
});

test('a link to a folder of inputs that holds no WAV is refused too', posix, () => {
  mkdirSync(at('npys'));
  for (const name of ['f.npy', 'f.json']) copyFileSync(at(name), at('npys', name));
  refused('ERR_FILE_IS_INPUT', ['synth', at('npys'), at('npys')]);
  assert.deepEqual(readdirSync(at('npys')).sort(), ['f.json', 'f.npy']);
});

test('a file of another kind is replaced with --force only; one of the same kind as ever', async () => {
  const d = at('kinds');
  mkdirSync(d);
  const mine = (name: string, text = '{"title": "mine"}') => {
    writeFileSync(join(d, name), text);
    return join(d, name);
  };
  copyFileSync(recording, join(d, 'a.wav'));
  refused('ERR_FILE_EXISTS', ['synth', features, mine('thesis.pdf')], [join(d, 'thesis.pdf')]);
  refused('ERR_FILE_EXISTS', ['prepare', 'features', recording, mine('x.npy')], [join(d, 'x.npy')]);
  mine('talk.json');
  refused('ERR_FILE_EXISTS', ['prepare', 'features', recording, join(d, 'talk.npy')], [join(d, 'talk.json')]);
  assert.ok(!existsSync(join(d, 'talk.npy')));
  refused('ERR_FILE_EXISTS', ['export', voice, join(d, 'a.wav'), '--precision', 'int8'], [join(d, 'a.wav')]);
  refused('ERR_FILE_EXISTS', ['export', voice, features, '--precision', 'int8'], [features]);
  const one = at('one');
  mkdirSync(join(one, 'sys'), { recursive: true });
  mkdirSync(join(one, 'ref'));
  for (const folder of ['sys', 'ref']) copyFileSync(recording, join(one, folder, 'a.wav'));
  const evaluation = ['eval', join(one, 'sys'), '--reference', join(one, 'ref')];
  refused('ERR_FILE_EXISTS', [...evaluation, '--html', join(one, 'sys', 'a.wav')], [join(one, 'sys', 'a.wav')]);
  refused('ERR_FILE_EXISTS', [...evaluation, '--html', mine('my.html', '<!doctype html><title>My page</title>')]);
  refused('ERR_FILE_EXISTS', ['prepare', 'check', join(one, 'ref'), '--html', join(d, 'a.wav')], [join(d, 'a.wav')]);
  refused('ERR_FILE_EXISTS', ['bench', 'sparsity', 'recipes/mnist', '--csv', join(d, 'a.wav')], [join(d, 'a.wav')]);
  const outs = at('outs');
  mkdirSync(outs);
  writeFileSync(join(outs, 'a.wav'), 'no sound');
  refused('ERR_FILE_EXISTS', ['synth', join(one, 'ref'), outs], [join(outs, 'a.wav')]);

  const page = join(d, 'report.html');
  for (let i = 0; i < 2; i++) {
    assert.equal(runWarm('prepare', 'check', join(one, 'ref'), '--html', page).status, 0);
    assert.equal(runWarm('prepare', 'features', recording, join(d, 'y.npy')).status, 0);
    assert.equal(runWarm('export', voice, join(d, 'v.safetensors'), '--precision', 'int8').status, 0);
  }
  assert.equal(runWarm('prepare', 'features', recording, join(d, 'talk.npy'), '--force').status, 0);
  assert.equal(runWarm('export', voice, join(d, 'a.wav'), '--precision', 'int8', '--force').status, 0);
  await loadVoice(join(d, 'a.wav'));
  // A voice in place: documented, and read whole before.
  const place = join(d, 'v.safetensors');
  assert.equal(runWarm('export', place, place, '--precision', 'int8').status, 0);
});

test('a training replaces neither the voice it begins from nor the files of somebody else', () => {
  const out = at('train');
  mkdirSync(out);
  copyFileSync(voice, join(out, 'voice.safetensors'));
  const own = join(out, 'voice.safetensors');
  const training = ['train', ...tinyTraining, '--steps', '1', '--out', out];
  refused('ERR_FILE_IS_INPUT', ['train', 'recipes/ljspeech', '--from', own, '--out', out], [own]);
  writeFileSync(join(out, 'curve.csv'), 'x,y\n1,2\n');
  refused('ERR_FILE_EXISTS', training, [join(out, 'curve.csv')]);
  refused('ERR_FILE_WRITE', ['train', ...tinyTraining, '--steps', '1', '--out', recording], [recording]);
  refused('ERR_FILE_WRITE', ['train', ...tinyTraining, '--steps', '1', '--out', '-']);
  assert.deepEqual(readdirSync(out).sort(), ['curve.csv', 'voice.safetensors']);
  mkdirSync(at('corpus'));
  copyFileSync(recording, at('corpus', 'r.wav'));
  refused('ERR_FILE_IS_INPUT', ['train', 'recipes/ljspeech', '--data', at('corpus'), '--out', at('corpus')]);
  assert.deepEqual(readdirSync(at('corpus')), ['r.wav']);
});

test('links stay, and their target gets the output', posix, () => {
  const d = at('links');
  mkdirSync(join(d, 'far'), { recursive: true });
  symlinkSync('far/new.wav', join(d, 'link.wav'));
  symlinkSync('far', join(d, 'folder'));
  assert.equal(runWarm('synth', features, join(d, 'link.wav')).status, 0);
  assert.equal(readlinkSync(join(d, 'link.wav')), 'far/new.wav');
  assert.equal(runWarm('prepare', 'features', recording, join(d, 'folder', 'x.npy')).status, 0);
  assert.deepEqual(readdirSync(join(d, 'far')).sort(), ['new.wav', 'x.json', 'x.npy']);
  assert.ok(lstatSync(join(d, 'folder')).isSymbolicLink());
});

test('devices and FIFOs stay what they are and get the output', posix, async () => {
  for (const args of [
    ['synth', features, '/dev/null'],
    ['export', voice, '/dev/null', '--precision', 'int8'],
    ['prepare', 'features', recording, '/dev/null'],
  ])
    assert.equal(runWarm(args[0], ...args.slice(1)).status, 0, args.join(' '));
  assert.ok(statSync('/dev/null').isCharacterDevice());
  assert.ok(!existsSync('/dev/null.json'));
  assert.equal(spawnSync('mkfifo', [at('fifo')]).status, 0);
  const reader = spawn('cat', [at('fifo')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [heard, { status }] = await Promise.all([
    textOf(reader.stdout.setEncoding('latin1')),
    new Promise<{ status: number | null }>((resolve) => {
      const speaker = spawn(process.execPath, [join(root, 'dist/src/cli/synth.js'), features, at('fifo')], {
        stdio: 'ignore',
      });
      speaker.once('exit', (code) => resolve({ status: code }));
    }),
  ]);
  assert.equal(status, 0);
  assert.match(heard, /^RIFF/);
  assert.equal(heard.length, 44 + 2 * 256 * decodeNpy(readFileSync(features), '').shape[0]);
  assert.ok(lstatSync(at('fifo')).isFIFO());
});

test('- is standard input and standard output, with the figures on stderr', posix, async () => {
  const sound = shell('tts-synth f.npy -');
  assert.equal(sound.status, 0, sound.stderr);
  assert.match(sound.stdout.toString('latin1'), /^RIFF/);
  assert.match(sound.stderr, /real-time factor/);
  const piped = shell('tts-prepare features - - | tts-synth - - --json', readFileSync(recording));
  assert.equal(piped.status, 0, piped.stderr);
  assert.deepEqual(piped.stdout, sound.stdout);
  const copied = shell('tts-synth - copied.wav', readFileSync(recording));
  assert.equal(copied.status, 0, copied.stderr);
  assert.equal(readFileSync(at('copied.wav')).length, sound.stdout.length);
  const exported = shell('tts-export ljspeech - --precision int8 > piped.safetensors');
  assert.match(exported.stderr, /^-: int8, /);
  await loadVoice(at('piped.safetensors'));
  const page = shell('tts-prepare check one/ref --html -');
  assert.match(page.stdout.toString(), /^<!doctype html>[^]*<\/html>\n$/);
  assert.equal(page.status, 0, page.stderr);
  const same = shell('tts-synth f.npy /dev/stdout');
  assert.deepEqual(same.stdout, sound.stdout);
  assert.ok(!existsSync(at('-')));
  refused('ERR_ARGUMENT', ['synth', features, '-', '--stdout']);
});

test('a reader that has had enough ends nothing but its pipe, and quietly', posix, () => {
  for (const line of [
    'tts-synth f.npy --stdout pcm | head -c 10 > /dev/null',
    'tts-synth f.npy - | head -c 10 > /dev/null',
    'tts-synth --help | head -n 0',
    'tts-bench --help | head -n 0',
    'tts-bench info --json | true',
    'tts-export ljspeech - --precision int8 | head -c 10 > /dev/null',
  ]) {
    const { status, stderr } = shell(line);
    assert.equal(status, 0, `${line}\n${stderr}`);
    assert.doesNotMatch(stderr, /error|EPIPE|\n {4}at /, line);
  }
  const both = shell('tts-synth f.npy both.wav --stdout pcm | head -c 10 > /dev/null');
  assert.equal(both.status, 0, both.stderr);
  const { status } = shell('tts-synth f.npy alone.wav');
  assert.equal(status, 0);
  assert.deepEqual(readFileSync(at('both.wav')), readFileSync(at('alone.wav')));
});

test('a full disk is one line with a code, and nothing is lost', full, () => {
  for (const line of [
    'tts-synth f.npy /dev/full',
    'tts-synth f.npy --stdout pcm > /dev/full',
    'tts-prepare features r.wav /dev/full',
    'tts-export ljspeech /dev/full --precision int8',
    'tts-export ljspeech - --precision int8 > /dev/full',
    'tts-bench info --json > /dev/full',
    'tts-synth --help > /dev/full',
  ]) {
    const { status, stderr } = shell(line);
    assert.match(stderr, /^(-: int8.*\n|note: .*\n)*error ERR_FILE_WRITE: [^\n]*the disk is full\n$/, line);
    assert.equal(status, 2, line);
  }
  assert.ok(statSync('/dev/full').isCharacterDevice());
});

test('a folder where a file is expected, and a file where a folder is, are refused by code', () => {
  mkdirSync(at('dir'));
  refused('ERR_FILE_WRITE', ['synth', features, at('dir')]);
  refused('ERR_FILE_WRITE', ['synth', features, at('none', 'x.wav')]);
  refused('ERR_FILE_WRITE', ['synth', features, at('x.wav') + '/']);
  refused('ERR_FILE_WRITE', ['prepare', 'features', recording, at('dir')]);
  refused('ERR_CORPUS', ['prepare', 'features', at('dir'), at('x')]);
  refused('ERR_FILE_WRITE', ['prepare', 'features', at('one', 'ref'), recording], [recording]);
  refused('ERR_FILE_WRITE', ['prepare', 'check', at('one', 'ref'), '--html', at('dir')]);
  refused('ERR_FILE_WRITE', ['export', voice, at('dir'), '--precision', 'int8']);
  refused('ERR_FILE_READ', ['export', at('dir'), at('x.safetensors'), '--precision', 'int8']);
  refused('ERR_FILE_WRITE', ['eval', '--voice', voice, '--data', at('one', 'ref'), '--out', recording], [recording]);
  refused('ERR_FILE_WRITE', ['bench', 'sparsity', 'recipes/mnist', '--csv', at('dir')]);
  refused('ERR_ARGUMENT', ['synth', at('one', 'ref'), recording], [recording]);
});
