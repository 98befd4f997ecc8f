import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { makeFolder } from '../../base/output.js';

/** How to fetch one file. */
export interface DownloadOptions {
  /** Expected digests of the whole file, in hexadecimal. */
  readonly sha256?: string;
  readonly md5?: string;
  /** Whether the digests are those of what gunzip makes of the file, so that the file may have been packed again. */
  readonly unzipped?: boolean;
  /** Expected length in bytes. */
  readonly size?: number;
  /** Called with the bytes that are there and, if known, the length of the file. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** Milliseconds without a byte after which a connection is abandoned; default 60,000. */
  readonly stallTimeout?: number;
  /** Milliseconds before the first retry; each further one waits twice as long. Default 1,000. */
  readonly retryDelay?: number;
}

/** What is known of a partial file, kept beside it: the server must still have the same file for the rest to fit. */
interface PartRecord {
  readonly url: string;
  readonly validator?: string;
  readonly total?: number;
}

/** A failure that may not happen at another try. */
export class Retryable extends Error {}

/** Codes of network errors that mean that the server cannot be reached. */
export const unreachable = [
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** Length of a file in bytes, undefined if there is none. */
export const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size;

/** A number of bytes as people read it. */
export const bytes = (n: number) => `${n.toLocaleString('en-US')} bytes`;

/** The innermost error's code and text: fetch only says "fetch failed", its cause says why. */
export function rootCause(error: unknown): { code?: string; text: string } {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (inner instanceof AggregateError && inner.errors.length > 0) inner = inner.errors[0];
  const { code, message } = inner as NodeJS.ErrnoException;
  return { code, text: message || code || String(inner) };
}

/** Removes `path.part` and what is known of it. */
export async function discardPart(path: string): Promise<void> {
  await rm(`${path}.part`, { force: true });
  await rm(`${path}.part.json`, { force: true });
}

async function readRecord(path: string): Promise<PartRecord | undefined> {
  try {
    return JSON.parse(await readFile(`${path}.part.json`, 'utf8')) as PartRecord;
  } catch {
    return undefined;
  }
}

/**
 * One request for what `path.part` lacks. Returns the position where it began to write. Throws Retryable where
 * another request may help, the network's own error if the server cannot be reached, TtsError for the rest.
 */
export async function fetchRest(
  url: string,
  path: string,
  options: DownloadOptions,
  onConnected: () => void,
): Promise<number> {
  makeFolder(dirname(path));
  const record = await readRecord(path);
  let start = (await sizeOf(`${path}.part`)) ?? 0;
  // Whole, but killed before it got its name.
  if (start > 0 && record?.url === url && record.total === start) return start;
  if (start > 0 && (record?.url !== url || record.validator === undefined)) {
    await discardPart(path);
    start = 0;
  }
  const abort = new AbortController();
  const stallTimeout = options.stallTimeout ?? 60_000;
  const timer = setTimeout(() => abort.abort(), stallTimeout);
  const stalled = () => new Retryable(`no data for ${stallTimeout / 1000} seconds`);
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (start > 0) Object.assign(headers, { range: `bytes=${start}-`, 'if-range': record?.validator });
    let response: Response;
    try {
      response = await fetch(url, { headers, signal: abort.signal });
    } catch (error) {
      if (abort.signal.aborted) throw stalled();
      const { code, text } = rootCause(error);
      if (code !== undefined && unreachable.includes(code)) throw error;
      if (code === 'ERR_INVALID_URL')
        throw new TtsError('ERR_DOWNLOAD', `"${url}" is not an address, expected one like https://…`, { cause: error });
      // What fetch itself refuses (a scheme it does not know, a blocked port) has no code, and stays refused.
      if (code === undefined) throw error;
      throw new Retryable(text, { cause: error });
    }
    onConnected();
    const plan = planOf(response, start, record, url, options);
    if (plan === 'restart') {
      await response.body?.cancel();
      await discardPart(path);
      throw new Retryable('the file on the server has changed');
    }
    const file = await open(`${path}.part`, plan.from > 0 ? 'a' : 'w');
    try {
      // Only now that the old bytes are gone may the record speak of the new file.
      if (plan.from === 0)
        await writeFile(
          `${path}.part.json`,
          JSON.stringify({ url, validator: validatorOf(response), total: plan.total } satisfies PartRecord),
        );
      await receive(response, file, plan, options, () => timer.refresh());
    } catch (error) {
      if (abort.signal.aborted) throw stalled();
      throw error;
    } finally {
      await file.close();
    }
    return plan.from;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** What makes sure that a later range is of the same file; a weak ETag does not (RFC 9110, section 13.1.5). */
function validatorOf(response: Response): string | undefined {
  const etag = response.headers.get('etag');
  return etag !== null && !etag.startsWith('W/') ? etag : (response.headers.get('last-modified') ?? undefined);
}

interface Plan {
  readonly from: number;
  readonly total: number | undefined;
}

/** Reads status line and headers: where the body's bytes belong, or that the part has to be thrown away. */
function planOf(
  response: Response,
  start: number,
  record: PartRecord | undefined,
  url: string,
  { size }: DownloadOptions,
): Plan | 'restart' {
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const rangeTotal = range && range[2] !== '*' ? Number(range[2]) : undefined;
  if (response.status === 416 && start > 0) return 'restart';
  if (response.status === 206 && start > 0) {
    const fits =
      range !== null &&
      Number(range[1]) === start &&
      (record?.total === undefined || rangeTotal === undefined || rangeTotal === record.total);
    return fits ? { from: start, total: rangeTotal ?? record?.total ?? size } : 'restart';
  }
  if (response.status === 429 || response.status === 408 || response.status >= 500)
    throw new Retryable(`the server answers ${response.status} ${response.statusText}`.trim());
  if (response.status !== 200)
    throw new TtsError('ERR_DOWNLOAD', `${url} answers ${response.status} ${response.statusText}, expected 200 OK`);
  // A server that ignores Range, or has another file by now, sends all of it.
  const length = response.headers.get('content-length');
  const total = length === null ? size : Number(length);
  if (size !== undefined && total !== size) {
    throw new TtsError(
      'ERR_DOWNLOAD',
      `${url} has ${bytes(total ?? 0)}, expected ${bytes(size)}: not the file ` +
        'that was asked for (a log-in page of the network?)',
    );
  }
  return { from: 0, total };
}

async function receive(
  response: Response,
  file: FileHandle,
  plan: Plan,
  { onProgress }: DownloadOptions,
  onBytes: () => void,
): Promise<void> {
  let received = plan.from;
  onProgress?.(received, plan.total);
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read().catch((error: unknown) => {
      throw new Retryable(`the connection broke after ${bytes(received)} (${rootCause(error).text})`, { cause: error });
    })) ?? { done: true, value: undefined };
    if (done || value === undefined) break;
    onBytes();
    await file.writeFile(value);
    received += value.byteLength;
    onProgress?.(received, plan.total);
  }
  if (plan.total !== undefined && received !== plan.total) {
    throw new Retryable(`the server sent ${bytes(received)} of ${bytes(plan.total)}`);
  }
  await file.sync();
}
