import { basename, dirname, extname, resolve } from 'node:path';
import { TtsError } from '../base/errors.js';
import type { Clip } from '../data/corpora/corpus.js';

/** A clip as a system speaks it, beside the original; mono, in [-1, 1). */
export interface Spoken {
  readonly original: Float32Array;
  readonly output: Float32Array;
  /** Of both, in Hz. */
  readonly sampleRate: number;
  /** What is to be said of the recordings of this clip, for the report. */
  readonly notes?: readonly string[];
  /** Rate of a recording that was resampled to this one, in Hz. */
  readonly resampledFrom?: number;
  /** What only a voice has; see `ClipMeasures`. */
  readonly nll: number | null;
  readonly realTimeFactor: number | null;
}

/** Something that speaks clips: a voice, or a folder of recordings that another program has made. */
export interface System {
  readonly name: string;
  /** The voice's file, or the folder. */
  readonly path: string;
  /** How it speaks, for reports. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** The files that it reads to speak a clip, the original first. */
  recordings(clip: Clip): readonly string[];
  /** Speaks a clip; the same clip always gives the same samples. */
  speak(clip: Clip): Promise<Spoken>;
  dispose(): void;
}

/**
 * Short names for files or folders: the last part of the path (for a `voice.safetensors`, of its folder's path), with
 * as many parts before it as it takes to tell them apart.
 * @throws {TtsError} ERR_ARGUMENT when two are the same
 */
export function distinctNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => {
    const whole = resolve(path);
    const stem = basename(whole, '.safetensors');
    return (stem === 'voice' && extname(whole) !== '' ? dirname(whole) : resolve(dirname(whole), stem))
      .split(/[\\/]/)
      .filter((part) => part !== '');
  });
  const most = Math.max(...parts.map(({ length }) => length));
  for (let depth = 1; depth <= most; depth++) {
    const names = parts.map((list) => list.slice(-depth).join('-'));
    if (new Set(names).size === names.length) return names;
  }
  throw new TtsError(
    'ERR_ARGUMENT',
    `${paths.find((path, i) => paths.slice(0, i).some((other) => resolve(other) === resolve(path))) ?? paths[0]} ` +
      'is given twice, expected different systems',
  );
}

/** Counts the recordings that were resampled, for the notes of a report. */
export class Resampled {
  private readonly counts = new Map<string, number>();

  constructor(private readonly what: string) {}

  count(from: number, to: number): void {
    const key = `resampled from ${from} to ${to} Hz`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  notes(): string[] {
    return [...this.counts].map(
      ([how, count]) => `${this.what}: ${count} ${count === 1 ? 'recording was' : 'recordings were'} ${how}`,
    );
  }
}
