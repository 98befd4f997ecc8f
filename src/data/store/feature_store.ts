import { join } from 'node:path';
import type { Augmentation } from '../../audio/augmentation.js';
import type { MelSettings } from '../../audio/mel_settings.js';
import { isUntreated, type Treatment } from '../../audio/treatment.js';
import { TtsError } from '../../base/errors.js';
import type { Clip, Corpus } from '../corpora/corpus.js';
import { type CorpusTreatment, untreatedCorpus } from '../corpora/corpus_treatment.js';
import { type ValidationChoice, validationIds } from '../corpora/split.js';
import type { FeatureStatistics } from '../features/fit.js';
import { buildClips, type BuiltClip } from './build.js';
import { type StoredClip, storedClip } from './clip.js';
import { corpusGain } from './corpus_gain.js';
import { filesOf, folderOf, hashOf, type Making } from './files.js';
import { notesOf } from './recording_facts.js';
import { readSealedJson, writeSealedJson } from './sealed.js';

export type { StoredClip } from './clip.js';

/** Audio and features of a corpus, on disk. */
export interface FeatureStore {
  readonly settings: MelSettings;
  /** What was done to the recordings before. */
  readonly treatment: Treatment;
  /** In dB, one for all clips of each corpus; none where each clip has its own, or none. */
  readonly gains: readonly number[];
  readonly bins: number;
  readonly hop: number;
  /** In ascending order of id, first the recordings, then their altered copies; these are called `id~1`, `id~2`, … */
  readonly train: readonly StoredClip[];
  readonly validation: readonly StoredClip[];
  /** Of the clips to train on. */
  readonly statistics: FeatureStatistics;
  /**
   * SHA-256 over the settings, the treatment, what alters copies, and each clip's id, content and side: equal hashes,
   * equal training data.
   */
  readonly hash: string;
  /** What there is to say of the recordings: those that are left out, doubtful levels, sample rates that differ. */
  readonly notes: readonly string[];
}

export interface FeatureStoreOptions {
  readonly corpus: Corpus;
  readonly settings: MelSettings;
  /** What is done to the recordings first; nothing unless given. */
  readonly treatment?: CorpusTreatment;
  /** Altered copies of the clips to train on; none unless given. */
  readonly augmentation?: Augmentation;
  /** Folder of the cache; any number of corpora and settings can share it. */
  readonly cacheDir: string;
  /** Number of worker threads that decode and analyse. */
  readonly threads: number;
  readonly validation: ValidationChoice;
  /** Called with the number of clips that are ready, first with those that were there. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with the number of clips whose loudness was measured, for a level per corpus. */
  readonly onLoudness?: (done: number, total: number) => void;
}

/** Stores of up to this many bytes are kept in memory once read. */
const residentBytes = 256 * 2 ** 20;

/**
 * Opens the features of a corpus; what the cache lacks is computed first. Files are keyed by the recordings' content,
 * the settings and the treatment, so a changed recording is noticed (by size or time of change) and a moved one is not
 * computed again. Files are checked against their checksums, and made again where they are damaged. A process that is
 * killed loses at most the clips that were being computed. Throws ERR_CORPUS if recordings cannot be used, none is left
 * to train on, or the split is impossible.
 */
export async function openFeatureStore({
  corpus,
  settings,
  treatment: { levelPer, ...treatment } = untreatedCorpus,
  augmentation,
  cacheDir,
  threads,
  validation,
  onProgress,
  onLoudness,
}: FeatureStoreOptions): Promise<FeatureStore> {
  // Before hours of work: a wrong list of validation clips should be reported at once.
  const heldOut = validationIds(corpus.clips, validation);
  const clips = [...corpus.clips].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const { sampleRate } = settings;
  let built: BuiltClip[] = [];
  const folders = new Map<BuiltClip, string>();
  const gains: number[] = [];
  const parts = [...new Set(clips.map((clip) => clip.corpus))].map((name) =>
    clips.filter((clip) => clip.corpus === name),
  );
  const heard = clips.filter(({ id }) => !heldOut.has(id)).length;
  const total = clips.length + heard * (augmentation?.copies ?? 0);
  let done = 0;
  const build = async (some: readonly Clip[], making: Making) => {
    const ready = await buildClips(some, making, cacheDir, threads, (now) => onProgress?.(done + now, total));
    done += some.length;
    for (const clip of ready) folders.set(clip, folderOf(cacheDir, making));
    built.push(...ready);
  };
  const makings: Making[] = [];
  for (const part of parts) {
    const gain =
      treatment.level !== null && levelPer === 'corpus'
        ? await corpusGain(part, { sampleRate, treatment }, cacheDir, threads, (...now) => onLoudness?.(...now))
        : undefined;
    if (gain !== undefined) gains.push(gain);
    makings.push({ settings, treatment, gain });
    await build(part, makings[makings.length - 1]);
  }
  const notes = notesOf(built, sampleRate);
  built = built.filter(({ frames }) => frames > 0);
  const kept = built.length;
  const usable = new Set(built.map(({ id }) => id));
  if (!built.some(({ id }) => !heldOut.has(id)))
    throw new TtsError('ERR_CORPUS', `nothing is left to train on: ${notes[0]}`);
  if (augmentation !== undefined) {
    const { copies, ...ranges } = augmentation;
    for (let copy = 0; copy < copies; copy++)
      for (const [i, part] of parts.entries()) {
        const some = part
          .filter(({ id }) => usable.has(id) && !heldOut.has(id))
          .map((clip) => ({ ...clip, id: `${clip.id}~${copy + 1}` }));
        await build(some, { ...makings[i], altered: { ...ranges, copy } });
      }
  }
  const { hop, bins } = settings;
  const bytes = built.reduce((sum, { frames }) => sum + frames * (2 * hop + 4 * bins), 0);
  const open = (clip: BuiltClip) =>
    storedClip(
      { id: clip.id, frames: clip.frames, hop, bins },
      filesOf(folders.get(clip) as string, clip.content),
      bytes <= residentBytes,
    );
  const train = built.filter(({ id }) => !heldOut.has(id)).map(open);
  const hash = hashOf({
    settings,
    ...(isUntreated(treatment) ? {} : { treatment, gain: parts.length > 1 ? gains : (gains[0] ?? null) }),
    ...(augmentation === undefined ? {} : { augmentation }),
    clips: built.slice(0, kept).map(({ id, content }) => [id, content, heldOut.has(id)]),
  });
  const statistics = join(folderOf(cacheDir, makings[0]), `statistics-${hash.slice(0, 16)}.json`);
  return {
    settings,
    treatment,
    gains,
    bins,
    hop,
    train,
    validation: built.filter(({ id }) => heldOut.has(id)).map(open),
    statistics: await cachedStatistics(statistics, train, bins),
    hash,
    notes,
  };
}

interface StatisticsFile {
  readonly mean: number[];
  readonly std: number[];
  readonly min: number;
  readonly max: number;
}

async function cachedStatistics(path: string, clips: readonly StoredClip[], bins: number): Promise<FeatureStatistics> {
  const kept = (await readSealedJson(path)) as StatisticsFile | undefined;
  if (kept !== undefined) return { ...kept, mean: Float32Array.from(kept.mean), std: Float32Array.from(kept.std) };
  const statistics = statisticsOf(clips, bins);
  const file = { ...statistics, mean: [...statistics.mean], std: [...statistics.std] } satisfies StatisticsFile;
  await writeSealedJson(path, file);
  return statistics;
}

/**
 * Mean and (population) standard deviation per bin, smallest and largest value, over all frames of the clips; one clip
 * at a time in memory.
 */
function statisticsOf(clips: readonly StoredClip[], bins: number): FeatureStatistics {
  const mean = new Float64Array(bins);
  const squares = new Float64Array(bins);
  let min = Infinity;
  let max = -Infinity;
  let count = 0;
  for (const clip of clips) {
    const data = clip.features(0, clip.frames);
    for (let frame = 0; frame < clip.frames; frame++) {
      count++;
      for (let bin = 0; bin < bins; bin++) {
        const value = data[frame * bins + bin];
        // Welford's update: no cancellation, however long the corpus.
        const delta = value - mean[bin];
        mean[bin] += delta / count;
        squares[bin] += delta * (value - mean[bin]);
        if (value < min) min = value;
        if (value > max) max = value;
      }
    }
  }
  return {
    mean: Float32Array.from(mean),
    std: Float32Array.from(squares, (sum) => Math.max(1e-5, Math.sqrt(sum / count))),
    min,
    max,
  };
}
