// tsc neither sets the executable bit of the commands, nor copies the files of the page that are no TypeScript, nor
// removes what no longer has a source.
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const path of Object.values(bin)) if (existsSync(path)) chmodSync(path, 0o755);

const page = 'src/listening/page';
for (const name of readdirSync(page))
  if (/\.(html|css|svg)$/.test(name)) copyFileSync(join(page, name), join('dist', page, name));

for (const name of readdirSync('dist', { recursive: true })) {
  const match = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(name);
  if (match && !existsSync(`${match[1]}.ts`)) rmSync(join('dist', name));
}
