// Runs every *.test.js under dist (or those whose path contains one of the arguments) with Node's own test runner: files
// also wait, so one more is at work than there are cores (three at least).
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const wanted = process.argv.slice(2);
const files = ['dist/src', 'dist/test']
  .flatMap((root) => readdirSync(root, { recursive: true }).map((name) => join(root, name)))
  .filter((path) => path.endsWith('.test.js') && (wanted.length === 0 || wanted.some((word) => path.includes(word))))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`);
  process.exit(1);
}
const concurrency = 1 + Math.max(2, availableParallelism());
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-reporter=./scripts/test-reporter.mjs',
    ...files,
  ],
  {
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
