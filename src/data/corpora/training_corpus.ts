import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { type ArchiveProgress, ensureUnpacked } from '../fetch/archive.js';
import { type Corpus, openCorpus } from './corpus.js';

/**
 * LJSpeech-1.1: 13,100 clips, 24 hours, public domain (Keith Ito and Linda Johnson, 2017). The digest is the one
 * torchaudio checks.
 */
export const ljSpeech = {
  name: 'LJSpeech-1.1',
  url: 'https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2',
  sha256: 'be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5',
  size: 2_748_572_632,
  suffix: '.tar.bz2',
  landmark: 'metadata.csv',
} as const;

/** How to get the corpus; url, sha256 and size are those of LJSpeech-1.1 unless given. */
export interface EnsureOptions {
  readonly url?: string;
  readonly sha256?: string;
  readonly size?: number;
  readonly onProgress?: ArchiveProgress;
}

/**
 * Makes sure that LJSpeech is in the folder `dir` (`metadata.csv`, `wavs/`) and returns its absolute path, fetching and
 * unpacking `dir.tar.bz2` as `ensureUnpacked` does. Throws what that throws.
 */
export async function ensureLjSpeech(dir: string, { onProgress, ...source }: EnsureOptions = {}): Promise<string> {
  try {
    return await ensureUnpacked(dir, { ...ljSpeech, ...source }, onProgress);
  } catch (error) {
    if (!(error instanceof TtsError) || error.code !== 'ERR_OFFLINE') throw error;
    throw new TtsError('ERR_OFFLINE', `${error.message}; or train on recordings you have: --data DIR`, {
      cause: error,
    });
  }
}

/** Where known corpora lie and are downloaded to, seen from the folder in which the command runs. */
const ljSpeechFolder = join('data', 'LJSpeech-1.1');

/**
 * Opens the corpus that a recipe names: `ljspeech`, fetched if it is missing and may be, or a folder of recordings.
 * @throws {TtsError} ERR_CORPUS when it is missing or holds nothing usable; what `ensureLjSpeech` throws
 */
export async function openTrainingCorpus(
  { corpus, download }: { corpus: string; download: boolean },
  onProgress?: EnsureOptions['onProgress'],
): Promise<Corpus> {
  if (corpus !== 'ljspeech') return openCorpus(corpus);
  if (!download && !existsSync(ljSpeechFolder))
    throw new TtsError(
      'ERR_CORPUS',
      `LJSpeech is not in ${ljSpeechFolder} and the recipe says download: false; ` +
        'expected the corpus there, or --data DIR',
    );
  return openCorpus(await ensureLjSpeech(ljSpeechFolder, { onProgress }));
}
