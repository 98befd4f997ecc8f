import { makeFolder } from '../../base/output.js';
import { removeLeftovers } from '../../base/temporary.js';
import type { Clip } from '../corpora/corpus.js';
import { ContentIndex, stateOf } from './content_index.js';
import { filesOf, folderOf, framesStored, type Making } from './files.js';
import { FactsOfRecordings, type RecordingFacts } from './recording_facts.js';
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
  /** Of a recording that was decoded. Nothing is made of one that is left out: it has 0 frames. */
  readonly facts?: RecordingFacts;
}

/** A clip whose two files are in the cache, or one with 0 frames, that is left out. */
export interface BuiltClip {
  readonly id: string;
  readonly path: string;
  /** Unknown where a killed process made the files. */
  readonly facts?: RecordingFacts;
  /** SHA-256 of the recording's file. */
  readonly content: string;
  readonly frames: number;
}

const saveEvery = 256;

/** Temporary files that are older were left by a killed process; younger ones may be another's that is at work. */
const leftoverAge = 600_000;

/**
 * Makes the files of all clips that the cache lacks, on `threads` worker threads, and returns what there is, in the
 * order of `clips`. What was made stays if the process is killed. Recordings whose level makes them useless are left
 * out: they have 0 frames. Throws ERR_CORPUS, at the end, if recordings cannot
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
  const facts = new FactsOfRecordings(folder);
  // Noted before a file is read: if it changes meanwhile, the next run sees another time.
  const states = clips.map(({ path }) => stateOf(path));
  const built: BuiltClip[] = [];
  const missing: number[] = [];
  for (const [i, { id, path }] of clips.entries()) {
    const content = index.contentOf(path, states[i]);
    const known = content === undefined ? undefined : facts.of(content);
    const stored = async () =>
      content === undefined ? undefined : framesStored(filesOf(folder, content), making.settings);
    const frames = known?.leftOut === undefined ? await stored() : 0;
    if (content !== undefined && frames !== undefined) built[i] = { id, path, content, frames, facts: known };
    else missing.push(i);
  }
  let done = clips.length - missing.length;
  onProgress(done, clips.length);
  if (missing.length === 0) return built;

  let unsaved = 0;
  const save = async () => {
    makeFolder(folder);
    await facts.save();
    await index.save();
  };
  try {
    await shareOut<BuildResult>(clips, missing, {
      worker: new URL('./worker.js', import.meta.url),
      data: { making, folder } satisfies BuildData,
      threads,
      async onResult(i, { content, frames, made, facts: found }) {
        const { id, path } = clips[i];
        const files = filesOf(folder, content);
        if (made) {
          await writeSealed(files.pcm, bytesOf(made.pcm));
          await writeSealed(files.features, bytesOf(made.features));
        }
        if (found) facts.remember(content, found);
        built[i] = { id, path, content, frames, facts: facts.of(content) };
        index.remember(path, states[i], content);
        if (++unsaved % saveEvery === 0) await save();
      },
      onDone: () => onProgress(++done, clips.length),
    });
  } finally {
    await save();
  }
  return built;
}

const bytesOf = (array: Int16Array | Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
