import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { readWholeFile } from '../../base/whole_file.js';
import type { LabelledImages } from './images.js';

/** The images of one file. */
export interface CifarFile extends LabelledImages {
  /** Relative to the folder of the set. */
  readonly path: string;
}

const plane = 32 * 32;
const record = 1 + 3 * plane;

/**
 * Reads a file of CIFAR-10's binary version: records of one byte for the label and 3,072 for the image, its planes red,
 * green, blue, each row by row. The images come back as [images, 32, 32, 3]. Throws ERR_CORPUS for a file that is
 * empty, no whole number of records, or has labels above 9.
 */
export async function readCifarFile(dir: string, path: string): Promise<CifarFile> {
  const bytes = await readWholeFile(join(dir, path));
  const fail = (message: string) => new TtsError('ERR_CORPUS', `${join(dir, path)} ${message}`);
  if (bytes.length === 0 || bytes.length % record !== 0) {
    throw fail(
      `has ${bytes.length} bytes, expected a multiple of ${record} (records of CIFAR-10's binary version): ` +
        'cut short, or another format',
    );
  }
  const count = bytes.length / record;
  const labels = new Uint8Array(count);
  const images = new Uint8Array(count * 3 * plane);
  for (let i = 0; i < count; i++) {
    labels[i] = bytes[i * record];
    if (labels[i] > 9)
      throw fail(`has the label ${labels[i]} in record ${i}, expected 0 … 9 (CIFAR-100, or another format?)`);
    for (let channel = 0; channel < 3; channel++) {
      const from = i * record + 1 + channel * plane;
      for (let pixel = 0; pixel < plane; pixel++) images[(i * plane + pixel) * 3 + channel] = bytes[from + pixel];
    }
  }
  return { path, images, labels };
}
