import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { download } from '../fetch/download.js';
import { parseIdx, readUnzipped } from './idx.js';
import type { ImageSet, LabelledImages } from './images.js';

/**
 * MNIST (LeCun, Cortes and Burges 1998, CC BY-SA 3.0): 60,000 + 10,000 images of 28 × 28, as four gzip files. The
 * digests are those of the unzipped files: copies that were packed again will do.
 */
export const mnist = {
  mirrors: ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/'],
  md5: {
    'train-images-idx3-ubyte': '6bbc9ace898e44ae57da46a324031adb',
    'train-labels-idx1-ubyte': 'a25bea736e30d166cdddb491f175f624',
    't10k-images-idx3-ubyte': '2646ac647ad5339dbf082846283269ea',
    't10k-labels-idx1-ubyte': '27ae3e4e09519cfbb04c329615203637',
  },
} as const;

type FileName = keyof typeof mnist.md5;
const fileNames = Object.keys(mnist.md5) as FileName[];

/** How to get the files; mirrors and digests are those of MNIST unless given. */
export interface MnistOptions {
  /** Addresses to which a file's name is appended, each ending in '/'; tried in order. */
  readonly mirrors?: readonly string[];
  /** MD5 of each file unzipped. */
  readonly md5?: Record<FileName, string>;
  readonly onProgress?: (file: string, received: number, total: number | undefined) => void;
}

/** The file in the folder, packed or not; undefined if there is none. */
function findFile(dir: string, name: FileName): string | undefined {
  // Some unpackers write the name with a dot.
  const dotted = name.replace('-idx', '.idx');
  return [`${name}.gz`, name, `${dotted}.gz`, dotted]
    .map((candidate) => join(dir, candidate))
    .find((path) => existsSync(path));
}

/**
 * Makes sure that the four files of MNIST are in the folder `dir` and returns its absolute path. Those that are missing
 * are fetched (resumable); all are checked by their unzipped content. Throws ERR_OFFLINE if no mirror can be reached,
 * ERR_CHECKSUM for a file that is not MNIST's, ERR_DOWNLOAD for anything else.
 */
export async function ensureMnist(
  dir: string,
  { mirrors = mnist.mirrors, md5 = mnist.md5, onProgress }: MnistOptions = {},
): Promise<string> {
  const root = resolve(dir);
  for (const name of fileNames) {
    const path = findFile(root, name);
    if (path === undefined)
      await fetchFile(root, name, mirrors, md5[name], (done, total) => onProgress?.(`${name}.gz`, done, total));
    else await checkContent(path, md5[name]);
  }
  return root;
}

async function checkContent(path: string, expected: string): Promise<void> {
  const digest = md5Of(await readUnzipped(path));
  if (digest !== expected)
    throw new TtsError(
      'ERR_CHECKSUM',
      `${path} has md5 ${digest} unzipped, expected ${expected}; remove it to fetch it again, or give the ` +
        'folder with --data if it is another set',
    );
}

const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

async function fetchFile(
  root: string,
  name: FileName,
  mirrors: readonly string[],
  md5: string,
  onProgress: (done: number, total: number | undefined) => void,
): Promise<void> {
  const failures: TtsError[] = [];
  for (const mirror of mirrors) {
    try {
      return await download(`${mirror}${name}.gz`, join(root, `${name}.gz`), { md5, unzipped: true, onProgress });
    } catch (error) {
      if (!(error instanceof TtsError)) throw error;
      failures.push(error);
    }
  }
  // A mirror that answered knows more than one that could not be reached.
  const answered = failures.find(({ code }) => code !== 'ERR_OFFLINE');
  if (answered) throw answered;
  const missing = fileNames.filter((file) => findFile(root, file) === undefined).map((file) => `${file}.gz`);
  throw new TtsError(
    'ERR_OFFLINE',
    `cannot reach ${mirrors.map((mirror) => new URL(mirror).host).join(' or ')}. Fetch ${missing.join(', ')} ` +
      `from ${mirrors[0]} on a machine that can, put them into ${root}, and run again`,
    { cause: failures[0] },
  );
}

/**
 * Reads a folder with MNIST's four files, packed or not: the whole set, an excerpt, or another set in the same format.
 * Throws ERR_CORPUS for files that are missing, damaged, cut short, no idx files, of unequal counts or with labels
 * above 9.
 */
export async function readMnist(dir: string): Promise<ImageSet> {
  const missing = fileNames.filter((name) => findFile(dir, name) === undefined);
  if (missing.length > 0) {
    throw new TtsError(
      'ERR_CORPUS',
      `${dir} lacks ${missing.join(', ')} (with or without .gz), expected the ` +
        `four files of MNIST, as at ${mnist.mirrors[0]}`,
    );
  }
  let official = true;
  const read = async (name: FileName, axes: number) => {
    const path = findFile(dir, name) as string;
    const bytes = await readUnzipped(path);
    official &&= md5Of(bytes) === mnist.md5[name];
    return { path, ...parseIdx(bytes, axes, path) };
  };
  const readPart = async (
    part: 'train' | 't10k',
  ): Promise<LabelledImages & { shape: readonly number[]; path: string }> => {
    const { shape, data: images, path } = await read(`${part}-images-idx3-ubyte`, 3);
    const { data: labels, path: labelsPath } = await read(`${part}-labels-idx1-ubyte`, 1);
    if (labels.length !== shape[0] || labels.length === 0) {
      throw new TtsError(
        'ERR_CORPUS',
        `${labelsPath} has ${labels.length} labels, ${path} has ${shape[0]} images, expected as many, at least one`,
      );
    }
    const { least, most } = limits.extent;
    if (shape.some((length, axis) => axis > 0 && !(length >= least && length <= most)))
      throw new TtsError(
        'ERR_CORPUS',
        `${path} has images of ${shape[1]} × ${shape[2]}, expected sides of ${least} to ${most} pixels`,
      );
    const wrong = labels.findIndex((label) => label > 9);
    if (wrong >= 0)
      throw new TtsError('ERR_CORPUS', `${labelsPath} has the label ${labels[wrong]} at ${wrong}, expected 0 … 9`);
    return { images, labels, shape, path };
  };
  const train = await readPart('train');
  const test = await readPart('t10k');
  const [, height, width] = train.shape;
  if (test.shape[1] !== height || test.shape[2] !== width) {
    throw new TtsError(
      'ERR_CORPUS',
      `${test.path} has images of ${test.shape[1]} × ${test.shape[2]}, expected ` +
        `${height} × ${width} as in ${train.path}`,
    );
  }
  const name = official ? 'MNIST' : basename(resolve(dir));
  const counted = (n: number) => n.toLocaleString('en-US');
  const description =
    `${name}${official ? '' : " (MNIST's format, not the whole of MNIST)"}: ${counted(train.labels.length)} ` +
    `training and ${counted(test.labels.length)} test images of ${height} × ${width} from ${dir}`;
  const part = ({ images, labels }: LabelledImages) => ({ images, labels });
  return { name, train: part(train), test: part(test), height, width, channels: 1, classes: 10, description };
}
