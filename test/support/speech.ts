import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAudio } from '../../src/audio/read.js';
import { writeWav } from '../../src/audio/write.js';

/** The clip of test/fixtures, and what its generators do to it. */
export const speechOf = async (clip: string): Promise<Float32Array> =>
  (await readAudio(`data/ljspeech-mini/${clip}.flac`)).samples;
export const speechRate = 22050;

/** Writes less than a second of each clip that ships to a new folder, for what wants all that are held out. */
export async function writeShortSpeech(folder: string): Promise<string> {
  mkdirSync(folder);
  for (const name of readdirSync('data/ljspeech-mini').filter((each) => each.endsWith('.flac'))) {
    const samples = (await speechOf(name.replace('.flac', ''))).subarray(0, 0.7 * speechRate);
    await writeWav(join(folder, name.replace('.flac', '.wav')), samples, speechRate);
  }
  return folder;
}

/** Numerical Recipes' linear congruential generator, as in the make_golden.py of test/fixtures. */
export function whiteNoise(length: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length }, () => (state = (Math.imul(1664525, state) + 1013904223) >>> 0) / 2 ** 31 - 1);
}

const energy = (samples: ArrayLike<number>): number =>
  Array.from(samples).reduce((sum, value) => sum + value * value, 0);

/** White noise added at a signal-to-noise ratio in dB. */
export function withNoise(clean: Float32Array, snr: number): Float32Array {
  const noise = whiteNoise(clean.length);
  const gain = Math.sqrt(energy(clean) / energy(noise) / 10 ** (snr / 10));
  return clean.map((value, i) => value + gain * noise[i]);
}

/** A signal without 300 of every 3,000 samples. */
export function shortened(clean: Float32Array): Float32Array {
  return clean.filter((_, i) => i % 3000 < 2700);
}

/**
 * A voice-like tone: ten harmonics under a falling spectrum, whose frequency in Hz is a function of the time in
 * seconds; 0 is silence.
 */
export function tone(frequencyAt: (seconds: number) => number, seconds: number, sampleRate = speechRate): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => {
    const frequency = frequencyAt(i / sampleRate);
    phase += (2 * Math.PI * frequency) / sampleRate;
    let sum = 0;
    for (let k = 1; k <= 10 && frequency > 0; k++) sum += Math.sin(k * phase + k) / k;
    return 0.2 * sum;
  });
}

export interface GoldenMeasures {
  readonly cases: readonly {
    readonly clip: string;
    readonly snr: number;
    readonly melCepstralDistortion: number;
    readonly logSpectralDistance: number;
    readonly f0Rmse: number;
    readonly voicingError: number;
    readonly harmonicity: number;
  }[];
  readonly tracks: Readonly<Record<string, readonly number[]>>;
  readonly warped: readonly {
    readonly clip: string;
    readonly pairs: number;
    readonly melCepstralDistortion: number;
    readonly f0Rmse: number;
    readonly voicingError: number;
    readonly harmonicity: number;
  }[];
  readonly statistics: readonly {
    readonly a: number[];
    readonly b: number[];
    readonly mean: Readonly<Record<string, number>>;
    readonly difference: Readonly<Record<string, number>>;
  }[];
}

/** See test/fixtures/measures. */
export const golden = JSON.parse(readFileSync('test/fixtures/measures/golden.json', 'utf8')) as GoldenMeasures;

/** Whether a value is within a tolerance of what is expected; says both if not. */
export function near(value: number | null, expected: number, tolerance: number): void {
  if (!(Math.abs((value ?? NaN) - expected) <= tolerance))
    throw new Error(`${value}, expected ${expected} ± ${tolerance}`);
}
