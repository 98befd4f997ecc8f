import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TtsError } from '../../base/errors.js';
import { download } from './download.js';

const content = readFileSync('data/ljspeech-mini/LJ016-0117.flac');
const sha256 = createHash('sha256').update(content).digest('hex');
const md5 = createHash('md5').update(content).digest('hex');
const half = content.length >> 1;
const fast = { retryDelay: 5 };

interface Site {
  url: string;
  path: string;
  folder: string;
  /** The Range headers of the requests so far. */
  ranges: (string | undefined)[];
}

/** A server on this machine, and a place for the file. */
async function site(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Site> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'download-'));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/clip.flac`,
    path: join(folder, 'sub', 'clip.flac'),
    folder,
    ranges,
  };
}

/** Serves the content as a good file server does: ranges, If-Range, 416. */
function serve(
  request: Pick<IncomingMessage, 'headers'>,
  response: ServerResponse,
  { etag = '"v1"', body = content, upTo = Infinity } = {},
): void {
  const from = start(request.headers.range);
  const partial = from > 0 && request.headers['if-range'] === etag;
  response.setHeader('etag', etag);
  if (partial && from >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  const rest = partial ? body.subarray(from) : body;
  response.setHeader('content-length', rest.length);
  if (partial) response.setHeader('content-range', `bytes ${from}-${body.length - 1}/${body.length}`);
  response.writeHead(partial ? 206 : 200);
  if (upTo >= rest.length) response.end(rest);
  else response.write(rest.subarray(0, upTo), () => setTimeout(() => response.destroy(), 100));
}

const refused =
  (code: string, ...patterns: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof TtsError, String(error));
    assert.equal(error.code, code, error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };

/**
 * A first call that breaks half way and leaves bytes behind; a broken connection may swallow some that were sent.
 * Returns how many.
 */
async function leaveHalf({ url, path }: Site): Promise<number> {
  await assert.rejects(download(url, path, fast), refused('ERR_DOWNLOAD'));
  const kept = readFileSync(`${path}.part`);
  assert.ok(kept.length > 0 && kept.length <= half);
  assert.deepEqual(kept, content.subarray(0, kept.length));
  return kept.length;
}

/** The first byte that a Range header asks for. */
const start = (range: string | undefined) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);

test('a file is fetched, checked and named; progress ends at its length; nothing else stays', async (t) => {
  const { url, path } = await site(t, (request, response) => serve(request, response));
  const progress: [number, number | undefined][] = [];
  await download(url, path, {
    sha256,
    md5: md5.toUpperCase(),
    size: content.length,
    onProgress: (...now) => progress.push(now),
  });
  assert.deepEqual(readFileSync(path), content);
  assert.deepEqual(progress[0], [0, content.length]);
  assert.deepEqual(progress.at(-1), [content.length, content.length]);
  assert.deepEqual(readdirSync(join(path, '..')), ['clip.flac']);
});

test('an existing file is not fetched again, but checked', async (t) => {
  const { url, path, ranges } = await site(t, (request, response) => serve(request, response));
  await download(url, path);
  await download(url, path, { sha256 });
  assert.equal(ranges.length, 1);
  writeFileSync(path, 'something else');
  await assert.rejects(download(url, path, { sha256 }), refused('ERR_CHECKSUM', /clip\.flac has sha256/, /remove it/));
  assert.equal(readFileSync(path, 'utf8'), 'something else');
});

test('a connection that breaks half way is taken up where it stopped', async (t) => {
  const { url, path, ranges } = await site(t, (request, response, count) =>
    serve(request, response, count < 3 ? { upTo: 60_000 } : {}),
  );
  await download(url, path, { sha256, ...fast });
  assert.deepEqual(readFileSync(path), content);
  assert.equal(ranges.length, 3);
  const [none, second, third] = ranges.map(start);
  assert.ok(none === 0 && second > 0 && second <= 60_000 && third > second && third <= second + 60_000, ranges.join());
});

test('a later call goes on with what an earlier one left', async (t) => {
  let whole = false;
  const place = await site(t, (request, response, count) => {
    if (whole) serve(request, response);
    else if (count === 1) serve(request, response, { upTo: half });
    else response.writeHead(503).end();
  });
  const kept = await leaveHalf(place);
  whole = true;
  const seen: number[] = [];
  await download(place.url, place.path, { sha256, onProgress: (received) => seen.push(received) });
  assert.equal(place.ranges.at(-1), `bytes=${kept}-`);
  assert.equal(seen[0], kept);
  assert.deepEqual(readFileSync(place.path), content);
});

test('a part that is whole already needs no server', async (t) => {
  const place = await site(t, (request, response, count) =>
    count === 1 ? serve(request, response, { upTo: half }) : response.writeHead(503).end(),
  );
  await leaveHalf(place);
  const requests = place.ranges.length;
  writeFileSync(`${place.path}.part`, content);
  await download(place.url, place.path, { sha256, ...fast });
  assert.equal(place.ranges.length, requests);
  assert.deepEqual(readFileSync(place.path), content);
});

test('a server that ignores Range sends everything again, and everything is used once', async (t) => {
  const { url, path, ranges } = await site(t, (_request, response, count) => {
    response.writeHead(200, { etag: '"v1"', 'content-length': content.length });
    if (count === 1) response.write(content.subarray(0, half), () => setTimeout(() => response.destroy(), 100));
    else response.end(content);
  });
  await download(url, path, { ...fast });
  assert.ok(ranges.length === 2 && start(ranges[1]) > 0);
  assert.deepEqual(readFileSync(path), content);
});

test('halves of two versions are never joined', async (t) => {
  const newer = Buffer.from(content).reverse();
  await t.test('the server compares the ETag', async (t) => {
    const { url, path } = await site(t, (request, response, count) =>
      serve(request, response, count === 1 ? { upTo: half } : { etag: '"v2"', body: newer }),
    );
    await download(url, path, fast);
    assert.deepEqual(readFileSync(path), newer);
  });
  await t.test('the server ignores If-Range, but the length differs', async (t) => {
    const longer = Buffer.concat([newer, Buffer.from('more')]);
    const { url, path } = await site(t, (request, response, count) => {
      if (count === 1) serve(request, response, { upTo: half });
      else serve({ headers: { ...request.headers, 'if-range': '"v2"' } }, response, { etag: '"v2"', body: longer });
    });
    await download(url, path, fast);
    assert.deepEqual(readFileSync(path), longer);
  });
  await t.test('the server ignores If-Range and only the checksum tells', async (t) => {
    const newerSha256 = createHash('sha256').update(newer).digest('hex');
    const { url, path } = await site(t, (request, response, count) => {
      if (count === 1) serve(request, response, { upTo: half });
      else serve({ headers: { ...request.headers, 'if-range': '"v2"' } }, response, { etag: '"v2"', body: newer });
    });
    await download(url, path, { sha256: newerSha256, ...fast });
    assert.deepEqual(readFileSync(path), newer);
  });
  await t.test('without ETag and date the half is thrown away', async (t) => {
    const { url, path, ranges } = await site(t, (_request, response, count) => {
      response.writeHead(200, { 'content-length': content.length });
      if (count === 1) response.write(newer.subarray(0, half), () => setTimeout(() => response.destroy(), 100));
      else response.end(content);
    });
    await download(url, path, fast);
    assert.deepEqual(ranges, [undefined, undefined]);
    assert.deepEqual(readFileSync(path), content);
  });
});

test('a part that is longer than the file (416) is fetched again', async (t) => {
  const place = await site(t, (request, response, count) => {
    if (count === 1) serve(request, response, { upTo: half });
    else if (count <= 5) response.writeHead(503).end();
    else serve(request, response);
  });
  await leaveHalf(place);
  writeFileSync(`${place.path}.part`, Buffer.concat([content, content]));
  await download(place.url, place.path, fast);
  assert.equal(place.ranges.at(-2), `bytes=${2 * content.length}-`);
  assert.deepEqual(readFileSync(place.path), content);
});

test('a wrong checksum is refused with both digests, and nothing stays', async (t) => {
  const { url, path, ranges } = await site(t, (request, response) => serve(request, response));
  await assert.rejects(
    download(url, path, { sha256: '0'.repeat(64) }),
    refused('ERR_CHECKSUM', new RegExp(sha256), /expected 0{64}/),
  );
  await assert.rejects(download(url, path, { md5: '0'.repeat(32) }), refused('ERR_CHECKSUM', new RegExp(md5)));
  assert.deepEqual(readdirSync(join(path, '..')), []);
  assert.equal(ranges.length, 2);
});

test('a digest of the unzipped content holds however the file was packed, and refuses what is cut short or not packed', async (t) => {
  for (const level of [1, 9]) {
    const { url, path } = await site(t, (request, response) =>
      serve(request, response, { body: gzipSync(content, { level }) }),
    );
    await download(url, path, { md5, sha256, unzipped: true });
    await download(url, path, { md5, unzipped: true });
    await assert.rejects(
      download(url, path, { md5: '0'.repeat(32), unzipped: true }),
      refused('ERR_CHECKSUM', new RegExp(`md5 ${md5} unzipped, expected 0{32}`)),
    );
  }
  for (const body of [gzipSync(content).subarray(0, 1000), content]) {
    const { url, path } = await site(t, (request, response) => serve(request, response, { body }));
    await assert.rejects(
      download(url, path, { md5, unzipped: true }),
      refused('ERR_CHECKSUM', /content that gunzip refuses/, new RegExp(md5)),
    );
    assert.deepEqual(readdirSync(join(path, '..')), []);
  }
});

test('404 is refused at once; 503 and 429 are tried again', async (t) => {
  const { url, path, ranges } = await site(t, (request, response, count) => {
    if (request.url === '/missing') response.writeHead(404).end('no');
    else if (count < 4) response.writeHead(count === 2 ? 503 : 429).end();
    else serve(request, response);
  });
  await assert.rejects(
    download(url.replace('clip.flac', 'missing'), path, fast),
    refused('ERR_DOWNLOAD', /missing answers 404 Not Found/),
  );
  assert.equal(ranges.length, 1);
  assert.ok(!existsSync(`${path}.part`));
  await download(url, path, fast);
  assert.equal(ranges.length, 4);
});

test('a file of another length than expected is refused before it is fetched', async (t) => {
  const { url, path } = await site(t, (request, response) => serve(request, response));
  const total = content.length.toLocaleString('en-US');
  await assert.rejects(
    download(url, path, { size: 5 }),
    refused('ERR_DOWNLOAD', new RegExp(`has ${total} bytes, expected 5 bytes`)),
  );
  assert.ok(!existsSync(`${path}.part`));
});

test('a body without length that ends early is noticed by the expected length', async (t) => {
  const { url, path } = await site(t, (_request, response) => response.writeHead(200).end(content.subarray(0, half)));
  await assert.rejects(
    download(url, path, { size: content.length, ...fast }),
    refused('ERR_DOWNLOAD', /sent .* of /, /5 times in a row/),
  );
  assert.ok(!existsSync(path));
});

test('a connection that stalls is given up and tried again, before and within the body', async (t) => {
  const { url, path } = await site(t, (request, response, count) => {
    if (count === 1) return;
    if (count === 2) {
      response.writeHead(200, { etag: '"v1"', 'content-length': content.length });
      response.write(content.subarray(0, half));
    } else serve(request, response);
  });
  await download(url, path, { sha256, stallTimeout: 150, ...fast });
  assert.deepEqual(readFileSync(path), content);
  const silent = await site(t, () => undefined);
  await assert.rejects(
    download(silent.url, silent.path, { stallTimeout: 20, retryDelay: 1 }),
    refused('ERR_DOWNLOAD', /no data for 0\.02 seconds/),
  );
});

test('without a way to the server the error says where to get the file and where to put it', async (t) => {
  const { url, path } = await site(t, () => undefined);
  const closed = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
  const dead = url.replace(/:\d+\//, `:${closed}/`);
  await assert.rejects(
    download(dead, path),
    refused('ERR_OFFLINE', /cannot reach 127\.0\.0\.1/, new RegExp(dead), new RegExp(path)),
  );
});

test('an invalid address, and a place that cannot be written, are refused', async (t) => {
  const { url, folder } = await site(t, (request, response) => serve(request, response));
  await assert.rejects(download('no address', join(folder, 'x')), refused('ERR_DOWNLOAD', /"no address"/));
  await assert.rejects(download('ftp://127.0.0.1/x', join(folder, 'x')), refused('ERR_DOWNLOAD', /ftp:.*scheme/));
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(
    download(url, join(folder, 'file', 'x')),
    refused('ERR_FILE_WRITE', /file is a file, expected a folder/),
  );
});
