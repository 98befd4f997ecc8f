// Everything a fresh clone needs, and nothing it already has: dependencies, the native kernels, the compiled
// TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const run = (command, args) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
};
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : -1);

// npm writes node_modules/.package-lock.json at the end of an install: older than the lock file means out of date.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json'))
  run('npm', ['ci', '--no-audit', '--no-fund']);
run('node', ['scripts/build-native.mjs']);
run('npm', ['run', '--silent', 'build']);
