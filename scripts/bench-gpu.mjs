// Makes a folder with everything that checking and timing the kernels of a GPU takes, for a machine of this platform
// without network, node or the toolkit: node scripts/bench-gpu.mjs --pack DIR. There: sh bench-gpu.sh
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createReadStream, createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';

const most = 50e6;
const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { pack: { type: 'string' }, tiny: { type: 'boolean', default: false } },
});
if (!options.pack) {
  console.error('usage: npm run bench:gpu -- --pack DIR [--tiny]');
  process.exit(2);
}
const { pack: folder, tiny } = options;
if (existsSync(folder) && readdirSync(folder).length > 0) {
  console.error(`${folder} is not empty, expected a new folder`);
  process.exit(2);
}
const platform = `${process.platform}-${process.platform === 'darwin' ? 'universal' : process.arch}`;

// Everything but node, in a folder of its own first.
const project = mkdtempSync(join(tmpdir(), 'bench-gpu-'));
try {
  const take = (path) => {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    cpSync(join(root, path), join(project, path), {
      recursive: true,
      filter: (source) => !/\.(map|d\.ts|d\.mts|d\.cts|cts|ts)$|\.test\.js$/.test(source),
    });
  };
  for (const path of ['package.json', 'dist/src/base', 'dist/src/kernels', 'dist/src/bench/gpu', 'node_modules/zod'])
    take(path);
  take('src/kernels/compiled/kernels.wasm');
  for (const path of ['package.json', 'index.js', 'LICENSE.md', `dist/${platform}`])
    take(join('node_modules', 'webgpu', path));
  // The loader of Vulkan drivers, for machines that have a driver and nothing else.
  for (const path of ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'])
    if (process.platform === 'linux' && existsSync(join(path, 'libvulkan.so.1'))) {
      mkdirSync(join(project, 'lib'));
      copyFileSync(join(path, 'libvulkan.so.1'), join(project, 'lib', 'libvulkan.so.1'));
      break;
    }

  const { checkedCases, tinyCases } = await import('../dist/src/bench/gpu/cases.js');
  const { writeExpected } = await import('../dist/src/bench/gpu/check.js');
  const { chooseKernels } = await import('../dist/src/kernels/index.js');
  const expected = join(project, 'expected');
  mkdirSync(expected);
  writeExpected(expected, tiny ? tinyCases.checked : checkedCases, chooseKernels());

  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-czf', join(folder, 'project.tar.gz'), '-C', project, '.']);
  await pipeline(createReadStream(process.execPath), createGzip(), createWriteStream(join(folder, 'node.gz')));
} finally {
  rmSync(project, { recursive: true });
}

writeFileSync(
  join(folder, 'bench-gpu.sh'),
  `#!/bin/sh
# Checks the kernels of this machine's GPU, then times them: one line for each case, everything in gpu.json.
# sh bench-gpu.sh [--out FILE] [--seconds N]: N seconds for each timing, 5 if not given.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=\${TTS_BENCH_GPU:-$here/unpacked}
if [ ! -e "$work/node" ]; then
  mkdir -p "$work"
  tar -xzf "$here/project.tar.gz" -C "$work"
  gunzip -c "$here/node.gz" > "$work/node.part"
  chmod +x "$work/node.part"
  mv "$work/node.part" "$work/node"
fi
# Containers often have NVIDIA's driver without the file that tells Vulkan of it.
if [ -z "$VK_DRIVER_FILES$VK_ICD_FILENAMES" ] && ! ls /usr/share/vulkan/icd.d/nvidia*.json /etc/vulkan/icd.d/nvidia*.json >/dev/null 2>&1; then
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    if ldconfig -p 2>/dev/null | grep -q "$library"; then
      printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}' "$library" > "$work/nvidia_icd.json"
      export VK_DRIVER_FILES="$work/nvidia_icd.json" VK_ICD_FILENAMES="$work/nvidia_icd.json"
      break
    fi
  done
fi
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$work/lib"
exec "$work/node" "$work/dist/src/bench/gpu/main.js" --expected "$work/expected"${tiny ? ' --tiny' : ''} "$@"
`,
  { mode: 0o755 },
);
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
console.log(`${folder}: ${(bytes / 1e6).toFixed(1)} MB; there, on ${platform}: sh bench-gpu.sh`);
if (bytes > most) {
  console.error(`expected at most ${most / 1e6} MB`);
  process.exit(1);
}
