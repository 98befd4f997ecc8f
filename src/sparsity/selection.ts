/**
 * Space to work in: scores that may be among the highest, and their blocks. It grows with the longest selection.
 */
let values = new Float64Array(0);
let blocks = new Int32Array(0);

/** Scores that are looked at to guess where the threshold lies. */
const sampleSize = 1024;

/**
 * Sets the bytes of `mask` in `start … end-1` to 1 where the score is among the `count` highest of that range, else to
 * 0; of equal scores the first are taken. Linear time. Throws RangeError for a score that is not a number: the number
 * of kept blocks would no longer be exact.
 */
export function markHighest(
  scores: Float64Array | Float32Array,
  start: number,
  end: number,
  count: number,
  mask: Uint8Array,
): void {
  mask.fill(0, start, end);
  addHighest(scores, start, end, count, mask);
}

/**
 * The same, but bytes that are 1 already stay so and do not count; only blocks whose byte is 0, and 1 in `among`, take
 * part. Where fewer than `count` do, all are set. Returns how many were set.
 */
export function addHighest(
  scores: Float64Array | Float32Array,
  start: number,
  end: number,
  count: number,
  mask: Uint8Array,
  among?: Uint8Array,
): number {
  if (count <= 0) return 0;
  if (values.length < end - start) {
    values = new Float64Array(end - start);
    blocks = new Int32Array(end - start);
  }
  // Usually few of many are wanted: most scores are looked at once and dropped as too low.
  let found = 0;
  let wanted = count;
  for (let bound = guess(scores, start, end, count, mask, among); ; bound = -Infinity) {
    let candidates = 0;
    found = 0;
    for (let i = start; i < end; i++) {
      if (mask[i] !== 0 || (among && among[i] === 0)) continue;
      candidates++;
      const score = scores[i];
      if (score < bound) continue;
      if (Number.isNaN(score)) throw new RangeError(`the score of block ${i} is not a number`);
      values[found] = score;
      blocks[found++] = i;
    }
    wanted = Math.min(count, candidates);
    if (found >= wanted) break;
  }
  if (wanted === 0) return 0;
  const threshold = kthHighest(values, found, wanted);
  let ties = wanted;
  for (let i = 0; i < found; i++) if (values[i] > threshold) ties--;
  for (let i = 0; i < found; i++) {
    const score = scores[blocks[i]];
    if (score > threshold || (score === threshold && ties-- > 0)) mask[blocks[i]] = 1;
  }
  return wanted;
}

/** A score that very likely is not above the `count`-th highest, from a sample; whether it is, the caller finds out. */
function guess(
  scores: Float64Array | Float32Array,
  start: number,
  end: number,
  count: number,
  mask: Uint8Array,
  among?: Uint8Array,
): number {
  // An odd stride does not coincide with the rows of a matrix.
  const stride = Math.floor((end - start) / sampleSize) | 1;
  let sampled = 0;
  for (let i = start; i < end; i += stride)
    if (mask[i] === 0 && !(among && among[i] === 0)) values[sampled++] = scores[i];
  // Of a sample one expects count/stride scores above the threshold; three standard deviations more, to be safe.
  const expected = count / stride;
  const rank = Math.ceil(expected + 3 * Math.sqrt(expected) + 3);
  return rank < sampled ? kthHighest(values, sampled, rank) : -Infinity;
}

/**
 * The `count`-th highest of the first `length` values, which are reordered: Hoare's quickselect (1961, algorithm 65)
 * with the median of three as pivot. Scans stop at values equal to the pivot, so that many equal scores (blocks at
 * zero) still halve the range.
 */
function kthHighest(values: Float64Array, length: number, count: number): number {
  const wanted = count - 1;
  let low = 0;
  let high = length - 1;
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
