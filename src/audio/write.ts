import type { Writable } from 'node:stream';
import wavefile from 'wavefile';
import { TtsError } from '../base/errors.js';
import type { FileKind } from '../base/output.js';
import { StreamWriter } from '../base/standard_streams.js';
import { WholeFile, writeWholeFile } from '../base/whole_file.js';
import { fromInt16, toInt16 } from './audio.js';

/** What may be replaced by a WAV file without asking. */
export const wavKind: FileKind = {
  name: 'a WAV file',
  is: (head) => head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WAVE',
};

/** Bits of a sample in a WAV file: 16 or 24-bit integers, or 32-bit float. */
export type WavBits = '16' | '24' | '32f';

/**
 * Writes mono audio as a WAV file, whole or not at all: 16-bit unless `bits` says otherwise. Float samples are
 * nominally in [-1, 1); what lies outside is clamped, except with `32f`. The path `-` is standard output.
 *
 * @param options.force replaces a file that is there even if it is no WAV
 * @throws TtsError ERR_NOT_FINITE if a sample is NaN or infinite; ERR_FILE_WRITE if the file cannot be written;
 * ERR_FILE_EXISTS for one that is there and no WAV.
 */
export async function writeWav(
  path: string,
  samples: Int16Array | Float32Array,
  sampleRate: number,
  options: { bits?: WavBits; force?: boolean } = {},
): Promise<void> {
  const { bits = '16', force } = options;
  const bad = samples.findIndex((sample: number) => !Number.isFinite(sample));
  if (bad >= 0)
    throw new TtsError('ERR_NOT_FINITE', `${path}: sample ${bad} is ${samples[bad]}: expected finite numbers`);
  const floats = () => (samples instanceof Float32Array ? samples : fromInt16(samples));
  const bytes =
    bits === '16'
      ? wavBytes(samples instanceof Int16Array ? samples : toInt16(samples), sampleRate)
      : encoded(sampleRate, bits, bits === '24' ? toInt24(floats()) : floats());
  await writeWholeFile(path, bytes, { kind: wavKind, force });
}

/** 16-bit samples as the bytes of a mono WAV file, as `WavStream` writes them: the library takes sample by sample. */
export function wavBytes(samples: Int16Array, sampleRate: number): Uint8Array {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return Buffer.concat([wavHeader(sampleRate, samples.length), bytes]);
}

/** The bytes of a mono WAV file of other bits. */
function encoded(sampleRate: number, bits: WavBits, samples: Int32Array | Float32Array): Uint8Array {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, bits, samples);
  return evenlySized(Buffer.from(file.toBuffer()));
}

function toInt24(samples: Float32Array): Int32Array {
  const integers = new Int32Array(samples.length);
  for (let i = 0; i < samples.length; i++)
    integers[i] = Math.max(-(2 ** 23), Math.min(2 ** 23 - 1, Math.round(samples[i] * 2 ** 23)));
  return integers;
}

/** RIFF chunks end at even places; the library leaves out the byte that an odd number of 24-bit samples needs. */
function evenlySized(bytes: Buffer): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  const even = Buffer.concat([bytes, Buffer.alloc(1)]);
  even.writeUInt32LE(even.length - 8, 4);
  return even;
}

/**
 * Writes a mono 16-bit WAV while it is being made. In a file the sizes are filled in at `close`, which also gives it
 * its name; until then, and after `abort`, there is nothing under that name. In a stream, and in a path that is a FIFO,
 * a device or `-` (standard output), the header says that the size is unknown: 0xFFFFFFFF.
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
   * @param options.force replaces a file that is there even if it is no WAV
   * @throws TtsError ERR_FILE_WRITE if the file cannot be made; ERR_FILE_EXISTS for one that is there and no WAV.
   */
  static async open(
    target: string | Writable,
    sampleRate: number,
    options: { force?: boolean } = {},
  ): Promise<WavStream> {
    const sink = typeof target === 'string' ? await FileSink.open(target, options.force) : new PipeSink(target);
    const stream = new WavStream(sink, sampleRate);
    await sink.write(wavHeader(sampleRate));
    return stream;
  }

  /**
   * Writes samples; resolves when they have been taken, so that a slow reader slows the writer down.
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
  private constructor(private readonly file: WholeFile) {}

  static async open(path: string, force: boolean | undefined): Promise<FileSink> {
    return new FileSink(await WholeFile.create(path, { kind: wavKind, force }));
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.file.append(bytes);
  }

  async close(header: Uint8Array): Promise<void> {
    try {
      if (this.file.canOverwrite) await this.file.overwrite(header, 0);
    } catch (error) {
      await this.file.abandon();
      throw error;
    }
    await this.file.commit();
  }

  abort(): Promise<void> {
    return this.file.abandon();
  }
}

class PipeSink implements Sink {
  private readonly writer: StreamWriter;

  constructor(stream: Writable) {
    this.writer = new StreamWriter(stream);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.writer.write(bytes);
  }

  async close(): Promise<void> {
    await Promise.resolve();
    this.writer.release();
  }

  async abort(): Promise<void> {}
}

/**
 * The 44 bytes in front of the samples of a mono 16-bit WAV file; the sizes say "unknown" (0xFFFFFFFF) if `samples` is
 * undefined.
 */
export function wavHeader(sampleRate: number, samples?: number): Buffer {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, '16', new Int16Array(0));
  const header = Buffer.from(file.toBuffer()).subarray(0, 44);
  header.writeUInt32LE(samples === undefined ? 0xffffffff : 36 + 2 * samples, 4);
  header.writeUInt32LE(samples === undefined ? 0xffffffff : 2 * samples, 40);
  return header;
}
