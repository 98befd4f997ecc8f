import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './support/command_line.js';
import { skipWithoutGpu } from './support/gpu.js';

const skip = skipWithoutGpu() ?? (process.platform === 'win32' ? 'needs a shell' : undefined);

test('a packed folder checks and times the kernels of a GPU by itself', { skip }, (t) => {
  const folder = temporaryFolder(t);
  const pack = join(folder, 'pack');
  const packed = spawnSync(process.execPath, [join(root, 'scripts', 'bench-gpu.mjs'), '--pack', pack, '--tiny'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(packed.status, 0, packed.stderr);
  const bytes = readdirSync(pack).reduce((sum, name) => sum + statSync(join(pack, name)).size, 0);
  assert.ok(bytes <= 50e6, `${bytes} bytes`);

  // No node, no toolkit.
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  const env = {
    PATH: '/usr/bin:/bin',
    ...(VK_DRIVER_FILES && { VK_DRIVER_FILES }),
    ...(VK_ICD_FILENAMES && { VK_ICD_FILENAMES }),
  };
  const out = join(folder, 'gpu.json');
  const args = [join(pack, 'bench-gpu.sh'), '--out', out, '--seconds', '0.1'];
  const ran = spawnSync('sh', args, { cwd: folder, env, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  const { adapter, checked, timed } = JSON.parse(readFileSync(out, 'utf8')) as {
    adapter: string;
    checked: { passed: boolean; difference: number; sameBits: boolean }[];
    timed: { samplesPerSecond: number }[];
  };
  assert.ok(adapter.length > 0);
  for (const { passed, difference, sameBits } of checked) assert.ok(passed && difference < 1e-5 && sameBits);
  assert.ok(checked.length > 0 && timed.length > 0);
  for (const { samplesPerSecond } of timed) assert.ok(samplesPerSecond > 0);
});
