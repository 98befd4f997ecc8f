// What tsc does not do: the executable bit of the commands, files of pages that are no TypeScript, TensorFlow.js in
// one file, and removing what no longer has a source.
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const path of Object.values(bin)) if (existsSync(path)) chmodSync(path, 0o755);

for (const page of ['src/listening/page', 'src/speech/page'])
  for (const name of readdirSync(page))
    if (/\.(html|css|svg)$/.test(name)) copyFileSync(join(page, name), join('dist', page, name));

for (const name of readdirSync('dist', { recursive: true })) {
  const match = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(name);
  if (match && !existsSync(`${match[1]}.ts`)) rmSync(join('dist', name));
}

// Why TensorFlow.js is bundled is said in its source. It asks for Node's own modules by require(), which an ES module
// has to make for itself; node-fetch it asks for only where there is no fetch().
const bundle = 'src/model/backend/tensorflow';
await build({
  entryPoints: [`${bundle}.ts`],
  outfile: `dist/${bundle}.js`,
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: ['node-fetch'],
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  legalComments: 'eof',
  logLevel: 'warning',
});
rmSync(`dist/${bundle}.js.map`, { force: true });
