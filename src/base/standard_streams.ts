import type { Writable } from 'node:stream';
import { explainSystemError } from './system_error.js';

/** In place of a file: standard output, or standard input where one is read. A file of that name is `./-`. */
export const standardStream = '-';

/** Whether a path names standard output: `-`, or one of the names that the system has for it. */
export const isStandardOutput = (path: string): boolean =>
  path === standardStream || /^\/dev\/stdout$|^\/(dev|proc\/self)\/fd\/1$/.test(path);

let input: Promise<Buffer> | undefined;

/** All of standard input. It can be read only once, so it is kept: who asks again gets the same bytes. */
export function readStandardInput(): Promise<Buffer> {
  return (input ??= (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  })());
}

/**
 * Writes to a stream, one piece after another, at the speed of its reader. All that goes wrong becomes TtsError
 * ERR_FILE_WRITE. `release` it when the stream is somebody else's again.
 */
export class StreamWriter {
  private failure: unknown;

  constructor(private readonly stream: Writable) {
    // A broken pipe is reported twice: to the write that met it and as an event, which would end the process if nobody
    // listened.
    stream.on('error', this.remember);
  }

  /** Resolves when the bytes have been taken. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await new Promise<void>((resolve, reject) => {
      this.stream.write(bytes, (error) => (error ? reject(explained(error)) : resolve()));
    });
  }

  /** @throws {TtsError} ERR_FILE_WRITE if the stream has failed */
  release(): void {
    if (this.failure !== undefined) throw this.failure;
    this.stream.off('error', this.remember);
  }

  private readonly remember = (error: Error) => {
    this.failure ??= explained(error);
  };
}

/** Systems report a reader that has gone in several ways. */
const explained = (error: Error): unknown =>
  explainSystemError(
    'the output stream',
    (error as NodeJS.ErrnoException).code === 'ERR_STREAM_DESTROYED'
      ? Object.assign(new Error(error.message, { cause: error }), { code: 'EPIPE' })
      : error,
    'written',
  );
