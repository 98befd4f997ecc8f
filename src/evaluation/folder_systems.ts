import { dirname, join } from 'node:path';
import { readRecording, readWithFaults } from '../audio/read.js';
import { resample } from '../audio/resample.js';
import { writeWav } from '../audio/write.js';
import { TtsError } from '../base/errors.js';
import { makeFolder } from '../base/output.js';
import { type FileSource, nameOf } from '../base/whole_file.js';
import { type Clip, openCorpus } from '../data/corpora/corpus.js';
import { sameName } from '../data/corpora/text.js';
import { distinctNames, type Spoken, type System } from './system.js';

/** Recordings whose lengths differ by more than so many seconds are not the same speech at the same time. */
const lengthTolerance = 0.1;

/** Folders of recordings, and the clips that they have in common with the originals. */
export interface FolderSystems {
  readonly systems: System[];
  /** The originals, in ascending order of id. */
  readonly clips: readonly Clip[];
}

/**
 * Opens folders of recordings, one folder for each system, with files named as the originals are. There may be more
 * originals than recordings.
 * @param warped whether the recordings have a rhythm of their own; else one whose length differs from the original's by
 * more than 0.1 s is refused when it is read
 * @throws {TtsError} ERR_CORPUS when there is no such folder, a recording has no original, or a system lacks a clip of
 * another
 */
export async function openFolderSystems(
  folders: readonly string[],
  reference: string,
  warped: boolean,
): Promise<FolderSystems> {
  const names = distinctNames(folders);
  const originals = new Map((await openCorpus(reference)).clips.map((clip) => [clip.id, clip]));
  const spoken = await Promise.all(
    folders.map(async (folder) => new Map((await openCorpus(folder)).clips.map((clip) => [clip.id, clip]))),
  );
  spoken.forEach((clips, i) => {
    const without = [...clips.keys()].filter((id) => !originals.has(id));
    if (without.length > 0)
      throw new TtsError(
        'ERR_CORPUS',
        `${without.length} of the ${clips.size} recordings in ${folders[i]} have no original in ` +
          `${reference}; the first is ${without[0]}, expected names such as ${[...originals.keys()][0]}`,
      );
    const lacking = [...spoken[0].keys()].filter((id) => !clips.has(id));
    if (lacking.length > 0)
      throw new TtsError(
        'ERR_CORPUS',
        `${folders[i]} lacks ${lacking.length} of the ${spoken[0].size} recordings in ${folders[0]}; the ` +
          `first is ${lacking[0]}, expected the same clips of every system`,
      );
    const more = [...clips.keys()].filter((id) => !spoken[0].has(id));
    if (more.length > 0)
      throw new TtsError(
        'ERR_CORPUS',
        `${folders[0]} lacks ${more.length} of the ${clips.size} recordings in ${folders[i]}; the first is ` +
          `${more[0]}, expected the same clips of every system`,
      );
  });
  return {
    systems: folders.map((path, i) => folderSystem(names[i], path, spoken[i], warped)),
    clips: [...originals.values()].filter(({ id }) => spoken[0].has(id)),
  };
}

function folderSystem(name: string, path: string, clips: ReadonlyMap<string, Clip>, warped: boolean): System {
  return {
    name,
    path,
    settings: {},
    recordings: ({ id, path: original }) => [original, (clips.get(id) as Clip).path],
    speak: ({ id, path: original }) => besideOriginal(original, (clips.get(id) as Clip).path, warped),
    dispose: () => undefined,
  };
}

/**
 * A recording beside its original.
 * @param warped see `openFolderSystems`
 * @throws {TtsError} what `readRecording` and `readWithFaults` throw; ERR_AUDIO_LEVEL, ERR_CORPUS
 */
export async function besideOriginal(original: FileSource, own: FileSource, warped: boolean): Promise<Spoken> {
  const { samples, sampleRate, notes } = await readRecording(original);
  const recording = await readWithFaults(own);
  // A copy that is silent is a bad copy, and measured; one at another scale is no audio.
  const scale = recording.faults.find(({ kind }) => kind === 'scale');
  if (scale) throw new TtsError('ERR_AUDIO_LEVEL', `${nameOf(own)} ${scale.what}`);
  const output = resample(recording.samples, recording.sampleRate, sampleRate);
  const [seconds, expected] = [output.length / sampleRate, samples.length / sampleRate];
  if (!warped && Math.abs(seconds - expected) > lengthTolerance) {
    throw new TtsError(
      'ERR_CORPUS',
      `${nameOf(own)} lasts ${seconds.toFixed(2)} s and its original ${nameOf(original)} ${expected.toFixed(2)} ` +
        `s, expected at most ${lengthTolerance} s of difference in copies; for ` +
        'speech with a rhythm of its own there is --dtw',
    );
  }
  // An offset is measured as any other difference; its remedy is one of training.
  const faults = recording.faults.filter(({ kind }) => kind !== 'offset');
  const said = [...notes, ...faults.map(({ what }) => `${nameOf(own)} ${what}`)];
  const resampledFrom = recording.sampleRate === sampleRate ? undefined : recording.sampleRate;
  return { original: samples, output, sampleRate, notes: said, resampledFrom, nll: null, realTimeFactor: null };
}

/**
 * Chooses some of a folder's clips.
 * @param ids all clips unless given
 * @param limit at most this many, from the first on
 * @throws {TtsError} ERR_CORPUS when one is missing
 */
export function chooseClips(
  clips: readonly Clip[],
  folder: string,
  { ids: chosen, limit = Infinity }: { ids?: readonly string[]; limit?: number },
): Clip[] {
  const ids = chosen?.map(sameName);
  const missing = ids?.filter((id) => clips.every((clip) => clip.id !== id)) ?? [];
  if (missing.length > 0)
    throw new TtsError(
      'ERR_CORPUS',
      `${folder} has no clip ${missing[0]}, expected one of its ${clips.length}, such as ${clips[0].id}`,
    );
  return clips.filter(({ id }) => ids === undefined || ids.includes(id)).slice(0, limit);
}

/** The folder of the originals beside those of the systems. */
export const referenceFolder = 'reference';

/** Where `saveSpoken` writes a clip. */
export const spokenPath = (out: string, folder: string, id: string): string => join(out, folder, `${id}.wav`);

/**
 * Writes a clip as `out/FOLDER/CLIP.wav`, 16-bit; `folder` is the system's name, or that of the originals.
 * @throws {TtsError} ERR_FILE_WRITE; ERR_FILE_EXISTS for a file that is there and no WAV
 */
export async function saveSpoken(
  out: string,
  folder: string,
  id: string,
  samples: Float32Array,
  sampleRate: number,
): Promise<void> {
  const path = spokenPath(out, folder, id);
  makeFolder(dirname(path));
  await writeWav(path, samples, sampleRate);
}
