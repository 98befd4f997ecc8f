import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { build } from 'esbuild';
import { root } from './support/command_line.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly dependencies: Record<string, string>;
}
interface Lock {
  readonly packages: Record<string, { readonly dev?: boolean } & Record<string, unknown>>;
}

const json = <T>(path: string) => JSON.parse(readFileSync(path, 'utf8')) as T;
const manifest = json<Manifest>(join(root, 'package.json'));
const project = mkdtempSync(join(tmpdir(), 'tts-package-'));
after(() => rmSync(project, { recursive: true, force: true }));
const installed = join(project, 'node_modules', manifest.name);

/** Runs a program in the project that uses the package. */
function run(program: string, ...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: project, shell: process.platform === 'win32' });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
const command = (name: string) => join(project, 'node_modules', '.bin', name);

// What npm publishes, without the build before it: npm test has just built.
const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
assert.equal(packed.status, 0, packed.stderr);
const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
const paths = new Set(files.map(({ path }) => path));

/**
 * Installs the tarball with the dependencies that package-lock.json names: right after npm ci all of them are in npm's
 * cache, and no network is needed. Returns why it could not be done, or undefined.
 */
async function install(): Promise<string | undefined> {
  const { packages, ...rest } = json<Lock>(join(root, 'package-lock.json'));
  const dependencies = { [manifest.name]: `file:${filename}` };
  const devDependencies = { '@types/node': packages['node_modules/@types/node'].version };
  const own = { name: 'project', private: true, type: 'module', dependencies, devDependencies };
  const { version, bin, dependencies: runtime } = manifest;
  const needed = Object.entries(packages).filter(
    ([path, { dev }]) => path !== '' && (!dev || /^node_modules\/(@types\/node|undici-types)$/.test(path)),
  );
  const lock = {
    ...rest,
    name: own.name,
    packages: {
      '': own,
      [`node_modules/${manifest.name}`]: { version, bin, dependencies: runtime, resolved: `file:${filename}` },
      ...Object.fromEntries(needed),
    },
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(own));
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify(lock));
  // The install script would compile the kernels once more; without it they are those of the package.
  const flags = ['--ignore-scripts', '--prefer-offline', '--fetch-retries=0', '--no-audit', '--no-fund'];
  const { status, stderr } = await run('npm', 'ci', ...flags);
  if (status !== 0 && /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/.test(stderr))
    return 'needs the npm registry, or its packages in npm’s cache (npm ci)';
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '', 'npm warns');
  return undefined;
}
const skip = await install();

test('the package holds what it needs', () => {
  const needed = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? target : Object.values(target),
    ),
    ...['LICENSE', 'README.md', 'CHANGELOG.md', 'scripts/build-native.mjs', 'src/kernels/compiled/kernels.wasm'],
    ...['scripts/compile-native.mjs', 'src/text/g2p/english.g2p'],
    ...['recipes/ljspeech/recipe.yaml', 'recipes/ljspeech/voice.safetensors', 'data/ljspeech-mini/LJ002-0171.flac'],
  ];
  assert.deepEqual(
    needed.map((path) => path.replace(/^\.\//, '')).filter((path) => !paths.has(path)),
    [],
  );
});

test('the package holds no tests, and nothing without its source', () => {
  const surplus = [...paths].filter((path) => {
    if (/\.test\.|(^|\/)test\//.test(path)) return true;
    if (!path.startsWith('dist/')) return false;
    const source = path.replace(/^dist\//, '').replace(/(\.js|\.d\.ts|\.js\.map)$/, '.ts');
    return !existsSync(join(root, source));
  });
  assert.deepEqual(surplus, []);
  for (const path of paths) {
    if (!path.endsWith('.map')) continue;
    const map = json<{ sources: string[]; sourcesContent?: (string | null)[] }>(join(root, path));
    assert.equal(map.sourcesContent?.filter((text) => text).length, map.sources.length, path);
  }
});

test('every command runs where the package is installed', { skip }, async () => {
  const versions = await Promise.all(Object.keys(manifest.bin).map((name) => run(command(name), '--version')));
  for (const { status, stdout, stderr } of versions)
    assert.deepEqual([status, stdout, stderr], [0, `${manifest.version}\n`, '']);
});

test('the voice of the package speaks', { skip }, async () => {
  const clip = join(installed, 'data', 'ljspeech-mini', 'LJ001-0002.flac');
  const { status, stderr, stdout } = await run(command('tts-synth'), clip, 'out.wav', '--json');
  assert.equal(status, 0, stderr);
  const { audioSeconds } = JSON.parse(stdout) as { audioSeconds: number };
  assert.ok(audioSeconds > 1);
  assert.equal(readFileSync(join(project, 'out.wav')).length, 44 + 2 * Math.round(audioSeconds * 22050));
});

const program = `
import { chooseKernels, kernelNames, loadVoice, TtsError } from '${manifest.name}';
import { decodeVoice } from '${manifest.name}/browser';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const path = require.resolve('${manifest.name}/package.json').replace('package.json', 'recipes/ljspeech/voice.safetensors');
const voice = await loadVoice(path);
const same = decodeVoice(new Uint8Array(await readFile(path)));
if (voice.features.sampleRate !== same.features.sampleRate) throw new Error('two ways to read a voice differ');
const refused = await loadVoice('package.json').catch((error) => error instanceof TtsError && error.code);
console.log(kernelNames().includes(chooseKernels().name), voice.features.sampleRate, refused);
console.log((await WebAssembly.compile(await readFile(require.resolve('${manifest.name}/kernels.wasm')))) !== null);
`;

test('JavaScript imports the package', { skip }, async () => {
  writeFileSync(join(project, 'main.js'), program);
  const { status, stdout, stderr } = await run(process.execPath, 'main.js');
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(stdout, 'true 22050 ERR_VOICE_CORRUPT\ntrue\n');
});

const typed = `
import { chooseKernels, type ErrorCode, type Kernels, loadVoice, TtsError, type Voice } from '${manifest.name}';
import { registerFastKernels, synthesize, wasmKernels } from '${manifest.name}/browser';
import * as tf from '@tensorflow/tfjs-core';

const kernels: Kernels = chooseKernels();
const voice: Voice = await loadVoice('voice.safetensors');
const rate: number = voice.features.sampleRate;
const code = (error: unknown): ErrorCode | undefined => (error instanceof TtsError ? error.code : undefined);
registerFastKernels(tf, wasmKernels(await WebAssembly.compile(new Uint8Array(rate))));
const features = { data: new Float32Array(voice.features.bins), frames: 1 };
for await (const pcm of synthesize(voice, features, { kernels, tf })) code(pcm satisfies Int16Array);
// @ts-expect-error: the types are there, and not any.
voice.features.sampleRate satisfies string;
// @ts-expect-error
registerFastKernels(kernels, tf);
`;

for (const resolution of ['nodenext', 'bundler'])
  test(`TypeScript reads the package's types, module resolution ${resolution}`, { skip }, async () => {
    // Every declaration is checked once: it takes seconds.
    const skipLibCheck = String(resolution === 'bundler');
    const file = `types-${resolution}.ts`;
    writeFileSync(join(project, file), typed);
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const module = resolution === 'nodenext' ? resolution : 'esnext';
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--skipLibCheck', skipLibCheck];
    const settings = ['--module', module, '--moduleResolution', resolution];
    const { status, stdout } = await run(process.execPath, compiler, ...flags, ...settings, file);
    assert.equal(status, 0, stdout);
  });

test('a bundler takes the part for browsers, which asks nothing of Node', { skip }, async () => {
  const contents = `export { synthesize, wasmKernels } from '${manifest.name}/browser';`;
  const { warnings, outputFiles } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  assert.ok(outputFiles[0].contents.length > 10_000);
});
