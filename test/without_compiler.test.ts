import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './support/command_line.js';

test('the committed WebAssembly belongs to the C++ sources', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build-wasm.mjs'), '--check'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('without a compiler the install script succeeds and says what runs instead; the commands then run on WebAssembly', (t) => {
  const copy = temporaryFolder(t);
  for (const part of [
    'package.json',
    'dist',
    'scripts',
    'src/kernels',
    'recipes/ljspeech',
    'data/ljspeech-mini/LJ001-0002.flac',
  ])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, 'bin');
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, 'node'));
  const env = { ...process.env, PATH: path, CXX: '' };
  const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8' });

  const install = node('scripts/build-native.mjs');
  assert.equal(install.status, 0);
  assert.match(
    install.stderr,
    /^native kernels: no C\+\+ compiler found; the slower WebAssembly kernels will be used\. Install .*\n$/,
  );
  assert.ok(!existsSync(join(copy, 'build', 'kernels.node')));

  const info = JSON.parse(node('dist/src/cli/bench.js', 'info', '--json').stdout) as Record<string, unknown>;
  assert.deepEqual(info.kernels, ['wasm', 'reference']);
  assert.deepEqual(info.instructionSets, []);
  const { status, stdout, stderr } = node(
    'dist/src/cli/synth.js',
    'data/ljspeech-mini/LJ001-0002.flac',
    'out.wav',
    '--json',
  );
  assert.equal(status, 0, stderr);
  assert.equal((JSON.parse(stdout) as { kernels: string }).kernels, 'wasm');
  const refused = node('dist/src/cli/synth.js', 'data/ljspeech-mini/LJ001-0002.flac', 'out.wav', '--kernels', 'avx2');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^error ERR_KERNELS: .*wasm, reference \(the native kernels are not built/);
});

test('tts-bench info prints kernels in the order in which they are chosen, instruction sets, threads and versions', () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'dist/src/cli/bench.js'), 'info', ...args], { encoding: 'utf8' });
  const info = JSON.parse(bench('--json').stdout) as {
    kernels: string[];
    instructionSets: string[];
    threads: number;
    version: string;
    node: string;
  };
  assert.deepEqual(info.kernels, [...info.instructionSets, 'wasm', 'reference']);
  assert.ok(info.threads >= 1);
  assert.equal(info.node, process.version);
  assert.match(bench().stdout, /kernels +(\w+ → )*wasm → reference\n/);
});
