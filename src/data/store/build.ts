import { makeFolder } from '../../base/output.js';
import { removeLeftovers } from '../../base/temporary.js';
import type { Clip } from '../corpora/corpus.js';
import { ContentIndex, stateOf } from './content_index.js';
import { filesOf, folderOf, framesStored, type Making } from './files.js';
import { writeSealed } from './sealed.js';
import { shareOut } from './workers.js';

/** What a worker gets at its start. */
export interface BuildData {
  readonly making: Making;
  readonly folder: string;
}

/**
 * What a worker answers for each clip; `made` is absent where the cache has the files already. The main thread writes
 * them: signals come to it alone.
 */
export interface BuildResult {
  readonly content: string;
  readonly frames: number;
  readonly made?: { readonly pcm: Int16Array; readonly features: Float32Array };
}

/** A clip whose two files are in the cache. */
export interface BuiltClip {
  readonly id: string;
  /** SHA-256 of the recording's file. */
  readonly content: string;
  readonly frames: number;
}

const saveEvery = 256;

/** Temporary files that are older were left by a killed process; younger ones may be another's that is at work. */
const leftoverAge = 600_000;

/**
 * Makes the files of all clips that the cache lacks, on `threads` worker threads, and returns what there is, in the
 * order of `clips`. What was made stays if the process is killed. Throws ERR_CORPUS, at the end, if recordings cannot
 * be used.
 */
export async function buildClips(
  clips: readonly Clip[],
  making: Making,
  cacheDir: string,
  threads: number,
  onProgress: (done: number, total: number) => void,
): Promise<BuiltClip[]> {
  const folder = folderOf(cacheDir, making);
  makeFolder(folder);
  for (const written of [cacheDir, folder]) removeLeftovers(written, leftoverAge);
  const index = new ContentIndex(cacheDir);
  // Noted before a file is read: if it changes meanwhile, the next run sees another time.
  const states = clips.map(({ path }) => stateOf(path));
  const built: BuiltClip[] = [];
  const missing: number[] = [];
  for (const [i, { id, path }] of clips.entries()) {
    const content = index.contentOf(path, states[i]);
    const frames = content === undefined ? undefined : await framesStored(filesOf(folder, content), making.settings);
    if (content !== undefined && frames !== undefined) built[i] = { id, content, frames };
    else missing.push(i);
  }
  let done = clips.length - missing.length;
  onProgress(done, clips.length);
  if (missing.length === 0) return built;

  let unsaved = 0;
  try {
    await shareOut<BuildResult>(clips, missing, {
      worker: new URL('./worker.js', import.meta.url),
      data: { making, folder } satisfies BuildData,
      threads,
      async onResult(i, { content, frames, made }) {
        const { id, path } = clips[i];
        const files = filesOf(folder, content);
        if (made) {
          await writeSealed(files.pcm, bytesOf(made.pcm));
          await writeSealed(files.features, bytesOf(made.features));
        }
        built[i] = { id, content, frames };
        index.remember(path, states[i], content);
        if (++unsaved % saveEvery === 0) await index.save();
      },
      onDone: () => onProgress(++done, clips.length),
    });
  } finally {
    await index.save();
  }
  return built;
}

const bytesOf = (array: Int16Array | Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
