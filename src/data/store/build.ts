import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { MelSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import { removeLeftovers } from '../../base/temporary.js';
import { writeWholeFile } from '../../base/whole_file.js';
import type { Clip } from '../corpora/corpus.js';
import { filesOf, folderOf, framesStored } from './files.js';

/** What a worker gets at its start. */
export interface WorkerData {
  readonly settings: MelSettings;
  readonly folder: string;
}

/** What a worker gets for each clip. */
export interface BuildTask {
  readonly index: number;
  readonly path: string;
}

/**
 * What a worker answers for each clip; `made` is absent where the cache has the files already. The main thread writes
 * them: signals come to it alone.
 */
export type BuildAnswer = { readonly index: number } & (
  | {
      readonly content: string;
      readonly frames: number;
      readonly made?: { readonly pcm: Int16Array; readonly features: Float32Array };
    }
  | { readonly error: string }
);

/** A clip whose two files are in the cache. */
export interface BuiltClip {
  readonly id: string;
  /** SHA-256 of the recording's file. */
  readonly content: string;
  readonly frames: number;
}

/**
 * Remembers the content of files by size and time of change, so that 13,100 files are recognised without reading them.
 */
type ContentIndex = Record<string, [size: number, modified: number, content: string]>;

const saveEvery = 256;

/** Temporary files that are older were left by a killed process; younger ones may be another's that is at work. */
const leftoverAge = 600_000;

function readIndex(path: string): ContentIndex {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ContentIndex;
  } catch {
    return {};
  }
}

/**
 * Makes the files of all clips that the cache lacks, on `threads` worker threads, and returns what there is, in the
 * order of `clips`. What was made stays if the process is killed. Throws ERR_CORPUS, at the end, if recordings cannot
 * be used.
 */
export async function buildClips(
  clips: readonly Clip[],
  settings: MelSettings,
  cacheDir: string,
  threads: number,
  onProgress: (done: number, total: number) => void,
): Promise<BuiltClip[]> {
  const folder = folderOf(cacheDir, settings);
  removeLeftovers(folder, leftoverAge);
  const indexPath = join(cacheDir, 'index.json');
  const index = readIndex(indexPath);
  // Noted before a file is read: if it changes meanwhile, the next run sees another time.
  const states = clips.map(({ path }) => statSync(path, { throwIfNoEntry: false }));
  const built: BuiltClip[] = [];
  const tasks: BuildTask[] = [];
  for (const [i, { id, path }] of clips.entries()) {
    const known = Object.hasOwn(index, path) ? index[path] : undefined;
    const content = known && known[0] === states[i]?.size && known[1] === states[i]?.mtimeMs ? known[2] : undefined;
    const frames = content === undefined ? undefined : framesStored(filesOf(folder, content), settings);
    if (content !== undefined && frames !== undefined) built[i] = { id, content, frames };
    else tasks.push({ index: i, path });
  }
  let done = clips.length - tasks.length;
  onProgress(done, clips.length);
  if (tasks.length === 0) return built;

  const failures: { index: number; error: string }[] = [];
  let unsaved = 0;
  const saveIndex = () => writeWholeFile(indexPath, Buffer.from(JSON.stringify(index)));
  await shareOut(tasks, { settings, folder }, threads, async (answer) => {
    const { id, path } = clips[answer.index];
    const state = states[answer.index];
    if ('error' in answer) failures.push(answer);
    else {
      const { content, frames, made } = answer;
      const files = filesOf(folder, content);
      if (made) {
        await writeWholeFile(files.pcm, bytesOf(made.pcm));
        await writeWholeFile(files.features, bytesOf(made.features));
      }
      built[answer.index] = { id, content, frames };
      if (state) index[path] = [state.size, state.mtimeMs, content];
    }
    if (++unsaved % saveEvery === 0) await saveIndex();
    onProgress(++done, clips.length);
  });
  await saveIndex();
  if (failures.length > 0) {
    const first = failures.reduce((a, b) => (a.index < b.index ? a : b));
    const { path } = clips[first.index];
    const what = first.error.includes(path) ? first.error : `${path}: ${first.error}`;
    throw new TtsError(
      'ERR_CORPUS',
      `${failures.length} of ${clips.length} recordings cannot be used; the first: ${what}`,
    );
  }
  return built;
}

const bytesOf = (array: Int16Array | Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Gives each worker a task whenever it has none, until all answers have been dealt with. */
async function shareOut(
  tasks: readonly BuildTask[],
  data: WorkerData,
  threads: number,
  onAnswer: (answer: BuildAnswer) => Promise<void>,
): Promise<void> {
  const queue = tasks.values();
  const workers: Worker[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      // Without the flags of this process: some, such as --input-type, would be taken for those of the worker's file.
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: data,
        execArgv: [],
      });
      workers.push(worker);
      const next = () => {
        const { done, value } = queue.next();
        if (done) resolve();
        else worker.postMessage(value);
      };
      worker.on('message', (answer: BuildAnswer) => void onAnswer(answer).then(next, reject));
      worker.on('error', reject);
      worker.on('exit', (status) => reject(new Error(`a worker of the feature store stopped with status ${status}`)));
      next();
    });
  try {
    await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, tasks.length)) }, work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
