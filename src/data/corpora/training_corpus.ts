import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { type ArchiveProgress, ensureUnpacked, type PublishedArchive } from '../fetch/archive.js';
import { type Corpus, openCorpus } from './corpus.js';

/** A corpus that can be fetched. */
export interface PublishedCorpus extends PublishedArchive {
  /** Where it lies and is downloaded to, seen from the folder in which the command runs. */
  readonly folder: string;
  /** The part of it that `openCorpus` opens. */
  readonly recordings: string;
  /** So many clips with a transcript it has at least; for archives without a digest. */
  readonly clips?: number;
}

/**
 * LJSpeech-1.1: 13,100 clips, 24 hours, public domain (Keith Ito and Linda Johnson, 2017). The digest is the one
 * torchaudio checks.
 */
export const ljSpeech: PublishedCorpus = {
  name: 'LJSpeech-1.1',
  url: 'https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2',
  sha256: 'be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5',
  size: 2_748_572_632,
  suffix: '.tar.bz2',
  landmark: 'metadata.csv',
  folder: join('data', 'LJSpeech-1.1'),
  recordings: '.',
};

/**
 * Kathleen: a US English voice that reads phrases of CMU ARCTIC at home, 79 minutes or more, CC0 1.0 (Rhasspy, 2020).
 * GitHub packs the archive of a commit when it is asked for, to bytes that may differ, so there is no digest of it: the
 * commit is in its address, gzip's own checksum finds damage, and the clips are counted.
 */
export const kathleen: PublishedCorpus = {
  name: 'the Kathleen corpus',
  url: 'https://github.com/rhasspy/dataset-voice-kathleen/archive/c51cb971036a127359b43c621f26ca5081eab13e.tar.gz',
  suffix: '.tar.gz',
  landmark: join('data', 'arctic_a0001_1592748574.wav'),
  folder: join('data', 'kathleen'),
  recordings: 'data',
  clips: 1_560,
};

const published: Readonly<Record<string, PublishedCorpus>> = { ljspeech: ljSpeech, kathleen };

/**
 * Makes sure that a published corpus is in its folder and returns the folder's absolute path, fetching and unpacking
 * the archive as `ensureUnpacked` does. Throws what that throws.
 */
export async function ensureCorpus(corpus: PublishedCorpus, onProgress?: ArchiveProgress): Promise<string> {
  try {
    return await ensureUnpacked(corpus.folder, corpus, onProgress);
  } catch (error) {
    if (!(error instanceof TtsError) || error.code !== 'ERR_OFFLINE') throw error;
    throw new TtsError('ERR_OFFLINE', `${error.message}; or train on recordings you have: --data DIR`, {
      cause: error,
    });
  }
}

/**
 * Opens a published corpus, fetching it if it is missing and `download` allows it.
 * @throws {TtsError} ERR_CORPUS when it is missing, or lacks clips or transcripts; what `ensureCorpus` throws
 */
export async function openPublished(
  corpus: PublishedCorpus,
  download: boolean,
  onProgress?: ArchiveProgress,
): Promise<Corpus> {
  const { name, folder, recordings } = corpus;
  if (!download && !existsSync(folder))
    throw new TtsError(
      'ERR_CORPUS',
      `${name} is not in ${folder} and the recipe says download: false; expected the corpus there, or --data DIR`,
    );
  const root = await ensureCorpus(corpus, onProgress);
  const opened = await openCorpus(join(root, recordings));
  const { clips = 0 } = corpus;
  const whole = opened.clips.filter(({ text }) => text !== undefined).length;
  if (whole < clips)
    throw new TtsError(
      'ERR_CORPUS',
      `${root} has ${whole} recordings with transcripts, expected at least ${clips} of ${name}; remove the ` +
        'folder to fetch it again, or train on it as it is: --data DIR',
    );
  return opened;
}

/**
 * Opens what a recipe names: a published corpus by its name, fetched if it is missing and may be, or a folder of
 * recordings; or several, as one.
 * @throws {TtsError} ERR_CORPUS when it is missing or holds nothing usable; what `openPublished` throws
 */
export async function openTrainingCorpus(
  { corpus, download }: { corpus: string | readonly string[]; download: boolean },
  onProgress?: ArchiveProgress,
): Promise<Corpus> {
  const open = (name: string): Promise<Corpus> =>
    Object.hasOwn(published, name) ? openPublished(published[name], download, onProgress) : openCorpus(name);
  if (typeof corpus === 'string') return open(corpus);
  const all: Corpus[] = [];
  for (const each of corpus) all.push(await open(each));
  return all.length === 1 ? all[0] : joinCorpora(all);
}

/** What a model says that it was trained on: names of published corpora and of folders; where these lay is nobody's business. */
export function corpusNames(corpus: string | readonly string[]): string {
  return [corpus]
    .flat()
    .map((each) => (Object.hasOwn(published, each) ? each : basename(resolve(each))))
    .join(', ');
}

/**
 * Several corpora as one: ids begin with the name of the corpus, which is numbered where two have the same name; each
 * keeps its own level (see `CorpusTreatment`).
 */
export function joinCorpora(corpora: readonly Corpus[]): Corpus {
  const names = corpora.map(({ name }, i) => {
    const before = corpora.slice(0, i).filter((other) => other.name === name).length;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
  const clips = corpora.flatMap((each, i) =>
    each.clips.map((clip) => ({ ...clip, id: `${names[i]}/${clip.id}`, corpus: names[i] })),
  );
  const notes = corpora.flatMap((each) => each.notes ?? []);
  return {
    name: names.join(', '),
    clips: clips.sort((a, b) => (a.id < b.id ? -1 : 1)),
    ...(notes.length > 0 && { notes }),
  };
}
