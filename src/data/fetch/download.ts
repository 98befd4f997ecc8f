import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { mostExpanded } from '../../audio/expansion.js';
import { TtsError } from '../../base/errors.js';
import { takeLock } from '../../base/lock.js';
import { syncFolder } from '../../base/temporary.js';
import {
  bytes,
  discardPart,
  type DownloadOptions,
  fetchRest,
  Retryable,
  rootCause,
  sizeOf,
  unreachable,
} from './download_part.js';

const attempts = 5;
/** An attempt that brought this many bytes was worth it: the count of failures starts again. */
const worthwhile = 1 << 20;

/**
 * Fetches `url` to `path`. The bytes go to `path.part`; a broken download goes on where it stopped, in this call (with
 * growing pauses) or in a later one, if the server still has the same file (ETag or Last-Modified). The file gets its
 * name only when it is whole and its digest is right. An existing file is only checked.
 *
 * Throws ERR_OFFLINE if the server cannot be reached, ERR_CHECKSUM for a wrong digest, ERR_IN_USE if another process
 * fetches the same file, ERR_FILE_WRITE if there can be no such folder, ERR_DOWNLOAD for anything else.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const lock = takeLock(`${path}.lock`, `the download to ${path}`);
  try {
    await downloadAlone(url, path, options);
  } finally {
    lock.release();
  }
}

async function downloadAlone(url: string, path: string, options: DownloadOptions): Promise<void> {
  if ((await sizeOf(path)) !== undefined) {
    const wrong = await wrongDigest(path, options);
    if (wrong) throw new TtsError('ERR_CHECKSUM', `${path} has ${wrong}; remove it to fetch it from ${url} again`);
    return;
  }
  for (let fresh = false; ; fresh = true) {
    const resumed = await fetchPart(url, path, options);
    const wrong = await wrongDigest(`${path}.part`, options);
    if (!wrong) break;
    await discardPart(path);
    // Halves that do not belong together may be to blame: one try from scratch.
    if (fresh || !resumed) throw new TtsError('ERR_CHECKSUM', `${url} has ${wrong}; the download was removed`);
  }
  await rename(`${path}.part`, path);
  syncFolder(dirname(path));
  await discardPart(path);
}

async function wrongDigest(path: string, options: DownloadOptions): Promise<string | undefined> {
  for (const algorithm of ['sha256', 'md5'] as const) {
    const expected = options[algorithm];
    if (expected === undefined) continue;
    const hash = createHash(algorithm);
    const most = mostExpanded((await sizeOf(path)) ?? 0);
    const file = createReadStream(path, { highWaterMark: 1 << 20 });
    try {
      await pipeline(
        file,
        options.unzipped ? createGunzip() : new PassThrough(),
        async (chunks: AsyncIterable<Buffer>) => {
          let size = 0;
          for await (const chunk of chunks) {
            size += chunk.length;
            if (options.unzipped && size > most)
              throw Object.assign(new Error('too much comes out'), { code: 'Z_TOO_LARGE' });
            hash.update(chunk);
          }
        },
      );
    } catch (error) {
      if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error;
      return `content that gunzip refuses (${(error as Error).message}), expected ${algorithm} ${expected} unzipped`;
    }
    const digest = hash.digest('hex');
    if (digest !== expected.toLowerCase())
      return `${algorithm} ${digest}${options.unzipped ? ' unzipped' : ''}, expected ${expected}`;
  }
  return undefined;
}

/** Repeats attempts until `path.part` is whole. Returns whether it was put together from more than one. */
async function fetchPart(url: string, path: string, options: DownloadOptions): Promise<boolean> {
  let connected = false;
  for (let failures = 0; ;) {
    const before = (await sizeOf(`${path}.part`)) ?? 0;
    try {
      return (await fetchRest(url, path, options, () => (connected = true))) > 0;
    } catch (error) {
      if (error instanceof TtsError) throw error;
      const { code, text } = error instanceof Retryable ? { code: undefined, text: error.message } : rootCause(error);
      const offline = code !== undefined && unreachable.includes(code);
      if (!offline && !(error instanceof Retryable))
        throw new TtsError('ERR_DOWNLOAD', `cannot download ${url} to ${path}: ${text}`, { cause: error });
      const now = (await sizeOf(`${path}.part`)) ?? 0;
      failures = now - before >= worthwhile ? 1 : failures + 1;
      if (offline && !connected) throw offlineError(url, path, code, error);
      if (failures >= attempts) {
        if (offline) throw offlineError(url, path, code, error);
        throw new TtsError(
          'ERR_DOWNLOAD',
          `cannot download ${url}: ${text}, ${attempts} times in a row; ${bytes(now)} are kept in ` +
            `${path}.part, run again to go on`,
          { cause: error },
        );
      }
      await sleep((options.retryDelay ?? 1000) * 2 ** (failures - 1));
    }
  }
}

function offlineError(url: string, path: string, code: string, cause: unknown): TtsError {
  return new TtsError(
    'ERR_OFFLINE',
    `cannot reach ${new URL(url).host} (${code}). Fetch ${url} on a machine ` +
      `that can, save it as ${path}, and run again`,
    { cause },
  );
}
