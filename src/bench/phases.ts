import type { Kernels } from '../kernels/index.js';
import { medianOf } from './measure.js';

/**
 * A neighbour on the same core, such as another tenant's hyperthread, takes up to half of its speed, for milliseconds
 * or minutes. The speed of a short piece of known work before and after a timed call tells: quiet from this share of
 * the fastest on. A core that is shared gives a half, or a little more.
 */
const quietFrom = 0.75;

/** Medians of some calls by what else the core was doing; in seconds. */
export interface Phases {
  /** Of the calls, those that nothing disturbed, as far as the probe can tell. */
  readonly quietShare: number;
  /** Undefined where there was none. */
  readonly quiet?: number;
  readonly busy?: number;
}

/**
 * @param seconds of each call
 * @param rates of the probe: before the first call, and after each
 */
export function phasesOf(seconds: readonly number[], rates: readonly number[]): Phases {
  const least = quietFrom * rates.reduce((most, rate) => Math.max(most, rate), 0);
  const isQuiet = (i: number): boolean => Math.min(rates[i], rates[i + 1]) >= least;
  const quiet = seconds.filter((_, i) => isQuiet(i));
  const busy = seconds.filter((_, i) => !isQuiet(i));
  return {
    quietShare: quiet.length / seconds.length,
    ...(quiet.length > 0 && { quiet: medianOf(quiet) }),
    ...(busy.length > 0 && { busy: medianOf(busy) }),
  };
}

/** Medians of both phases as figures, in samples per second for calls of so many samples. */
export interface PhaseFigures {
  /** Share of the calls in phases in which nothing else seemed to use the core. */
  readonly quietShare: number;
  /** Their median; undefined where there were none. */
  readonly quietSamplesPerSecond?: number;
  /** That of the others. */
  readonly busySamplesPerSecond?: number;
}

export function phaseFigures({ quietShare, quiet, busy }: Phases, samples: number): PhaseFigures {
  return {
    quietShare,
    ...(quiet !== undefined && { quietSamplesPerSecond: samples / quiet }),
    ...(busy !== undefined && { busySamplesPerSecond: samples / busy }),
  };
}

/**
 * A function that takes a dense product [size, size] by [size, size] on one thread, and returns its speed in 10⁹
 * multiply-adds per second. Large ones come near the machine's peak; 64 is done in some microseconds and leaves most of
 * the caches alone.
 * @param kernels of one thread
 */
export function denseProbe(kernels: Kernels, size: number): () => number {
  const [a, b, c] = Array.from({ length: 3 }, () => new Float32Array(size * size).fill(0.5));
  return () => {
    const begun = performance.now();
    kernels.matMul(false, false, size, size, size, a, b, c);
    return size ** 3 / ((performance.now() - begun) / 1000) / 1e9;
  };
}
