import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TtsError } from '../../src/base/errors.js';

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'data-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** For assert.throws and assert.rejects: a TtsError with this code whose message matches all patterns. */
export const refused =
  (code: string, ...patterns: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof TtsError && error.code === code, String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };

/**
 * Serves what `answer` gives for a path (404 for undefined) on this machine; `requests` are the paths that were asked
 * for.
 */
export async function serve(
  t: TestContext,
  answer: (path: string) => Buffer | undefined,
): Promise<{ address: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer(({ url = '/' }, response) => {
    requests.push(url);
    const body = answer(url);
    if (body === undefined) response.writeHead(404);
    response.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** An address on this machine where nobody answers. */
export async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
