import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Relative paths ('/'-separated) of all files under a folder; links are followed, hidden files and folders are not. */
export async function listFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  const visited = new Set<string>();
  const walk = async (relative: string): Promise<void> => {
    const folder = join(root, relative);
    const real = await realpath(folder);
    if (visited.has(real)) return;
    visited.add(real);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
      if (kind?.isDirectory()) await walk(path);
      else if (kind?.isFile()) files.push(path);
    }
  };
  await walk('');
  return files;
}
