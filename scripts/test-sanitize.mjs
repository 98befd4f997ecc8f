// Runs the native kernels under gcc's sanitizers, in three parts that can be named: "memory" and "hostile" under
// AddressSanitizer and UndefinedBehaviorSanitizer, "threads" under ThreadSanitizer. Linux on x64 or ARM with g++; not
// part of npm test, for the builds take minutes. What it found last: docs/memory_safety.md.
//
// memory: the addon, with every instruction set that this processor has and the generic one, in a copy of the package
// in build/sanitize/tree; there the tests of the kernels run with the sanitizer loaded before Node.
// hostile: voices with right checksums and hostile numbers, and wrong arguments, against the same addon.
// threads: Node itself does not run under ThreadSanitizer, so this part is a program of its own: test/native/threads.cc
// with the pool, the thread team and all that uses them.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const require = createRequire(import.meta.url);
const source = 'src/kernels/native';
const compiler = process.env.CXX ?? 'g++';
const parts = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['memory', 'hostile', 'threads'];
const unknown = parts.find((part) => !['memory', 'hostile', 'threads'].includes(part));
if (unknown) fail(`unknown part ${unknown}, expected memory, hostile or threads`);

function fail(text) {
  console.error(`test:sanitize: ${text}`);
  process.exit(1);
}

const printed = spawnSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' });
const library = printed.stdout?.trim() ?? '';
if (process.platform !== 'linux' || !library.startsWith('/'))
  fail(`needs Linux and g++ with libasan (Debian: apt-get install g++), ${compiler} has none`);

/** Instruction sets that this processor has, with the flags that they are compiled with. */
function sets() {
  const text = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const flags = new Set((/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? '').trim().split(/\s+/));
  const has = (...names) => names.every((name) => flags.has(name));
  const avx2 = ['-mavx2', '-mfma'];
  const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mprefer-vector-width=512'];
  const x86 = process.arch === 'x64';
  const arm = process.arch === 'arm64';
  const wide = x86 && has('avx512f', 'avx512bw', 'avx512vl', 'avx512dq');
  return Object.entries({
    avx2: x86 && has('avx2', 'fma') && avx2,
    avxvnni: x86 && has('avx2', 'fma', 'avx_vnni') && [...avx2, '-mavxvnni'],
    avx512: wide && avx512,
    avx512vnni: wide && has('avx512_vnni', 'avx512vbmi') && [...avx512, '-mavx512vnni', '-mavx512vbmi'],
    neon: arm && [],
    neondot: arm && has('asimddp') && ['-march=armv8.2-a+dotprod'],
  }).filter(([, own]) => own);
}
const machine = sets();
const all = ['avx2', 'avxvnni', 'avx512', 'avx512vnni', 'neondot'];

const files = readdirSync(source, { recursive: true })
  .filter((name) => /\.(cc|h)$/.test(name))
  .sort();
const contents = createHash('sha256');
for (const name of files.filter((each) => each.endsWith('.h')))
  contents.update(name).update(readFileSync(join(source, name)));
/** What every unit includes; its own text comes on top. */
const sources = contents.digest('hex');

/** Compiles units, unless that was done before, and returns their objects. */
async function compile(folder, units, flags, flagsOf) {
  mkdirSync(folder, { recursive: true });
  const queue = units.map((path) => ({ path, own: [...flags, ...flagsOf(path)] }));
  const objects = [];
  const work = async () => {
    for (let unit = queue.shift(); unit; unit = queue.shift()) {
      const object = join(folder, `${unit.path.replaceAll(/[\\/]/g, '_').replace(/\.cc$/, '')}.o`);
      const stamp = createHash('sha256')
        .update(JSON.stringify([sources, unit.own]))
        .update(readFileSync(unit.path))
        .digest('hex');
      objects.push(object);
      if (existsSync(object) && existsSync(`${object}.stamp`) && readFileSync(`${object}.stamp`, 'utf8') === stamp)
        continue;
      const child = spawn(compiler, [...unit.own, '-c', unit.path, '-o', object], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const status = await new Promise((done) => child.on('exit', done).on('error', () => done(1)));
      if (status !== 0) fail(`${unit.path} does not compile`);
      writeFileSync(`${object}.stamp`, stamp);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects.sort();
}

function link(objects, flags, output) {
  mkdirSync(dirname(output), { recursive: true });
  if (spawnSync(compiler, [...flags, '-pthread', '-o', output, ...objects], { stdio: 'inherit' }).status !== 0)
    fail(`${output} does not link`);
}

const seconds = (begun) => ((performance.now() - begun) / 1000).toFixed(0);
const common = ['-std=c++17', '-O1', '-g', '-fno-omit-frame-pointer', '-pthread', '-Wno-psabi', '-I', source];
const memory = ['-fsanitize=address,undefined,float-cast-overflow', '-fno-sanitize-recover=all'];
/** The target of a file in targets/, by the longest name of an instruction set that it begins with. */
const targetOf = (path) =>
  dirname(path).endsWith('targets')
    ? [...all, 'neon', 'generic']
        .filter((name) => basename(path).startsWith(name))
        .sort((a, b) => b.length - a.length)[0]
    : undefined;
const flagsOf = (own) => (path) => [
  ...(own.find(([name]) => name === targetOf(path))?.[1] ?? []),
  // To the bit what the reference in TypeScript gives.
  ...(/excitation\/(coder|listener)\.cc$/.test(path) ? ['-ffp-contract=off'] : []),
];
const unitsFor = (own) =>
  files
    .filter((name) => name.endsWith('.cc') && name !== 'bindings/wasm.cc')
    .map((name) => join(source, name))
    .filter((path) => [undefined, 'generic', ...own.map(([name]) => name)].includes(targetOf(path)));
const without = (own) =>
  all.filter((name) => !own.some(([each]) => each === name)).map((name) => `-DKERNELS_WITHOUT_${name.toUpperCase()}`);

const tree = resolve('build/sanitize/tree');

async function buildAddon() {
  const begun = performance.now();
  const flags = [
    ...common,
    ...memory,
    ...without(machine),
    '-fPIC',
    '-DNAPI_VERSION=8',
    '-DNODE_ADDON_API_DISABLE_DEPRECATED',
    '-I',
    require('node-api-headers').include_dir,
    '-I',
    dirname(require.resolve('node-addon-api/package.json')),
  ];
  const objects = await compile('build/sanitize/objects', unitsFor(machine), flags, flagsOf(machine));
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  link(objects, ['-shared', ...memory], join(tree, 'build/kernels.node'));
  cpSync('dist', join(tree, 'dist'), { recursive: true });
  cpSync('package.json', join(tree, 'package.json'));
  for (const name of ['node_modules', 'src', 'test', 'data', 'recipes']) symlinkSync(resolve(name), join(tree, name));
  console.log(
    `addon with ${[...machine.map(([name]) => name), 'generic'].join(', ')} under AddressSanitizer and ` +
      `UndefinedBehaviorSanitizer: built in ${seconds(begun)} s`,
  );
}

/** Runs test files of the copy with the sanitizer before everything else. */
function runTests(title, tests, env = {}) {
  if (tests.length === 0) fail(`${title}: no tests; run npm run build first`);
  for (const test of tests) {
    const begun = performance.now();
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', test], {
      cwd: tree,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: {
        ...process.env,
        LD_PRELOAD: library,
        // Node itself keeps memory until it ends.
        ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1',
        UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
        ...env,
      },
    });
    const count = /^# tests (\d+)$/m.exec(stdout)?.[1] ?? /^ℹ tests (\d+)$/m.exec(stdout)?.[1] ?? 'no';
    console.log(`${title}: ${test.replace(/^dist\//, '')}: ${count} tests in ${seconds(begun)} s`);
    if (status === 0 && count !== 'no') continue;
    process.stdout.write(stdout.split('\n').slice(-60).join('\n'));
    process.stderr.write(stderr.slice(-12_000));
    fail(`${title}: ${test} ended with ${signal ?? status}`);
  }
}

const testsIn = (folder, pattern) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .sort();

if (parts.includes('memory') || parts.includes('hostile')) await buildAddon();
if (parts.includes('memory'))
  runTests('memory', testsIn('dist/src/kernels', /^(suite|compiled|reference).*\.test\.js$/));
if (parts.includes('hostile'))
  runTests(
    'hostile',
    [...testsIn('dist/src/kernels/interface', /\.test\.js$/), ...testsIn('dist/test', /^hostile.*\.test\.js$/)],
    { TTS_HOSTILE: '20' },
  );
if (parts.includes('threads')) {
  const begun = performance.now();
  const flags = ['-fsanitize=thread'];
  const objects = await compile(
    'build/sanitize/threads',
    ['test/native/threads.cc', ...unitsFor([]).filter((path) => !path.includes('bindings'))],
    [...common, ...flags, ...without([])],
    flagsOf([]),
  );
  link(objects, flags, 'build/sanitize/threads/threads');
  console.log(`threads: built in ${seconds(begun)} s`);
  // A fixed layout of memory: newer kernels scatter it more than the sanitizer can follow.
  const { status, signal } = spawnSync('setarch', ['-R', 'build/sanitize/threads/threads'], {
    stdio: 'inherit',
    env: { ...process.env, TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1' },
  });
  if (status !== 0) fail(`threads: ended with ${signal ?? status}`);
  console.log(`threads: ran in ${seconds(begun)} s, nothing found`);
}
