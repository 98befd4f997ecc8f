import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeImages, type Outcome, tryDamaged } from '../support/damaged_answers.js';
import { folderForInputs, type FuzzedReader } from './reader.js';

const images = await (async () => {
  const folder = folderForInputs();
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return makeImages(folder);
})();

/** answers.sqlite: the seed alone makes the damage, and `tryDamaged` the files and the checks. */
export const answers: FuzzedReader<Outcome> = {
  make: (random) => ({ files: { seed: Buffer.from(String(random.uint32() >>> 8)) } }),
  read(folder) {
    const seed = Number(readFileSync(join(folder, 'seed'), 'utf8'));
    return tryDamaged(folder, images[seed % images.length], seed);
  },
  check: () => undefined,
};
