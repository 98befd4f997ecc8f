import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import wavefile from 'wavefile';
import { TtsError } from '../base/errors.js';
import { temporaryName, writeError } from '../base/whole_file.js';

/**
 * Writes a mono 16-bit WAV while it is being made. In a file the sizes are filled in at `close`, which also gives it
 * its name; until then, and after `abort`, there is nothing under that name. To a stream (a pipe) the header says that
 * the size is unknown: 0xFFFFFFFF.
 *
 * ```ts
 * const wav = await WavStream.open('out.wav', 22050);
 * try {
 *   for await (const pcm of chunks) await wav.write(pcm);
 *   await wav.close();
 * } catch (error) {
 *   await wav.abort();
 *   throw error;
 * }
 * ```
 */
export class WavStream {
  /** Samples written so far. */
  samples = 0;

  private constructor(
    private readonly sink: Sink,
    private readonly sampleRate: number,
  ) {}

  /**
   * Opens a file of that name, or takes a stream such as process.stdout, and writes the header.
   *
   * @throws TtsError ERR_FILE_WRITE if the file cannot be made.
   */
  static async open(target: string | Writable, sampleRate: number): Promise<WavStream> {
    const sink = typeof target === 'string' ? await FileSink.open(target) : new PipeSink(target);
    const stream = new WavStream(sink, sampleRate);
    await sink.write(wavHeader(sampleRate));
    return stream;
  }

  /**
   * Writes samples; resolves when they are handed over, so that a slow reader slows the writer down.
   *
   * @throws TtsError ERR_FILE_WRITE if the disk is full, or the reader of the pipe has gone.
   */
  async write(pcm: Int16Array): Promise<void> {
    await this.sink.write(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
    this.samples += pcm.length;
  }

  /**
   * Ends the WAV: a file gets its sizes and its name. A stream is left open for its owner to end.
   *
   * @throws TtsError ERR_FILE_WRITE if that fails.
   */
  async close(): Promise<void> {
    await this.sink.close(wavHeader(this.sampleRate, this.samples));
  }

  /** Gives up: no file is left behind. What went into a pipe has gone. */
  async abort(): Promise<void> {
    await this.sink.abort();
  }
}

interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  close(header: Uint8Array): Promise<void>;
  abort(): Promise<void>;
}

class FileSink implements Sink {
  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async open(path: string): Promise<FileSink> {
    const temporary = temporaryName(path);
    try {
      return new FileSink(path, temporary, await open(temporary, 'wx'));
    } catch (error) {
      throw writeError(path, error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      // FileHandle.write may write less than it was given; writeFile does not, and goes on where the last one ended.
      await this.file.writeFile(bytes);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  async close(header: Uint8Array): Promise<void> {
    try {
      await this.file.write(header, 0, header.length, 0);
      await this.file.close();
      await rename(this.temporary, this.path);
    } catch (error) {
      await this.abort();
      throw writeError(this.path, error);
    }
  }

  async abort(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await rm(this.temporary, { force: true });
  }
}

class PipeSink implements Sink {
  private failure: Error | undefined;

  constructor(private readonly stream: Writable) {
    // A broken pipe is reported twice: to the write that met it and as an event, which would end the process if nobody
    // listened.
    stream.on('error', this.remember);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve, reject) => {
      this.stream.write(bytes, (error) => (error ? reject(closedPipe(error)) : resolve()));
    });
  }

  async close(): Promise<void> {
    if (this.failure) throw this.failure;
    this.stream.off('error', this.remember);
  }

  async abort(): Promise<void> {}

  private readonly remember = (error: Error) => {
    this.failure ??= closedPipe(error);
  };
}

function closedPipe(error: Error): TtsError {
  return new TtsError(
    'ERR_FILE_WRITE',
    'the output stream cannot be written: ' +
      `${(error as NodeJS.ErrnoException).code === 'EPIPE' ? 'its reader has gone' : error.message}`,
    { cause: error },
  );
}

/**
 * The 44 bytes in front of the samples of a mono 16-bit WAV file; the sizes say "unknown" (0xFFFFFFFF) if `samples` is
 * undefined.
 */
function wavHeader(sampleRate: number, samples?: number): Buffer {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, '16', new Int16Array(0));
  const header = Buffer.from(file.toBuffer()).subarray(0, 44);
  header.writeUInt32LE(samples === undefined ? 0xffffffff : 36 + 2 * samples, 4);
  header.writeUInt32LE(samples === undefined ? 0xffffffff : 2 * samples, 40);
  return header;
}
