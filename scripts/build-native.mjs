// Compiles the native kernels to build/kernels.node with whatever C++ compiler there is. Not where the package brought
// them along (build-prebuilds.mjs). Without a compiler the toolkit runs on the WebAssembly kernels that come with it:
// that is no failed install.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileNative, planNative } from './compile-native.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const output = 'build/kernels.node';

const note = (text) => console.error(`native kernels: ${text}`);
const finish = (text) => {
  note(
    `${text}; the slower WebAssembly kernels will be used. Install a C++17 ` +
      'compiler and run "npm run setup" to change that.',
  );
  process.exit(0);
};

const prebuilt = `${root}/prebuilds/${process.platform}-${process.arch}/kernels.node`;
// A repository may have both: what is compiled there belongs to its sources.
if (existsSync(prebuilt) && !existsSync(`${root}/tsconfig.json`)) {
  try {
    createRequire(import.meta.url)(prebuilt);
    process.exit(0);
  } catch (error) {
    note(`those of the package do not load here (${String(error.message).split('\n')[0]})`);
  }
}

const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(
  (name) => name && spawnSync(name, ['--version']).status === 0,
);
if (!compiler) finish('no C++ compiler found');

/**
 * Which instruction sets to compile for, besides the generic one: the best that this processor has, because each takes
 * its time on a small machine. All of them with TTS_KERNELS=all in the environment (for tests of every set that this
 * processor can run), or where nobody says what the processor has.
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

const plan = planNative({
  compiler,
  arch: process.arch,
  platform: process.platform,
  wanted: wantedSets(),
  output,
});
// Rebuilt only when a source, a flag or the compiler changed.
if (existsSync(output) && existsSync('build/stamp') && readFileSync('build/stamp', 'utf8') === plan.stamp)
  process.exit(0);

mkdirSync('build', { recursive: true });
note(`compiling ${plan.units.length} files with ${compiler}`);
const failure = await compileNative(plan);
if (failure) finish(failure);
writeFileSync('build/stamp', plan.stamp);
note(
  'ready. Kernels are chosen in this order: native, WebAssembly, TypeScript reference; "tts-bench info" ' +
    'prints those of this machine',
);
