import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { type Corpus, openCorpus } from './corpus.js';
import { ensureLjSpeech, type EnsureOptions } from './ljspeech.js';

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
