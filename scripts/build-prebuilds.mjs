// Compiles the native kernels for a package: linux-x64 and linux-arm64, every instruction set, C++ runtime inside, to
// prebuilds/PLATFORM-ARCH/kernels.node. Whoever installs it needs no compiler. A cross-compiler (Debian:
// g++-aarch64-linux-gnu) makes the one that is not of this machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileNative, planNative } from './compile-native.mjs';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const targets = [
  { name: 'linux-x64', arch: 'x64', triple: 'x86_64-linux-gnu' },
  { name: 'linux-arm64', arch: 'arm64', triple: 'aarch64-linux-gnu' },
];

function fail(text) {
  console.error(`prebuilds: ${text}`);
  process.exit(1);
}

for (const { name, arch, triple } of targets) {
  const compiler = `${triple}-g++`;
  if (spawnSync(compiler, ['--version']).status !== 0)
    fail(`${compiler} not found (Debian: g++-${triple.replace('_', '-')})`);
  const output = join('prebuilds', name, 'kernels.node');
  mkdirSync(dirname(output), { recursive: true });
  // Sections that nothing needs would bring symbols of younger C libraries along.
  const extra = ['-static-libstdc++', '-static-libgcc', '-Wl,--strip-all', '-Wl,--gc-sections'];
  const plan = planNative({ compiler, arch, platform: 'linux', output, extra });
  console.error(`prebuilds: compiling ${plan.units.length} files with ${compiler}`);
  const failure = await compileNative(plan);
  if (failure) fail(`${name}: ${failure}`);
  console.error(`prebuilds: ${output}, ${Math.round(statSync(output).size / 1024)} KB`);
}
