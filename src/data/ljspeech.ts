import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TtsError } from '../errors.js';
import { unpack } from './archive.js';
import { download } from './download.js';

/** LJSpeech-1.1: 13,100 clips, 24 hours, public domain (Keith Ito and Linda Johnson, 2017). The digest is the one torchaudio checks. */
export const ljSpeech = {
  url: 'https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2',
  sha256: 'be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5',
  size: 2_748_572_632,
} as const;

/** How to get the corpus; url, sha256 and size are those of LJSpeech-1.1 unless given. */
export interface EnsureOptions {
  readonly url?: string;
  readonly sha256?: string;
  readonly size?: number;
  /** Called while bytes arrive, and once when unpacking begins (`done` 0) and ends (`done` = `total` = 1). */
  readonly onProgress?: (stage: 'download' | 'unpack', done: number, total: number | undefined) => void;
}

/**
 * Makes sure that LJSpeech is in the folder `dir` (`metadata.csv`, `wavs/`) and returns its absolute path. If it is not, the archive is
 * fetched to `dir.tar.bz2` (resumable; one put there by hand will do), checked, unpacked under a temporary name, and removed.
 * Throws ERR_OFFLINE, ERR_CHECKSUM or ERR_DOWNLOAD, and ERR_CORPUS if `dir` holds something else.
 */
export async function ensureLjSpeech(dir: string, options: EnsureOptions = {}): Promise<string> {
  const { url = ljSpeech.url, sha256 = ljSpeech.sha256, size = ljSpeech.size, onProgress } = options;
  const root = resolve(dir);
  if (existsSync(join(root, 'metadata.csv'))) return root;
  if (existsSync(root) && (await readdir(root)).length > 0) {
    throw new TtsError('ERR_CORPUS', `${root} has no metadata.csv, expected LJSpeech-1.1 or nothing; remove the folder or name another one`);
  }
  const archive = `${root}.tar.bz2`;
  await mkdir(dirname(root), { recursive: true });
  try {
    await download(url, archive, { sha256, size, onProgress: (done, total) => onProgress?.('download', done, total) });
  } catch (error) {
    if (!(error instanceof TtsError) || error.code !== 'ERR_OFFLINE') throw error;
    throw new TtsError('ERR_OFFLINE', `${error.message}; or train on recordings you have: --data DIR`, { cause: error });
  }
  onProgress?.('unpack', 0, 1);
  const temporary = `${root}.unpacking`;
  await unpack(archive, temporary);
  const inside = (await readdir(temporary)).find((name) => existsSync(join(temporary, name, 'metadata.csv')));
  if (inside === undefined) {
    await rm(temporary, { recursive: true, force: true });
    throw new TtsError('ERR_CORPUS', `${basename(archive)} has no folder with a metadata.csv, expected the archive of LJSpeech-1.1`);
  }
  await rm(root, { recursive: true, force: true });
  await rename(join(temporary, inside), root);
  await rm(temporary, { recursive: true, force: true });
  await rm(archive, { force: true });
  onProgress?.('unpack', 1, 1);
  return root;
}
