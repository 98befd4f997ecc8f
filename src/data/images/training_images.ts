import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { ensureCifar10, readCifar10 } from './cifar10.js';
import type { ImageSet } from './images.js';
import { ensureMnist, readMnist } from './mnist.js';

/** Where known sets lie and are downloaded to, seen from the folder in which the command runs. */
const folders = { mnist: join('data', 'mnist'), cifar10: join('data', 'cifar-10-batches-bin') } as const;

/** Which images to open. */
export interface ImageSource {
  readonly dataset: 'mnist' | 'cifar10';
  /** A folder with files in the set's format; default: the set's own folder under `data`. */
  readonly folder?: string;
  /** Whether the set is downloaded if its own folder does not have it. */
  readonly download: boolean;
}

/**
 * Opens the images that a recipe names. With `download`, MNIST's own folder is checked against the published files;
 * those of a folder that is given only have to be in the format. Throws ERR_CORPUS when they are missing or not usable;
 * what `ensureMnist` and `ensureCifar10` throw.
 */
export async function openTrainingImages(
  { dataset, folder, download }: ImageSource,
  onProgress?: (what: string, done: number, total: number | undefined) => void,
): Promise<ImageSet> {
  const read = dataset === 'mnist' ? readMnist : readCifar10;
  if (folder !== undefined) return read(folder);
  const own = folders[dataset];
  if (!download && !existsSync(own)) {
    throw new TtsError(
      'ERR_CORPUS',
      `${dataset} is not in ${own} and the recipe says download: false; expected its files there, or --data DIR`,
    );
  }
  if (download) await (dataset === 'mnist' ? ensureMnist(own, { onProgress }) : ensureCifar10(own, { onProgress }));
  return read(own);
}
