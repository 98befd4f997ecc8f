import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What lies in a folder and below. Paths are relative, with '/' between their parts. */
export interface FolderContent {
  /** All files but hidden ones; links are followed. */
  readonly files: readonly string[];
  /** Folders of runs of tts-train: what lies in them the toolkit has made. */
  readonly runs: readonly string[];
  /** Names that are not UTF-8, with \xNN for the bytes that are not, and a '/' after those of folders. */
  readonly unreadableNames: readonly string[];
}

/**
 * Lists a folder and all below it; links are followed, hidden files and folders, and those that macOS puts into zip
 * archives, are left out. The folder itself may be that of a run.
 */
export async function listFolder(root: string): Promise<FolderContent> {
  const files: string[] = [];
  const runs: string[] = [];
  const unreadableNames: string[] = [];
  const visited = new Set<string>();
  const walk = async (relative: string): Promise<void> => {
    const folder = join(root, relative);
    const real = await realpath(folder);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    if (relative !== '' && isRun(entries.map(({ name }) => name.toString()))) return void runs.push(relative);
    for (const entry of entries) {
      const name = entry.name.toString();
      if (name.startsWith('.') || name === '__MACOSX') continue;
      const path = relative === '' ? name : `${relative}/${name}`;
      if (!Buffer.from(name).equals(entry.name)) {
        const whole = relative === '' ? escaped(entry.name) : `${relative}/${escaped(entry.name)}`;
        unreadableNames.push(entry.isDirectory() ? `${whole}/` : whole);
        continue;
      }
      const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
      if (kind?.isDirectory()) await walk(path);
      else if (kind?.isFile()) files.push(path);
    }
  };
  await walk('');
  return { files, runs: runs.sort(), unreadableNames: unreadableNames.sort() };
}

/** A run has its curve, and checkpoints or logs, from its beginning on. */
const isRun = (names: readonly string[]) =>
  names.includes('curve.csv') && (names.includes('checkpoints') || names.includes('logs'));

/** A name as text, with \xNN for what is not ASCII. */
const escaped = (name: Buffer) =>
  name
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
