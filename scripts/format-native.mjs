// Formats the C++ with clang-format (.clang-format), or with --check says which files are not formatted. The npm
// package has binaries for x86-64 only; elsewhere a clang-format on the PATH is used, or the check is left out.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const check = process.argv.includes('--check');
const files = ['src', 'test']
  .flatMap((root) => readdirSync(root, { recursive: true }).map((name) => join(root, name)))
  .filter((path) => /\.(cc|h)$/.test(path))
  .sort();
const { getNativeBinary } = createRequire(import.meta.url)('clang-format');
const bundled = process.arch === 'x64' ? getNativeBinary() : null;
const command = [bundled, 'clang-format'].find((name) => name && spawnSync(name, ['--version']).status === 0);
if (!command) {
  console.log('C++: not formatted, clang-format is not there (Debian: apt-get install clang-format)');
  process.exit(0);
}
const { status } = spawnSync(command, check ? ['--dry-run', '--Werror', ...files] : ['-i', ...files], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
