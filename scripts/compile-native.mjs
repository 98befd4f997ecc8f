// Compiles src/kernels/native into one addon for Node. N-API headers come from npm, so neither Python nor a download is
// needed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const source = 'src/kernels/native';
const avx2 = ['-mavx2', '-mfma'];
const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-mfma', '-mprefer-vector-width=512'];

/** Flags of each instruction set; the generic one has those of the platform. */
const sets = {
  x64: {
    avx2,
    avxvnni: [...avx2, '-mavxvnni'],
    avx512,
    avx512vnni: [...avx512, '-mavx512vnni', '-mavx512vbmi'],
  },
  arm64: { neon: [], neondot: ['-march=armv8.2-a+dotprod'] },
};
const names = Object.values(sets).flatMap(Object.keys);

/** What to compile with a compiler, for which processors, into which file; nothing is run yet. */
export function planNative({ compiler, arch, platform, wanted = () => true, output, extra = [] }) {
  const understood = (flags) =>
    spawnSync(compiler, [...flags, '-x', 'c++', '-fsyntax-only', '-'], { input: '' }).status === 0;
  // Older compilers do not know some; the processors that have them then run the kernels before.
  const chosen = Object.entries(sets[arch] ?? {}).filter(([name, flags]) => wanted(name) && understood(flags));
  const flagsOf = {
    ...Object.fromEntries(names.map((name) => [`targets/${name}.cc`, null])),
    ...Object.fromEntries(chosen.map(([name, flags]) => [`targets/${name}.cc`, flags])),
    'bindings/wasm.cc': null,
    // To the bit what the reference in TypeScript gives.
    'excitation/coder.cc': ['-ffp-contract=off'],
    'excitation/listener.cc': ['-ffp-contract=off'],
  };
  const files = readdirSync(source, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort();
  const flags = [
    ...names.filter((name) => flagsOf[`targets/${name}.cc`] === null).map(without),
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
  ];
  // Those of the instruction sets take longest.
  const units = files
    .filter((name) => name.endsWith('.cc') && flagsOf[name] !== null)
    .sort((a, b) => Number(b.startsWith('targets/')) - Number(a.startsWith('targets/')));
  const fingerprint = createHash('sha256').update(JSON.stringify([compiler, arch, platform, flags, flagsOf, extra]));
  for (const name of files) fingerprint.update(name).update(readFileSync(join(source, name)));
  return { compiler, platform, output, extra, flags, flagsOf, units, stamp: fingerprint.digest('hex') };
}

function without(name) {
  return `-DKERNELS_WITHOUT_${name.toUpperCase()}`;
}

/** Compiles and links a plan; a whole file or none. Returns null, or what failed. */
export async function compileNative({ compiler, platform, output, extra, flags, flagsOf, units }) {
  const include = [
    source,
    require('node-api-headers').include_dir,
    dirname(require.resolve('node-addon-api/package.json')),
  ];
  const objects = `${output}.objects`;
  mkdirSync(objects, { recursive: true });
  const compile = (name) =>
    new Promise((resolve) => {
      const object = join(objects, name.replaceAll('/', '_').replace(/\.cc$/, '.o'));
      const own = [...include.flatMap((folder) => ['-I', folder]), ...(flagsOf[name] ?? [])];
      const child = spawn(compiler, [...flags, ...own, '-c', join(source, name), '-o', object], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      child.on('error', () => resolve(null));
      child.on('exit', (status) => resolve(status === 0 ? object : null));
    });
  const queue = [...units];
  const compiled = [];
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), units.length) }, async () => {
      for (let name = queue.shift(); name; name = queue.shift()) compiled.push(await compile(name));
    }),
  );
  if (compiled.includes(null)) return 'compilation failed';
  const temporary = `${output}.${process.pid}`;
  const shared =
    platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--exclude-libs,ALL'];
  const link = spawnSync(compiler, [...shared, '-pthread', ...extra, '-o', temporary, ...compiled.sort()], {
    stdio: 'inherit',
  });
  if (link.status !== 0) return 'linking failed';
  renameSync(temporary, output);
  rmSync(objects, { recursive: true });
  return null;
}
