/**
 * Randomness as a pure function of (seed, stream, index): a counter-based generator needs no state to save, gives the
 * same numbers to any number of threads, and has the same definition in C++.
 */

/** The stream of each user of random numbers; two users of one seed never share numbers. */
export const streams = {
  initialisation: 1,
  masks: 2,
  batches: 3,
  sampling: 4,
  es: 5,
  blockNoise: 6,
  growth: 7,
  shuffledFitness: 8,
  heardNoise: 9,
  listeningTests: 10,
  augmentation: 11,
  dropout: 12,
  acousticNoise: 13,
} as const;

const two32 = 4294967296;

/**
 * The high 32 bits of the 64-bit product of two uint32, by 16-bit halves: no partial sum reaches 2^32, so that all of
 * it stays in integer registers.
 */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * Philox4x32 with ten rounds: four counter words and two key words to four uint32
 * (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3).
 */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): [number, number, number, number] {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

function checkInteger(name: string, value: number, limit: number): void {
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    throw new RangeError(`${name} is ${value}, expected an integer in 0 … ${limit}`);
  }
}

/**
 * Four uint32 for (seed, stream, index): `seed` and `index` are integers below 2^53, `stream` below 2^32.
 * Key = (seed low, seed high), counter = (index low, index high, stream, 0). Throws RangeError outside these.
 */
export function philox(seed: number, stream: number, index: number): [number, number, number, number] {
  checkInteger('seed', seed, Number.MAX_SAFE_INTEGER);
  checkInteger('stream', stream, two32 - 1);
  checkInteger('index', index, Number.MAX_SAFE_INTEGER);
  return philox4x32(index >>> 0, Math.floor(index / two32), stream, 0, seed >>> 0, Math.floor(seed / two32));
}

/** A sequence of random numbers: word `4i+j` of the sequence is `philox(seed, stream, i)[j]`. */
export class RandomStream {
  readonly seed: number;
  readonly stream: number;
  #index = 0;
  #words: readonly number[] = [];
  #used = 4;
  #spare: number | undefined;

  /** Starts at block `index` (default 0), so that a caller can start each of its steps far from the others. */
  constructor(seed: number, stream: number, index = 0) {
    philox(seed, stream, index);
    this.seed = seed;
    this.stream = stream;
    this.#index = index;
  }

  /** A uniform integer in 0 … 2^32 − 1. */
  uint32(): number {
    if (this.#used === 4) {
      this.#words = philox(this.seed, this.stream, this.#index++);
      this.#used = 0;
    }
    return this.#words[this.#used++];
  }

  /** A uniform number in [0, 1) of 24 bits, so exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24;
  }

  /** A uniform integer in 0 … n−1, without bias, for n in 1 … 2^53 − 1; above 2^32 it spends two words a try. */
  below(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`below(${n}): expected an integer in 1 … 2^53 - 1`);
    const wide = n > two32;
    const range = wide ? 2 ** 53 : two32;
    // Values at and above the largest multiple of n would favour the small remainders: draw again.
    const limit = range - (range % n);
    for (;;) {
      const value = wide ? (this.uint32() >>> 11) * two32 + this.uint32() : this.uint32();
      if (value < limit) return value % n;
    }
  }

  /** A number from the standard normal distribution, by the transform of Box and Muller; two words give two numbers. */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    // 1 − u is in (0, 1]: the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Puts the items into a uniformly random order, in place (Fisher and Yates), and returns them. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const item = items[i];
      (items as { [index: number]: unknown })[i] = items[j];
      (items as { [index: number]: unknown })[j] = item;
    }
    return items;
  }
}

/**
 * Fills `out` with standard normal numbers: number i is the (i+1)-th `normal()` of `new RandomStream(seed, stream,
 * index)`, rounded to the array's precision. A few times as fast as one call for each; the same ranges and errors.
 */
export function fillNormals(out: Float32Array | Float64Array, seed: number, stream: number, index: number): void {
  for (const checked of [index, index + Math.ceil(out.length / 4)]) philox(seed, stream, checked);
  const seedLow = seed >>> 0;
  const seedHigh = Math.floor(seed / two32) >>> 0;
  for (let i = 0; i < out.length; i += 4, index++) {
    // Philox again, with its words in local variables instead of an array.
    let c0 = index >>> 0;
    let c1 = (index / two32) >>> 0;
    let c2 = stream;
    let c3 = 0;
    let k0 = seedLow;
    let k1 = seedHigh;
    for (let round = 0; round < 10; round++) {
      const high0 = multiplyHigh(0xd2511f53, c0);
      const low0 = Math.imul(0xd2511f53, c0);
      const high1 = multiplyHigh(0xcd9e8d57, c2);
      const low1 = Math.imul(0xcd9e8d57, c2);
      c0 = high1 ^ c1 ^ k0;
      c1 = low1;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + 0x9e3779b9) | 0;
      k1 = (k1 + 0xbb67ae85) | 0;
    }
    // Box and Muller as in `RandomStream.normal`; what falls beyond the end of `out` is ignored by the array.
    const radius0 = Math.sqrt(-2 * Math.log(1 - (c0 >>> 8) * 2 ** -24));
    const angle0 = 2 * Math.PI * ((c1 >>> 8) * 2 ** -24);
    out[i] = radius0 * Math.cos(angle0);
    out[i + 1] = radius0 * Math.sin(angle0);
    const radius1 = Math.sqrt(-2 * Math.log(1 - (c2 >>> 8) * 2 ** -24));
    const angle1 = 2 * Math.PI * ((c3 >>> 8) * 2 ** -24);
    out[i + 2] = radius1 * Math.cos(angle1);
    out[i + 3] = radius1 * Math.sin(angle1);
  }
}
