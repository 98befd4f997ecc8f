// Compiles src/kernels/native into build/kernels.node with whatever C++ compiler there is. N-API headers come from npm,
// so neither Python nor a download is needed. Without a compiler the toolkit runs on the WebAssembly kernels that come
// with it: that is no failed install.
import { spawnSync } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const require = createRequire(import.meta.url);
const source = 'src/kernels/native';
const output = 'build/kernels.node';

const note = (text) => console.error(`native kernels: ${text}`);
const finish = (text) => {
  note(
    `${text}; the slower WebAssembly kernels will be used. Install a C++17 ` +
      'compiler and run "npm run setup" to change that.',
  );
  process.exit(0);
};

const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(
  (name) => name && spawnSync(name, ['--version']).status === 0,
);
if (!compiler) finish('no C++ compiler found');

/**
 * Which instruction sets to compile for, besides the generic one: the best that this processor has, because each takes
 * a minute on a small machine. All of them with TTS_KERNELS=all in the environment (for a build that goes elsewhere, and
 * for tests of every set that this processor can run), or where nobody says what the processor has.
 */
function wantedSets() {
  const all = () => true;
  if (process.env.TTS_KERNELS === 'all' || process.platform !== 'linux' || process.arch !== 'x64') return all;
  const listed = existsSync('/proc/cpuinfo') ? /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) : null;
  if (!listed) return all;
  const flags = new Set(listed[1].trim().split(/\s+/));
  const has = (...names) => names.every((name) => flags.has(name));
  const sets = has('avx512f', 'avx512bw', 'avx512vl', 'avx512dq')
    ? ['avx512', ...(has('avx512_vnni', 'avx512vbmi') ? ['avx512vnni'] : [])]
    : has('avx2', 'fma')
      ? ['avx2', ...(has('avx_vnni') ? ['avxvnni'] : [])]
      : [];
  return (name) => sets.includes(name);
}

// One object file per instruction set, each with its own flags; the dispatcher and the rest use the base flags of the
// platform.
const x86 = process.arch === 'x64';
const avx2 = ['-mavx2', '-mfma'];
const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mprefer-vector-width=512'];
const arm = process.arch === 'arm64';
const dot = ['-march=armv8.2-a+dotprod'];
const understood = (flags) =>
  spawnSync(compiler, [...flags, '-x', 'c++', '-fsyntax-only', '-'], { input: '' }).status === 0;
const wanted = wantedSets();
const isaFlags = {
  'targets/avx2.cc': x86 && wanted('avx2') ? avx2 : null,
  'targets/avx512.cc': x86 && wanted('avx512') ? avx512 : null,
  // Older compilers do not know these; the processors that have them then run the kernels above.
  'targets/avxvnni.cc': x86 && wanted('avxvnni') && understood(['-mavxvnni']) ? [...avx2, '-mavxvnni'] : null,
  'targets/avx512vnni.cc':
    x86 && wanted('avx512vnni') && understood(['-mavx512vnni', '-mavx512vbmi'])
      ? [...avx512, '-mavx512vnni', '-mavx512vbmi']
      : null,
  'targets/neon.cc': arm ? [] : null,
  'targets/neondot.cc': arm && understood(dot) ? dot : null,
  'bindings/wasm.cc': null,
  // To the bit what the reference in TypeScript gives.
  'excitation/coder.cc': ['-ffp-contract=off'],
  'excitation/listener.cc': ['-ffp-contract=off'],
};
const files = readdirSync(source, { recursive: true })
  .filter((name) => /\.(cc|h)$/.test(name))
  .sort();
const units = files.filter((name) => name.endsWith('.cc') && isaFlags[name] !== null);
const base = [
  ...['avx2', 'avxvnni', 'avx512', 'avx512vnni', 'neondot']
    .filter((name) => isaFlags[`targets/${name}.cc`] === null)
    .map((name) => `-DKERNELS_WITHOUT_${name.toUpperCase()}`),
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-pthread',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-Wno-psabi',
  '-DNAPI_VERSION=8',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  '-I',
  source,
  '-I',
  require('node-api-headers').include_dir,
  '-I',
  dirname(require.resolve('node-addon-api/package.json')),
];

// Rebuild only when a source, a flag or the compiler changed.
const fingerprint = createHash('sha256').update(
  JSON.stringify([compiler, base.slice(0, -6), isaFlags, process.arch, process.platform]),
);
for (const name of files) fingerprint.update(name).update(readFileSync(join(source, name)));
const stamp = fingerprint.digest('hex');
if (existsSync(output) && existsSync('build/stamp') && readFileSync('build/stamp', 'utf8') === stamp) process.exit(0);

mkdirSync('build/objects', { recursive: true });
const compile = (name) =>
  new Promise((resolve) => {
    const object = join('build/objects', name.replaceAll(/[\\/]/g, '_').replace(/\.cc$/, '.o'));
    const child = spawn(compiler, [...base, ...(isaFlags[name] ?? []), '-c', join(source, name), '-o', object], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', () => resolve(null));
    child.on('exit', (status) => resolve(status === 0 ? object : null));
  });
note(`compiling ${units.length} files with ${compiler}`);
const queue = [...units];
const objects = [];
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), units.length) }, async () => {
    for (let name = queue.shift(); name; name = queue.shift()) objects.push(await compile(name));
  }),
);
if (objects.includes(null)) finish('compilation failed');
const temporary = `${output}.${process.pid}`;
const link =
  process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--exclude-libs,ALL'];
if (spawnSync(compiler, [...link, '-pthread', '-o', temporary, ...objects.sort()], { stdio: 'inherit' }).status !== 0)
  finish('linking failed');
renameSync(temporary, output);
writeFileSync('build/stamp', stamp);
note(
  'ready. Kernels are chosen in this order: native, WebAssembly, TypeScript reference; "tts-bench info" ' +
    'prints those of this machine',
);
