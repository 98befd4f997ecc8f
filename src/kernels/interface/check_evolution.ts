import { limits } from '../../base/limits.js';
import { checkArray, checkList, checkNumber, checkObject, checkWhole, wrong } from './check_values.js';
import type { PairNoise } from './evolution.js';

// As in check.ts: what passes is returned as a plain copy, for the kernels trust it. All throw ERR_ARGUMENT.

/** Of a random stream, an index. */
const numbersOfIndex = 4;

/** The noise of so many pairs, of so many numbers each. */
export function checkNoise(given: PairNoise, pairs: number, numbers: number): PairNoise {
  const { seed, stream, first, stride } = checkObject('noise', given);
  const seen = {
    seed: checkWhole('noise.seed', seed, limits.seed),
    stream: checkWhole('noise.stream', stream, { least: 0, most: 2 ** 32 - 1 }),
    first: checkWhole('noise.first', first, limits.seed),
    stride: checkWhole('noise.stride', stride, limits.seed),
  };
  const last = first + pairs * stride + Math.ceil(numbers / numbersOfIndex);
  if (last > Number.MAX_SAFE_INTEGER)
    throw wrong(`the noise of ${pairs} pairs ends at index ${last}, expected at most ${Number.MAX_SAFE_INTEGER}`);
  return seen;
}

/** Mean, sigma and the members that are made of them. */
export function checkMirrored(
  noise: PairNoise,
  mean: Float32Array,
  sigma: Float32Array,
  scale: number,
  given: readonly Float32Array[],
): { noise: PairNoise; members: Float32Array[] } {
  const { length } = checkArray('mean', 'Float32Array', mean);
  checkArray('sigma', 'Float32Array', sigma, length);
  checkNumber('scale', scale, limits.amount);
  const members = checkList('members', given);
  if (members.length % 2 !== 0) throw wrong(`members has ${members.length} elements, expected pairs`);
  members.forEach((member, m) => checkArray(`members[${m}]`, 'Float32Array', member, length));
  return { noise: checkNoise(noise, members.length / 2, length), members };
}
