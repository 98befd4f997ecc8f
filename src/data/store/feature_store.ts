import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MelSettings } from '../../audio/mel_settings.js';
import { isUntreated, type Treatment } from '../../audio/treatment.js';
import { TtsError } from '../../base/errors.js';
import { writeWholeFile } from '../../base/whole_file.js';
import type { Corpus } from '../corpora/corpus.js';
import { type CorpusTreatment, untreatedCorpus } from '../corpora/corpus_treatment.js';
import { type ValidationChoice, validationIds } from '../corpora/split.js';
import type { FeatureStatistics } from '../features/fit.js';
import { buildClips, type BuiltClip } from './build.js';
import { type StoredClip, storedClip } from './clip.js';
import { corpusGain } from './corpus_gain.js';
import { filesOf, folderOf, hashOf, type Making } from './files.js';
import { notesOf } from './recording_facts.js';

export type { StoredClip } from './clip.js';

/** Audio and features of a corpus, on disk. */
export interface FeatureStore {
  readonly settings: MelSettings;
  /** What was done to the recordings before. */
  readonly treatment: Treatment;
  /** In dB, that of all clips; absent where each has its own, or none. */
  readonly gain?: number;
  readonly bins: number;
  readonly hop: number;
  /** In ascending order of id. */
  readonly train: readonly StoredClip[];
  readonly validation: readonly StoredClip[];
  /** Of the clips to train on. */
  readonly statistics: FeatureStatistics;
  /** SHA-256 over the settings, the treatment and each clip's id, content and side: equal hashes, equal training data. */
  readonly hash: string;
  /** What there is to say of the recordings: those that are left out, doubtful levels, sample rates that differ. */
  readonly notes: readonly string[];
}

export interface FeatureStoreOptions {
  readonly corpus: Corpus;
  readonly settings: MelSettings;
  /** What is done to the recordings first; nothing unless given. */
  readonly treatment?: CorpusTreatment;
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
 * the settings and the treatment, so a changed recording is noticed (by size or time of change) and a moved one is not computed
 * again. A process that is killed loses at most the clips that were being computed. Throws ERR_CORPUS if recordings
 * cannot be used, none is left to train on, or the split is impossible.
 */
export async function openFeatureStore({
  corpus,
  settings,
  treatment: { levelPer, ...treatment } = untreatedCorpus,
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
  const gain =
    treatment.level !== null && levelPer === 'corpus'
      ? await corpusGain(clips, { sampleRate, treatment }, cacheDir, threads, (...now) => onLoudness?.(...now))
      : undefined;
  const making: Making = { settings, treatment, gain };
  const all = await buildClips(clips, making, cacheDir, threads, (done, total) => onProgress?.(done, total));
  const notes = notesOf(all, sampleRate);
  const built = all.filter(({ frames }) => frames > 0);
  if (!built.some(({ id }) => !heldOut.has(id)))
    throw new TtsError('ERR_CORPUS', `nothing is left to train on: ${notes[0]}`);
  const { hop, bins } = settings;
  const folder = folderOf(cacheDir, making);
  const bytes = built.reduce((sum, { frames }) => sum + frames * (2 * hop + 4 * bins), 0);
  const open = ({ id, frames, content }: BuiltClip) =>
    storedClip({ id, frames, hop, bins }, filesOf(folder, content), bytes <= residentBytes);
  const train = built.filter(({ id }) => !heldOut.has(id)).map(open);
  const hash = hashOf({
    settings,
    ...(isUntreated(treatment) ? {} : { treatment, gain: gain ?? null }),
    clips: built.map(({ id, content }) => [id, content, heldOut.has(id)]),
  });
  return {
    settings,
    treatment,
    gain,
    bins,
    hop,
    train,
    validation: built.filter(({ id }) => heldOut.has(id)).map(open),
    statistics: await cachedStatistics(join(folder, `statistics-${hash.slice(0, 16)}.json`), train, bins),
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
  try {
    const { mean, std, min, max } = JSON.parse(readFileSync(path, 'utf8')) as StatisticsFile;
    return { mean: Float32Array.from(mean), std: Float32Array.from(std), min, max };
  } catch {
    const statistics = statisticsOf(clips, bins);
    const file = { ...statistics, mean: [...statistics.mean], std: [...statistics.std] } satisfies StatisticsFile;
    await writeWholeFile(path, Buffer.from(JSON.stringify(file)));
    return statistics;
  }
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
