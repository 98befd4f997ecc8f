/**
 * Matches two sequences so that the costs are least: of pairs, by `cost`, and 1 for each element that has no partner.
 *
 * @returns pairs of indices in ascending order; undefined where one side has no partner
 */
export function matchSequences<A, B>(
  left: readonly A[],
  right: readonly B[],
  cost: (a: A, b: B) => number,
): [number | undefined, number | undefined][] {
  const width = right.length + 1;
  const least = new Float64Array((left.length + 1) * width);
  for (let j = 1; j < width; j++) least[j] = j;
  for (let i = 1; i <= left.length; i++) {
    least[i * width] = i;
    for (let j = 1; j < width; j++)
      least[i * width + j] = Math.min(
        least[(i - 1) * width + j - 1] + cost(left[i - 1], right[j - 1]),
        least[(i - 1) * width + j] + 1,
        least[i * width + j - 1] + 1,
      );
  }
  const pairs: [number | undefined, number | undefined][] = [];
  for (let i = left.length, j = right.length; i > 0 || j > 0;) {
    const here = least[i * width + j];
    if (i > 0 && j > 0 && here === least[(i - 1) * width + j - 1] + cost(left[i - 1], right[j - 1]))
      pairs.push([--i, --j]);
    else if (i > 0 && here === least[(i - 1) * width + j] + 1) pairs.push([--i, undefined]);
    else pairs.push([undefined, --j]);
  }
  return pairs.reverse();
}
