import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toInt16 } from '../../audio/audio.js';
import { resample } from '../../audio/resample.js';
import { TtsError } from '../../base/errors.js';
import { claimTemporary, release } from '../../base/temporary.js';

/** Something that writes down what it hears. */
export interface Recogniser {
  readonly name: string;
  /** @param samples mono, in [-1, 1), at any rate in Hz; the same samples always give the same text */
  hear(samples: Float32Array, sampleRate: number): Promise<string>;
  dispose(): Promise<void>;
}

const program = 'pocketsphinx_batch';
/** What its acoustic model was trained on. */
const rate = 16_000;
/** Debian's packages of the program and of its US English model. */
const packages = 'Debian: apt-get install pocketsphinx pocketsphinx-en-us';
const execute = promisify(execFile);

/**
 * PocketSphinx (Huggins-Daines et al. 2006, ICASSP) with its US English model, both of Debian; other systems' builds of
 * `pocketsphinx_batch` take the same options. Each recording is heard by a process of its own, so that none depends on
 * those before it, and as many processes run side by side as there are threads.
 * @throws {TtsError} ERR_RECOGNISER where the program or its model is not installed
 */
export async function openRecogniser({ threads = availableParallelism() } = {}): Promise<Recogniser> {
  const folder = claimTemporary(join(tmpdir(), 'tts-words'));
  await mkdir(folder);
  const slots = new Slots(threads);
  let count = 0;
  const recogniser: Recogniser = {
    name: 'PocketSphinx, US English',
    async hear(samples, sampleRate) {
      const name = String(count++);
      const pcm = toInt16(resample(samples, sampleRate, rate));
      await writeFile(join(folder, `${name}.raw`), new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
      return slots.within(() => hearFile(folder, name));
    },
    async dispose() {
      await rm(folder, { recursive: true, force: true });
      release(folder);
    },
  };
  try {
    // What is not installed is told now, and not after minutes of speaking.
    await recogniser.hear(new Float32Array(rate / 10), rate);
  } catch (error) {
    await recogniser.dispose();
    throw error;
  }
  return recogniser;
}

/** Recognises `NAME.raw`, 16-bit samples of this machine's byte order, and removes it. */
async function hearFile(folder: string, name: string): Promise<string> {
  const path = (ending: string) => join(folder, `${name}.${ending}`);
  await writeFile(path('list'), `${name}\n`);
  try {
    await execute(program, [
      ...['-ctl', path('list'), '-cepdir', folder, '-cepext', '.raw', '-adcin', 'yes', '-samprate', String(rate)],
      ...['-hyp', path('text')],
    ]);
  } catch (cause) {
    throw new TtsError('ERR_RECOGNISER', whyNot(cause), { cause });
  }
  const text = parseHypothesis(await readFile(path('text'), 'utf8'));
  await Promise.all(['raw', 'list', 'text'].map((ending) => rm(path(ending))));
  return text;
}

function whyNot(error: unknown): string {
  const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
  if (code === 'ENOENT') return `${program} is not installed, expected the recogniser PocketSphinx (${packages})`;
  const complaints = stderr.split('\n').filter((line) => /^(ERROR|FATAL)/.test(line));
  const said = complaints.length === 0 ? String(error) : complaints.join(' ');
  return /-hmm|-lm|-dict/.test(said)
    ? `${program} has no model of US English, expected the one that it uses by itself (${packages}): ${said}`
    : `${program} failed: ${said}`;
}

/**
 * The text in the one line of a `-hyp` file, `TEXT (NAME SCORE)`. Empty where nothing was recognised.
 * @throws {TtsError} ERR_RECOGNISER for anything else
 */
export function parseHypothesis(line: string): string {
  const found = /^(.*?) ?\(\S+ -?\d+\)\s*$/.exec(line);
  if (!found)
    throw new TtsError(
      'ERR_RECOGNISER',
      `${program} wrote ${JSON.stringify(line.slice(0, 80))}, expected a line TEXT (NAME SCORE)`,
    );
  return found[1];
}

/** Lets so many pieces of work run at once; the others wait in the order in which they came. */
class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}
