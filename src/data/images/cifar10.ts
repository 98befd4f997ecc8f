import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { readWholeFile } from '../../base/whole_file.js';
import { listFolder } from '../corpora/files.js';
import { type ArchiveProgress, ensureUnpacked } from '../fetch/archive.js';
import type { ImageSet, LabelledImages } from './images.js';

/**
 * CIFAR-10, binary version: 50,000 + 10,000 images of 32 × 32 (Krizhevsky 2009, "Learning Multiple Layers of Features
 * from Tiny Images").
 */
export const cifar10 = {
  name: 'CIFAR-10 (binary version)',
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  size: 170_052_171,
  suffix: '.tar.gz',
  landmark: 'data_batch_1.bin',
} as const;

/** How to get the archive; url, md5 and size are those of CIFAR-10 unless given. */
export interface CifarOptions {
  readonly url?: string;
  readonly md5?: string;
  readonly size?: number;
  readonly onProgress?: ArchiveProgress;
}

/**
 * Makes sure that the folder `dir` has images of CIFAR-10 and returns its absolute path: any `*.bin` in it will
 * do; otherwise `dir.tar.gz` is fetched and unpacked as `ensureUnpacked` does. Throws what that throws.
 */
export async function ensureCifar10(dir: string, { onProgress, ...source }: CifarOptions = {}): Promise<string> {
  const root = resolve(dir);
  if (existsSync(root) && (await binFiles(root)).length > 0) return root;
  try {
    return await ensureUnpacked(root, { ...cifar10, ...source }, onProgress);
  } catch (error) {
    if (!(error instanceof TtsError) || error.code !== 'ERR_OFFLINE') throw error;
    throw new TtsError('ERR_OFFLINE', `${error.message}; or put what you have of its *.bin files into ${root}`, {
      cause: error,
    });
  }
}

async function binFiles(dir: string): Promise<string[]> {
  if (!statSync(dir).isDirectory())
    throw new TtsError('ERR_CORPUS', `${dir} is a file, expected the folder that holds it`);
  return (await listFolder(dir)).files.filter((path) => path.toLowerCase().endsWith('.bin')).sort();
}

/**
 * Reads every `*.bin` of a folder, subfolders included, as records of CIFAR-10's binary version; files whose names
 * begin with `test` are for testing, all others for training. A file that repeats another (labels as at its beginning)
 * is left out. Without a test file the last tenth of the training images is held out. The description says all that.
 * Sets with files or folders named `from_jpeg` are called so, and those that are not whole by their counts. Throws
 * ERR_CORPUS if there are no training images, or a file is cut short or not in the format.
 */
export async function readCifar10(dir: string): Promise<ImageSet> {
  if (!existsSync(dir))
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} does not exist, expected a folder with data_batch_1.bin … ` +
        'data_batch_5.bin and test_batch.bin, or some of them',
    );
  const found = await binFiles(dir);
  const all: CifarFile[] = [];
  for (const path of found) all.push(await readCifarFile(dir, path));
  const isTest = ({ path }: CifarFile) => /^test/i.test(basename(path));
  const training = withoutCopies(all.filter((file) => !isTest(file)));
  const testing = withoutCopies(all.filter(isTest));
  if (training.kept.length === 0) {
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} has ${found.length === 0 ? 'no *.bin files' : `only ${found.join(', ')}`}, expected training ` +
        `images of CIFAR-10's binary version, such as data_batch_1.bin (${cifar10.url})`,
    );
  }
  let train = joined(training.kept);
  let test = joined(testing.kept);
  const heldOut = testing.kept.length === 0;
  if (heldOut) [train, test] = splitLastTenth(train, dir);
  const counted = ({ labels }: LabelledImages) => labels.length.toLocaleString('en-US');
  const fromJpeg = [...training.kept, ...testing.kept].some(({ path }) => saysJpeg(resolve(dir, path)));
  const whole = train.labels.length === 50_000 && test.labels.length === 10_000;
  const name = `CIFAR-10${fromJpeg ? ' from JPEG copies' : ''}${whole ? '' : ` (${counted(train)} + ${counted(test)} images)`}`;
  const names = ({ kept }: { kept: readonly CifarFile[] }) => kept.map(({ path }) => path).join(', ');
  const description = [
    `${name}: ${counted(train)} training images (${names(training)})`,
    `${counted(test)} test images (${heldOut ? 'the last of the same files, held out' : names(testing)})`,
    ...[...training.leftOut, ...testing.leftOut].map(({ path, of }) => `without ${path}, which repeats ${of}`),
  ].join(', ');
  return { name, train, test, height: 32, width: 32, channels: 3, classes: 10, description };
}

/** The images of one file. */
interface CifarFile extends LabelledImages {
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
async function readCifarFile(dir: string, path: string): Promise<CifarFile> {
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

const saysJpeg = (path: string) => /from[-_]?jpe?g/i.test(path);

/** Fewer equal labels than this may be chance. */
const fewestLabels = 20;

/**
 * Leaves out files whose labels are those at the beginning of another one: the shorter of the two, or, where they are
 * equally long, the one from JPEG.
 */
function withoutCopies(files: readonly CifarFile[]): { kept: CifarFile[]; leftOut: { path: string; of: string }[] } {
  const byWorth = [...files].sort(
    (a, b) => b.labels.length - a.labels.length || Number(saysJpeg(a.path)) - Number(saysJpeg(b.path)),
  );
  const kept: CifarFile[] = [];
  const leftOut: { path: string; of: string }[] = [];
  for (const file of byWorth) {
    const original = kept.find(
      ({ labels }) => file.labels.length >= fewestLabels && file.labels.every((label, i) => label === labels[i]),
    );
    if (original) leftOut.push({ path: file.path, of: original.path });
    else kept.push(file);
  }
  return { kept: files.filter((file) => kept.includes(file)), leftOut };
}

function joined(files: readonly LabelledImages[]): LabelledImages {
  const count = files.reduce((sum, { labels }) => sum + labels.length, 0);
  const labels = new Uint8Array(count);
  const images = new Uint8Array(count * 3072);
  let at = 0;
  for (const file of files) {
    labels.set(file.labels, at);
    images.set(file.images, at * 3072);
    at += file.labels.length;
  }
  return { images, labels };
}

function splitLastTenth({ images, labels }: LabelledImages, dir: string): [LabelledImages, LabelledImages] {
  const held = Math.ceil(labels.length / 10);
  const kept = labels.length - held;
  if (kept === 0)
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} has one image and no test_batch.bin, expected at least two, of which one is held out`,
    );
  return [
    { images: images.subarray(0, kept * 3072), labels: labels.subarray(0, kept) },
    { images: images.subarray(kept * 3072), labels: labels.subarray(kept) },
  ];
}
