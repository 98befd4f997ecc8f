// Tests the NEON kernels on a machine that is no ARM: cross-compiles them with the comparison in test/native and runs
// it under qemu, if both are there (Debian: apt-get install g++-aarch64-linux-gnu qemu-user). On ARM itself npm test
// covers them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const compiler = 'aarch64-linux-gnu-g++';
const emulator = ['qemu-aarch64', 'qemu-aarch64-static'].find((name) => spawnSync(name, ['--version']).status === 0);
if (!emulator || spawnSync(compiler, ['--version']).status !== 0) {
  console.log(
    `NEON kernels: not tested, ${emulator ? compiler : 'qemu-aarch64'} is not there (Debian: apt-get install ` +
      'g++-aarch64-linux-gnu qemu-user)',
  );
  process.exit(0);
}

const source = 'src/kernels/native';
const units = readdirSync(source, { recursive: true }).filter(
  (name) => name.endsWith('.cc') && !/^bindings|avx|coder/.test(name),
);
const program = 'build/compare_tables_neon';
mkdirSync('build/neon', { recursive: true });
const flags = [
  '-std=c++17',
  '-O3',
  '-pthread',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-Wall',
  '-Wno-psabi',
  '-I',
  source,
];
const run = (command, args) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const objects = ['test/native/compare_tables.cc', ...units.map((name) => join(source, name))].map((path) => {
  const object = join('build/neon', `${path.replaceAll(/[\\/]/g, '_').replace(/\.cc$/, '')}.o`);
  run(compiler, [
    ...flags,
    ...(path.endsWith('neondot.cc') ? ['-march=armv8.2-a+dotprod'] : []),
    '-c',
    path,
    '-o',
    object,
  ]);
  return object;
});
run(compiler, ['-static', '-pthread', ...objects, '-o', program]);
run(emulator, [program]);
