// Compiles the kernels to src/kernels/compiled/kernels.wasm, which is committed and comes with the package: it is for
// machines without a compiler and for browsers. The compiler is clang as a WebAssembly program from npm (100 MB, hence
// fetched here and no devDependency), so that the same sources give the same bytes on every machine. With --check
// nothing is built; the exit status says whether the file belongs to the sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const source = 'src/kernels/native';
const output = 'src/kernels/compiled/kernels.wasm';
const compiler = '@yowasp/clang@22.0.0-git20542-10';
const toolchain = 'build/wasm-toolchain';

const units = [
  'bindings/wasm.cc',
  'classify/engine.cc',
  'classify/layout.cc',
  'evolve/engine.cc',
  'excitation/listener.cc',
  'sample/pack.cc',
  'targets/generic.cc',
  'train/engine.cc',
];
const flags = [
  '--target=wasm32-wasip1',
  '-mexec-model=reactor',
  '-std=c++17',
  '-O3',
  '-flto',
  '-msimd128',
  `-I${source}`,
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-Wl,--strip-all',
  '-Wl,-z,stack-size=262144',
  '-Wl,--max-memory=4294967296',
];

/** Name of the custom section that holds the hash of what the module was made from. */
const section = 'sources';

function sourceFiles() {
  const names = readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.h') || units.includes(name));
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(source, name), 'utf8').replaceAll('\r\n', '\n')]),
  );
}

const files = sourceFiles();
const stamp = createHash('sha256')
  .update(JSON.stringify([compiler, flags, files]))
  .digest('hex');

async function stampOf(path) {
  if (!existsSync(path)) return 'nothing';
  const [bytes] = WebAssembly.Module.customSections(await WebAssembly.compile(readFileSync(path)), section);
  return bytes ? new TextDecoder().decode(bytes) : 'no stamp';
}

/**
 * A custom section: id 0, its length, the length of its name, the name, the content (WebAssembly Core Specification
 * 2.0, 5.5.3).
 */
function customSection(name, content) {
  const leb128 = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb128(value >>> 7)]);
  const body = [...leb128(name.length), ...new TextEncoder().encode(name), ...new TextEncoder().encode(content)];
  return Uint8Array.from([0, ...leb128(body.length), ...body]);
}

async function loadCompiler() {
  const entry = join(toolchain, 'node_modules/@yowasp/clang/gen/bundle.js');
  const manifest = join(toolchain, 'node_modules/@yowasp/clang/package.json');
  if (!existsSync(manifest) || `@yowasp/clang@${JSON.parse(readFileSync(manifest, 'utf8')).version}` !== compiler) {
    const { status } = spawnSync(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', toolchain, compiler],
      { stdio: 'inherit', shell: process.platform === 'win32' },
    );
    if (status !== 0) process.exit(status ?? 1);
  }
  return (await import(pathToFileURL(entry).href)).commands['clang++'];
}

/** The files as nested folders, as the compiler takes them: { src: { kernels: { native: { … } } } }. */
function folders(contents) {
  const tree = {};
  for (const [name, content] of Object.entries(contents)) {
    const path = `${source}/${name}`.split('/');
    const folder = path.slice(0, -1).reduce((at, part) => (at[part] ??= {}), tree);
    folder[path.at(-1)] = content;
  }
  return tree;
}

if (process.argv.includes('--check')) {
  if ((await stampOf(output)) === stamp) process.exit(0);
  console.error(`${output} does not belong to the sources: run "npm run build:wasm" and commit it`);
  process.exit(1);
}

const clang = await loadCompiler();
const print = (bytes) => void (bytes && process.stderr.write(bytes));
const args = [...flags, ...units.map((name) => `${source}/${name}`), '-o', 'kernels.wasm'];
const built = await clang(args, folders(files), { stdout: print, stderr: print, fetchProgress: () => undefined });
const bytes = Buffer.concat([built['kernels.wasm'], customSection(section, stamp)]);
mkdirSync(dirname(output), { recursive: true });
writeFileSync(`${output}.tmp`, bytes);
renameSync(`${output}.tmp`, output);
console.error(`${output}: ${bytes.length.toLocaleString('en-US')} bytes`);
