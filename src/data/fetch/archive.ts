import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { mostExpanded } from '../../audio/expansion.js';
import { TtsError } from '../../base/errors.js';
import { takeLock } from '../../base/lock.js';
import { makeFolder } from '../../base/output.js';
import { syncFolder } from '../../base/temporary.js';
import { download } from './download.js';
import { type DownloadOptions } from './download_part.js';

/** A corpus that is published as one tar archive with one folder in it. */
export interface PublishedArchive extends Pick<DownloadOptions, 'sha256' | 'md5' | 'size'> {
  /** For messages. */
  readonly name: string;
  readonly url: string;
  /** Ending of the archive's name, such as `.tar.gz`. */
  readonly suffix: string;
  /** A file by which the folder is recognised. */
  readonly landmark: string;
}

/** Called while bytes arrive, and once when unpacking begins (`done` 0) and ends (`done` = `total` = 1). */
export type ArchiveProgress = (stage: 'download' | 'unpack', done: number, total: number | undefined) => void;

/**
 * Makes sure that the archive's folder is at `dir` and returns its absolute path. If it is not, the archive is fetched
 * to `dir` + suffix (resumable; one put there by hand will do), checked, unpacked under a temporary name, and removed.
 * Throws ERR_OFFLINE, ERR_CHECKSUM or ERR_DOWNLOAD, ERR_CORPUS if `dir` holds something else, and ERR_IN_USE if another
 * process fetches it.
 */
export async function ensureUnpacked(
  dir: string,
  published: PublishedArchive,
  onProgress?: ArchiveProgress,
): Promise<string> {
  const root = resolve(dir);
  if (existsSync(join(root, published.landmark))) return root;
  const lock = takeLock(`${root}.lock`, `the download of ${published.name} to ${root}`);
  try {
    return await fetchAndUnpack(root, published, onProgress);
  } finally {
    lock.release();
  }
}

async function fetchAndUnpack(
  root: string,
  { name, url, suffix, landmark, sha256, md5, size }: PublishedArchive,
  onProgress?: ArchiveProgress,
): Promise<string> {
  if (existsSync(join(root, landmark))) return root;
  if (existsSync(root) && (await readdir(root)).length > 0) {
    throw new TtsError(
      'ERR_CORPUS',
      `${root} has no ${landmark}, expected ${name} or nothing; remove the folder or name another one`,
    );
  }
  const archive = `${root}${suffix}`;
  await download(url, archive, {
    sha256,
    md5,
    size,
    onProgress: (done, total) => onProgress?.('download', done, total),
  });
  onProgress?.('unpack', 0, 1);
  const temporary = `${root}.unpacking`;
  await unpack(archive, temporary);
  const inside = (await readdir(temporary)).find((entry) => existsSync(join(temporary, entry, landmark)));
  if (inside === undefined) {
    await rm(temporary, { recursive: true, force: true });
    throw new TtsError(
      'ERR_CORPUS',
      `${basename(archive)} has no folder with a ${landmark}, expected the archive of ${name}`,
    );
  }
  await rm(root, { recursive: true, force: true });
  await syncTree(join(temporary, inside));
  await rename(join(temporary, inside), root);
  syncFolder(dirname(root));
  await rm(temporary, { recursive: true, force: true });
  await rm(archive, { force: true });
  onProgress?.('unpack', 1, 1);
  return root;
}

/**
 * Unpacks a tar archive (any compression the system's `tar` knows) into the folder `into`, which is created afresh and
 * must be on the same drive. Throws ERR_DOWNLOAD with the program's own message if it is missing or fails; no folder is
 * left then.
 */
async function unpack(archive: string, into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  makeFolder(into);
  try {
    await runTar(archive, into);
  } catch (error) {
    await rm(into, { recursive: true, force: true });
    throw error;
  }
}

/** Puts a folder and all in it on the disk: a power cut must not leave empty files under names that look right. */
async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).values();
  const syncNext = async () => {
    for (const { name } of files) {
      const file = await open(join(folder, name), 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
  };
  // Several at a time, because a disk writes what waits together.
  await Promise.all(Array.from({ length: 8 }, syncNext));
  for (const entry of entries) if (entry.isDirectory()) await syncTree(join(folder, entry.name));
  syncFolder(folder);
}

/** gzip files that have no digest may be anybody's: they are unpacked here, and counted. */
async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

async function runTar(archive: string, into: string): Promise<void> {
  const folder = dirname(archive);
  const gzip = await isGzip(archive);
  // Relative names: GNU tar takes the colon of an absolute Windows path for a host.
  const args = ['-xf', gzip ? '-' : `./${basename(archive)}`, '-C', relative(folder, into), '--no-same-owner'];
  const child = spawn('tar', args, { cwd: folder, stdio: [gzip ? 'pipe' : 'ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const cannot = (why: string, cause?: unknown) =>
    new TtsError('ERR_DOWNLOAD', `cannot unpack ${archive}: ${why}`, { cause });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'the program tar was not found; install it' : cause.message;
      reject(cannot(`${why}, or unpack the archive by hand`, cause));
    });
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(
          cannot(
            `tar stopped with status ${status}: ${said.trim() || 'no message'} (.tar.bz2 also needs the program bzip2)`,
          ),
        );
    });
  });
  if (!gzip || child.stdin === null) return ended;
  // Both are waited for: what tar says of its end tells more than a broken pipe to it.
  const [fed, end] = await Promise.allSettled([feed(archive, child.stdin), ended]);
  if (fed.status === 'rejected') {
    const { code, message } = fed.reason as NodeJS.ErrnoException;
    if (!(fed.reason instanceof TtsError) && code?.startsWith('Z_'))
      throw cannot(`it is no whole gzip file (${message}); fetch it again`, fed.reason);
    throw fed.reason;
  }
  if (end.status === 'rejected') throw end.reason;
}

/**
 * Unzips an archive into a program, and stops where more comes out than of an archive of recordings or images. A
 * program that reads no more, as tar does at the end of an archive, is no reason to stop: the checksum comes last.
 */
async function feed(archive: string, target: Writable): Promise<void> {
  let gone = target.destroyed;
  let wake: (() => void) | undefined;
  const leave = () => {
    gone = true;
    wake?.();
  };
  target
    .on('error', leave)
    .on('close', leave)
    .on('drain', () => wake?.());
  const { size } = await stat(archive);
  // Recordings that are large are not packed well: no archive of them grows to more than 20 times its size.
  const most = Math.max(mostExpanded(size), 20 * size);
  let count = 0;
  let tooMuch: TtsError | undefined;
  try {
    await pipeline(createReadStream(archive), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        count += chunk.length;
        if (count > most) {
          // The pipeline may tell that it was aborted, and not why.
          tooMuch = new TtsError(
            'ERR_DOWNLOAD',
            `cannot unpack ${archive}: more than ${most} bytes come out of its ${size}; it is no archive of recordings`,
          );
          throw tooMuch;
        }
        if (!gone && !target.write(chunk))
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    });
  } catch (error) {
    throw tooMuch ?? error;
  } finally {
    target.end();
  }
}
