import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { root, temporaryFolder } from './support/command_line.js';

test('the committed WebAssembly belongs to the C++ sources', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build-wasm.mjs'), '--check'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

/** The package in a folder of its own, on a machine that has Node and nothing else. */
function installation(t: TestContext) {
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
  const kernels = () => {
    const info = node('dist/src/cli/bench.js', 'info', '--json');
    return JSON.parse(info.stdout) as { kernels: string[]; instructionSets: string[] };
  };
  return { copy, node, kernels };
}

test('without a compiler the install script succeeds and says what runs instead; the commands then run on WebAssembly', (t) => {
  const { copy, node, kernels } = installation(t);
  const install = node('scripts/build-native.mjs');
  assert.equal(install.status, 0);
  assert.match(
    install.stderr,
    /^native kernels: no C\+\+ compiler found; the slower WebAssembly kernels will be used\. Install .*\n$/,
  );
  assert.ok(!existsSync(join(copy, 'build', 'kernels.node')));

  const info = kernels();
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

const own = join(root, 'build', 'kernels.node');
test(
  'kernels that come with the package need no compiler; where they do not load, WebAssembly runs',
  { skip: !existsSync(own) && 'needs kernels compiled for this machine (npm run setup, a C++ compiler)' },
  (t) => {
    const { copy, node, kernels } = installation(t);
    const prebuilt = join(copy, 'prebuilds', `${process.platform}-${process.arch}`, 'kernels.node');
    mkdirSync(dirname(prebuilt), { recursive: true });
    copyFileSync(own, prebuilt);
    const install = node('scripts/build-native.mjs');
    assert.deepEqual([install.status, install.stderr], [0, '']);
    assert.ok(!existsSync(join(copy, 'build')));
    assert.ok(kernels().instructionSets.includes('generic'));

    writeFileSync(prebuilt, 'of another machine');
    const other = node('scripts/build-native.mjs');
    assert.equal(other.status, 0);
    assert.match(other.stderr, /those of the package do not load here.*\n.*no C\+\+ compiler found/);
    assert.deepEqual(kernels().instructionSets, []);
  },
);

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
