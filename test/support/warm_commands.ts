// The thread of `runWarm`: runs commands one after another, with the modules that they share loaded once.
import type { MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';

export interface WarmCall {
  /** URL of the script of the command. */
  readonly script: string;
  readonly args: readonly string[];
}

export interface WarmResult {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

const { port, done } = workerData as { port: MessagePort; done: Int32Array };

/** What is written to a stream from now on. */
function captured(stream: NodeJS.WriteStream): () => Uint8Array {
  const pieces: Uint8Array[] = [];
  const write = (
    piece: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    callback?: (error?: Error | null) => void,
  ): boolean => {
    // A copy: who writes may fill the same bytes anew.
    pieces.push(typeof piece === 'string' ? Buffer.from(piece) : Uint8Array.from(piece));
    const written = typeof encoding === 'function' ? encoding : callback;
    if (written) setImmediate(written);
    return true;
  };
  stream.write = write;
  return () => Uint8Array.from(Buffer.concat(pieces));
}

// Each command adds its listeners.
for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);

let calls = 0;
async function answer({ script, args }: WarmCall): Promise<WarmResult> {
  const [stdout, stderr] = [captured(process.stdout), captured(process.stderr)];
  process.argv = [process.execPath, script, ...args];
  process.exitCode = 0;
  try {
    // Another query is another module: the command itself runs anew, what it imports is there.
    await import(`${script}?call=${calls++}`);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(error instanceof Error ? `${error.stack}\n` : String(error));
  }
  return { status: Number(process.exitCode), stdout: stdout(), stderr: stderr() };
}

port.on('message', (call: WarmCall) => {
  void answer(call).then((result) => {
    process.exitCode = 0;
    port.postMessage(result);
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  });
});
