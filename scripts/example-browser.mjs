// Builds the example that speaks in a browser into a folder of static files, and serves it; any other static server
// will do as well.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'build', 'browser') },
    port: { type: 'string', default: '8080' },
    'build-only': { type: 'boolean' },
  },
});
const out = resolve(values.out);
process.chdir(root);

const example = 'examples/browser';
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [join(example, 'page.ts'), join(example, 'worker.ts')],
  outdir: out,
  bundle: true,
  // The dictionary is a file of its own, loaded with the first text.
  splitting: true,
  format: 'esm',
  minify: true,
  platform: 'browser',
  target: 'es2022',
  tsconfig: join(example, 'tsconfig.json'),
  logLevel: 'warning',
});
copyFileSync(join(example, 'index.html'), join(out, 'index.html'));
copyFileSync('src/kernels/compiled/kernels.wasm', join(out, 'kernels.wasm'));
copyFileSync('recipes/ljspeech/voice.safetensors', join(out, 'voice.safetensors'));
// What texts are spoken with.
const acoustic = 'recipes/kathleen-acoustic/acoustic.safetensors';
if (existsSync(acoustic)) copyFileSync(acoustic, join(out, 'acoustic.safetensors'));
else console.error(`note: there is no ${acoustic}: the page speaks no texts`);
copyFileSync('recipes/kathleen/voice.safetensors', join(out, 'reader.safetensors'));
copyFileSync('src/text/g2p/english.g2p', join(out, 'english.g2p'));
// A clip that is held out of the voice's training.
const { status, stderr } = spawnSync(
  process.execPath,
  ['dist/src/cli/prepare.js', 'features', 'data/ljspeech-mini/LJ002-0171.flac', join(out, 'speech.npy')],
  { encoding: 'utf8' },
);
if (status !== 0) throw new Error(stderr);
console.log(`built ${out}`);

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const server = createServer(async ({ url = '/' }, response) => {
  const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  try {
    // The name alone: all files lie in one folder.
    const name = path === '/' ? 'index.html' : path.slice(path.lastIndexOf('/') + 1);
    const bytes = await readFile(join(out, name));
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream' }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
if (!values['build-only'])
  server.listen(Number(values.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
