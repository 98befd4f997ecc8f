import type { Mask } from './mask.js';

/**
 * Sets the bytes of `mask` in `start … end-1` to 1 where the score is among the `count` highest of that range, else to 0; of equal scores the first
 * are taken. Linear time. Throws RangeError for a score that is not a number: the number of kept blocks would no longer be exact.
 */
export function markHighest(scores: Float64Array | Float32Array, start: number, end: number, count: number, mask: Mask): void {
  if (count <= 0 || count >= end - start) {
    mask.fill(count > 0 ? 1 : 0, start, end);
    return;
  }
  const threshold = kthHighest(scores.slice(start, end), count);
  let ties = count;
  for (let i = start; i < end; i++) {
    const score = scores[i];
    if (Number.isNaN(score)) throw new RangeError(`the score of block ${i} is not a number`);
    mask[i] = score > threshold ? 1 : 0;
    ties -= mask[i];
  }
  for (let i = start; ties > 0; i++) {
    if (scores[i] !== threshold) continue;
    mask[i] = 1;
    ties--;
  }
}

/**
 * The `count`-th highest of the values, which are reordered: Hoare's quickselect (1961, algorithm 65) with the median of three as pivot. Scans stop
 * at values equal to the pivot, so that many equal scores (blocks at zero) still halve the range.
 */
function kthHighest(values: Float64Array | Float32Array, count: number): number {
  const wanted = count - 1;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = medianOfThree(values[low], values[(low + high) >>> 1], values[high]);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] > pivot) i++;
      while (values[j] < pivot) j--;
      if (i > j) break;
      const value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
    // Now values[low … j] ≥ pivot ≥ values[i … high], and what lies between equals the pivot.
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else return pivot;
  }
  return values[low];
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
