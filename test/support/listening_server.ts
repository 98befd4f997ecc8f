import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './command_line.js';

/** `tts-listen serve` as a process of its own. */
export interface ListeningServer {
  /** Ends with a slash. */
  readonly address: string;
  readonly key: string;
  readonly process: ChildProcess;
  /** Ends it as Ctrl-C does, or with another signal. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts it on a free port, and waits until it listens. */
export async function serve(
  t: { after: (stop: () => unknown) => void },
  folder: string,
  ...options: string[]
): Promise<ListeningServer> {
  const child = spawn(
    process.execPath,
    [join(root, 'dist', 'src', 'cli', 'listen.js'), 'serve', folder, '--port', '0', ...options],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stop = (signal: NodeJS.Signals = 'SIGINT') => {
    child.kill(signal);
    return ended;
  };
  t.after(() => stop('SIGKILL'));
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const found = /: (http:\S+)\n.*password (\S+)\)/.exec(output);
      if (found) resolve({ address: found[1], key: found[2], process: child, stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((status) => reject(new Error(`tts-listen ended with status ${status}: ${output}`)));
  });
}

/** A request of the page's, and its answer as JSON. */
export async function ask<T>(
  server: ListeningServer,
  path: string,
  options: { token?: string; method?: string; body?: unknown } = {},
): Promise<T> {
  const { token, method = 'GET', body } = options;
  const response = await fetch(server.address + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (
    response.headers.get('content-type')?.startsWith('application/json') ? response.json() : response.arrayBuffer()
  ) as Promise<T>;
}

export const register = async (server: ListeningServer): Promise<string> =>
  (await ask<{ token: string }>(server, 'api/listeners', { method: 'POST', body: { consent: true } })).token;
