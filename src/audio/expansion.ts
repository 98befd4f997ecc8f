/**
 * How much may come out of a compressed file: so many times its size, at least 256 MiB and at most 4 GiB. Real
 * recordings and images stay far below (FLAC of speech has a ratio of 2 to 4, MNIST's files 5); a megabyte that was
 * made to fill the memory does not.
 *
 * @param size of the compressed file in bytes
 * @param least in bytes, that are always allowed
 * @returns in bytes
 */
export function mostExpanded(size: number, least = 2 ** 28): number {
  return Math.min(2 ** 32, Math.max(least, mostRatio * size));
}

const mostRatio = 200;
