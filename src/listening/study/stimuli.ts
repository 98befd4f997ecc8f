import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWav } from '../../audio/write.js';
import { anchorSignal, degrade, trapSignal } from './degrade.js';
import { alignment, checkMeasurements, decode, measureAll, type Measurement } from './measure.js';
import type { ListeningTest } from './study_folder.js';

/** Bump when the same settings would give other samples. */
const version = 1;
/** Samples stay below this after matching, in dB of full scale. */
const headroom = -1;

/** The WAV files that listeners hear. */
export interface Stimuli {
  /** Path of a signal (a system, an anchor, a trap) of a clip. */
  path(signal: string, clip: string): string;
  /** Whether all systems' versions of a clip are of one length, so that switching keeps the position. */
  aligned(clip: string): boolean;
  /** Loudness of all of them in LUFS; null if it was left as it is. */
  readonly loudness: number | null;
  /** What the experimenter should know. */
  readonly notes: readonly string[];
}

/**
 * Checks the recordings, brings them to one loudness and makes anchors and traps, in the folder `prepared` of the test.
 * What is there already is not made again.
 * @param onProgress called with the number of clips whose recordings are ready, first with 0
 * @throws {TtsError} ERR_LISTENING_TEST if a recording does not fit; what `readAudio` and `writeWav` throw
 */
export async function prepareStimuli(
  test: ListeningTest,
  onProgress?: (done: number, all: number) => void,
): Promise<Stimuli> {
  const cache = join(test.folder, 'prepared');
  await mkdir(cache, { recursive: true });
  const clips = new Set([...test.clips, ...test.practice]);
  let ready = 0;
  onProgress?.(ready, clips.size);
  const measurements = await measureAll(test, cache);
  checkMeasurements(test, measurements);
  const loudness = commonLoudness(test, measurements);
  const paths = new Map<string, string>();
  const aligned = new Map<string, boolean>();
  for (const clip of clips) {
    const versions = measurements.filter((one) => one.clip === clip);
    const lengths = versions.map(({ seconds }) => seconds);
    const longest = Math.max(...lengths);
    aligned.set(clip, longest - Math.min(...lengths) <= alignment);
    for (const one of versions) {
      const rendering = { gain: loudness.gain(one), seconds: aligned.get(clip) ? longest : one.seconds };
      for (const signal of signalsFrom(test, one.system))
        paths.set(key(signal, clip), await render(test, cache, one, signal, rendering));
    }
    onProgress?.(++ready, clips.size);
  }
  return {
    path: (signal, clip) => {
      const path = paths.get(key(signal, clip));
      if (path === undefined) throw new Error(`no signal ${signal} of clip ${clip} was prepared`);
      return path;
    },
    aligned: (clip) => aligned.get(clip) as boolean,
    loudness: loudness.target,
    notes: [...loudness.notes, ...advice(test)],
  };
}

const key = (signal: string, clip: string): string => `${signal}/${clip}`;

/** The system that anchors and traps are made from. */
export const originalOf = (test: ListeningTest): string => test.reference ?? test.systems[0];

/** Names of the anchors of the test. */
export const anchorsOf = (test: { readonly anchors: readonly number[] }): string[] => test.anchors.map(anchorSignal);

function signalsFrom(test: ListeningTest, system: string): string[] {
  if (system !== originalOf(test)) return [system];
  return [system, ...anchorsOf(test), ...(test.traps > 0 ? [trapSignal] : [])];
}

/** The target, lowered if a clip would have to be clipped to reach it: all must stay equally loud. */
function commonLoudness(test: ListeningTest, measurements: readonly Measurement[]) {
  if (test.loudness === 'off') return { target: null, gain: () => 1, notes: [] };
  const wanted = test.loudness;
  const excess = (one: Measurement) => wanted - (one.loudness as number) + 20 * Math.log10(one.peak) - headroom;
  const worst = measurements.reduce((a, b) => (excess(b) > excess(a) ? b : a));
  const target = wanted - Math.max(0, excess(worst));
  const notes =
    excess(worst) > 0
      ? [`all clips are at ${target.toFixed(1)} LUFS instead of ${wanted}: louder, ${worst.path} would be clipped`]
      : [];
  return { target, gain: (one: Measurement) => 10 ** ((target - (one.loudness as number)) / 20), notes };
}

function advice(test: ListeningTest): string[] {
  // BS.1534-3, 7.1: 1.5 times the number of systems, at least 5.
  const systems = test.systems.filter((system) => system !== test.reference).length;
  const clips = Math.max(5, Math.ceil(1.5 * systems));
  return test.kind === 'mushra' && test.clips.length < clips
    ? [`${test.clips.length} clips; BS.1534-3 advises at least ${clips} for ${systems} systems`]
    : [];
}

/** Writes a signal unless it is there, and gives its path. */
async function render(
  test: ListeningTest,
  cache: string,
  source: Measurement,
  signal: string,
  { gain, seconds }: { gain: number; seconds: number },
): Promise<string> {
  const made = signal === source.system ? 'itself' : signal;
  const recipe = JSON.stringify({ version, source: source.hash, made, sampleRate: source.sampleRate, gain, seconds });
  const path = join(cache, `${createHash('sha256').update(recipe).digest('hex').slice(0, 32)}.wav`);
  if (existsSync(path)) return path;
  const { samples, sampleRate } = await decode(test, source.path);
  const padded = new Float32Array(Math.max(samples.length, Math.round(seconds * sampleRate)));
  padded.set(samples.map((sample) => sample * gain));
  await writeWav(path, made === 'itself' ? padded : degrade(signal, padded, sampleRate), sampleRate);
  return path;
}
