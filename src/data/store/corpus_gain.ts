import { join } from 'node:path';
import { gatedLoudness } from '../../audio/loudness.js';
import { readerVersion } from '../../audio/read.js';
import { gainFor, type Treatment } from '../../audio/treatment.js';
import { makeFolder } from '../../base/output.js';
import type { Clip } from '../corpora/corpus.js';
import { ContentIndex, stateOf } from './content_index.js';
import { hashOf } from './files.js';
import { readSealedJson, writeSealedJson } from './sealed.js';
import { shareOut } from './workers.js';

/** What a worker gets at its start. */
export interface LoudnessData {
  readonly sampleRate: number;
  readonly treatment: Treatment;
}

/** What a worker answers for each clip. */
export interface LoudnessResult {
  readonly content: string;
  /** See `blockEnergies`. */
  readonly energies: Float64Array;
}

/**
 * The gain in dB, to a hundredth, that brings all clips together to the level of a treatment: the loudness is measured
 * over the blocks of all, after the high-pass filter. It is kept for clips of the same content. Throws ERR_CORPUS, at
 * the end, if recordings cannot be used.
 */
export async function corpusGain(
  clips: readonly Clip[],
  { sampleRate, treatment }: LoudnessData,
  cacheDir: string,
  threads: number,
  onProgress: (done: number, total: number) => void,
): Promise<number> {
  const index = new ContentIndex(cacheDir);
  const states = clips.map(({ path }) => stateOf(path));
  const contents = clips.map(({ path }, i) => index.contentOf(path, states[i]));
  // The same clips under other names are as loud.
  const fileOf = () =>
    join(
      cacheDir,
      `gain-${hashOf({ readerVersion, sampleRate, treatment, contents: [...contents].sort() }).slice(0, 16)}.json`,
    );
  const known = contents.includes(undefined) ? undefined : await readGain(fileOf());
  if (known !== undefined) return known;

  let done = 0;
  onProgress(done, clips.length);
  const energies: Float64Array[] = [];
  await shareOut<LoudnessResult>(clips, [...clips.keys()], {
    worker: new URL('./loudness_worker.js', import.meta.url),
    data: { sampleRate, treatment } satisfies LoudnessData,
    threads,
    onResult(i, result) {
      energies[i] = result.energies;
      contents[i] = result.content;
      index.remember(clips[i].path, states[i], result.content);
    },
    onDone: () => onProgress(++done, clips.length),
  });
  const loudness = gatedLoudness(energies.flatMap((blocks) => [...blocks]));
  const gain = Math.round(100 * gainFor(loudness, treatment)) / 100;
  makeFolder(cacheDir);
  await index.save();
  await writeSealedJson(fileOf(), gain);
  return gain;
}

async function readGain(path: string): Promise<number | undefined> {
  const gain = await readSealedJson(path);
  return typeof gain === 'number' ? gain : undefined;
}
