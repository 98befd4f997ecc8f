import { readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { writeWholeFile } from '../../base/whole_file.js';

type Entries = Record<string, [size: number, modified: number, content: string]>;

/**
 * Remembers the content (SHA-256) of files by size and time of change, so that 13,100 files are recognised without
 * reading them.
 */
export class ContentIndex {
  private readonly path: string;
  private readonly entries: Entries;

  constructor(cacheDir: string) {
    this.path = join(cacheDir, 'index.json');
    this.entries = readEntries(this.path);
  }

  /** The content of a file, if it is known and the file has not changed since. */
  contentOf(path: string, state: FileState): string | undefined {
    const known = Object.hasOwn(this.entries, path) ? this.entries[path] : undefined;
    return known && known[0] === state?.size && known[1] === state?.mtimeMs ? known[2] : undefined;
  }

  /** @param state taken before the file was read: if it changes meanwhile, the next run sees another time */
  remember(path: string, state: FileState, content: string): void {
    if (state) this.entries[path] = [state.size, state.mtimeMs, content];
  }

  save(): Promise<void> {
    return writeWholeFile(this.path, Buffer.from(JSON.stringify(this.entries)));
  }
}

export type FileState = Stats | undefined;

export const stateOf = (path: string): FileState => statSync(path, { throwIfNoEntry: false });

/** What cannot be read is begun anew; but somebody else's file of that name is not replaced. */
function readEntries(path: string): Entries {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
  const isEntry = (value: unknown) => Array.isArray(value) && value.length === 3 && typeof value[2] === 'string';
  if (typeof json === 'object' && json !== null && !Array.isArray(json) && Object.values(json).every(isEntry))
    return json as Entries;
  throw new TtsError(
    'ERR_FILE_EXISTS',
    `${path} is there and is not the list of recordings of a cache, so it is not replaced; move it away, or give ` +
      'another folder to the run',
  );
}
