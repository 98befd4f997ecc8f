// tsc neither sets the executable bit of the commands nor removes what no longer has a source.
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const { bin } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const path of Object.values(bin)) if (existsSync(path)) chmodSync(path, 0o755);

for (const name of readdirSync('dist', { recursive: true })) {
  const match = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(name);
  if (match && !existsSync(`${match[1]}.ts`)) rmSync(join('dist', name));
}
