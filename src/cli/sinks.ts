import { WavStream } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { isStandardOutput, StreamWriter } from '../base/standard_streams.js';
import { readerHasGone } from '../base/system_error.js';
import { openPlayer } from '../synthesis/play.js';

/** Something that the chunks go to. */
export interface Sink {
  write(pcm: Int16Array): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** Where speech goes, by the options of a command. */
export interface SinkOptions {
  play?: boolean;
  stdout?: boolean | string;
  force?: boolean;
}

/** @throws {TtsError} ERR_ARGUMENT for a format that there is not, or for standard output twice */
export function checkStandardOutput(path: string | undefined, stdout: boolean | string | undefined): void {
  if (stdout === undefined) return;
  if (stdout !== true && stdout !== 'wav' && stdout !== 'pcm')
    throw new TtsError('ERR_ARGUMENT', `--stdout is ${stdout}, expected wav or pcm`);
  if (path !== undefined && isStandardOutput(path))
    throw new TtsError('ERR_ARGUMENT', `${path} is standard output, and so is --stdout: expected one of them`);
}

/**
 * Everything that the chunks go to: a file, standard output, the sound card.
 * @throws {TtsError} ERR_FILE_WRITE, ERR_FILE_EXISTS, ERR_AUDIO_DEVICE; nothing is left open then
 */
export async function openSinks(
  path: string | undefined,
  { stdout, play, force }: SinkOptions,
  sampleRate: number,
): Promise<Sink> {
  const sinks: Sink[] = [];
  const all: Sink = {
    async write(pcm) {
      for (const sink of sinks) await sink.write(pcm);
    },
    async close() {
      for (const sink of sinks) await sink.close();
    },
    async abort() {
      for (const sink of sinks) await sink.abort();
    },
  };
  try {
    if (path !== undefined) sinks.push(await WavStream.open(path, sampleRate, { force }));
    if (stdout !== undefined) {
      const others = path !== undefined || play === true;
      sinks.push(untilTheReaderGoes(await openStandardOutput(stdout, sampleRate), others));
    }
    if (play) sinks.push(await openSoundCard(sampleRate));
  } catch (error) {
    await all.abort();
    throw error;
  }
  return all;
}

async function openStandardOutput(format: boolean | string, sampleRate: number): Promise<Sink> {
  if (format !== 'pcm') return WavStream.open(process.stdout, sampleRate);
  const writer = new StreamWriter(process.stdout);
  return {
    write: (pcm) => writer.write(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)),
    async close() {
      await Promise.resolve();
      writer.release();
    },
    abort: () => Promise.resolve(),
  };
}

async function openSoundCard(sampleRate: number): Promise<Sink> {
  const player = await openPlayer(sampleRate);
  return {
    write: (pcm) => player.play(pcm),
    close: () => player.finish(),
    abort: () => Promise.resolve(),
  };
}

/**
 * The reader of a pipe may go while a file is still to be written, or speech to be heard; else nothing is left to do.
 */
function untilTheReaderGoes(sink: Sink, others: boolean): Sink {
  let gone = false;
  const unlessGone = (work: () => Promise<void>) =>
    gone
      ? Promise.resolve()
      : work().catch((error: unknown) => {
          if (!others || !readerHasGone(error)) throw error;
          gone = true;
        });
  return {
    write: (pcm) => unlessGone(() => sink.write(pcm)),
    close: () => unlessGone(() => sink.close()),
    abort: () => sink.abort(),
  };
}
