import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWav } from '../../audio/write.js';
import { makeFolder } from '../../base/output.js';
import { writeWholeFile } from '../../base/whole_file.js';
import { alignment, checkMeasurements, decode, measureAll, type Measurement } from './measure.js';
import { anchorsOf, degrade, originalOf, trapSignal } from './signals.js';
import type { Study } from './study_folder.js';

/** To be raised when the same settings would give other samples. */
const version = 1;
/** Samples stay below this after matching, in dB of full scale. */
const headroom = -1;

/** A WAV file as it was when the study began. */
export interface PreparedFile {
  readonly path: string;
  /** SHA-256 of its content. */
  readonly hash: string;
  /** In bytes. */
  readonly size: number;
  /**
   * When it was written, in ms since 1970: a file that has another size or time since is not the one that was checked.
   */
  readonly modified: number;
}

/** The WAV files that listeners hear. */
export interface Stimuli {
  /** The file of a signal (a system, an anchor, a trap) of a clip. */
  file(signal: string, clip: string): PreparedFile;
  /** Whether all versions of a clip have one length, so that a switch can keep the position. */
  aligned(clip: string): boolean;
  /** Loudness of all of them in LUFS; null if it was left alone. */
  readonly loudness: number | null;
  /** What the experimenter should know. */
  readonly notes: readonly string[];
}

/**
 * Checks the recordings, gives them one loudness and makes anchors and traps, in the study's folder `prepared`. What is
 * there already is not made again.
 * @param onProgress called with the number of clips whose recordings are ready, first with 0
 * @throws {TtsError} ERR_LISTENING_TEST if a recording does not fit; what `readAudio` and `writeWav` throw
 */
export async function prepareStimuli(study: Study, onProgress?: (done: number, all: number) => void): Promise<Stimuli> {
  const cache = join(study.folder, 'prepared');
  makeFolder(cache);
  const clips = new Set([...study.clips, ...study.practice]);
  let ready = 0;
  onProgress?.(ready, clips.size);
  const measurements = await measureAll(study, cache);
  checkMeasurements(study, measurements);
  const loudness = commonLoudness(study, measurements);
  const files = new Map<string, PreparedFile>();
  const aligned = new Map<string, boolean>();
  for (const clip of clips) {
    const versions = measurements.filter((one) => one.clip === clip);
    const lengths = versions.map(({ seconds }) => seconds);
    const longest = Math.max(...lengths);
    aligned.set(clip, longest - Math.min(...lengths) <= alignment);
    for (const one of versions) {
      const rendering = { gain: loudness.gain(one), seconds: aligned.get(clip) ? longest : one.seconds };
      for (const signal of signalsFrom(study, one.system))
        files.set(key(signal, clip), await render(study, cache, one, signal, rendering));
    }
    onProgress?.(++ready, clips.size);
  }
  return {
    file: (signal, clip) => {
      const file = files.get(key(signal, clip));
      if (file === undefined) throw new Error(`no signal ${signal} of clip ${clip} was prepared`);
      return file;
    },
    aligned: (clip) => aligned.get(clip) as boolean,
    loudness: loudness.target,
    notes: [...loudness.notes, ...advice(study)],
  };
}

const key = (signal: string, clip: string): string => `${signal}/${clip}`;

/** What is made from the recordings of a system: itself, and from the original also the anchors and the trap. */
export function signalsFrom(study: Study, system: string): string[] {
  if (system !== originalOf(study)) return [system];
  return [system, ...anchorsOf(study), ...(study.traps > 0 ? [trapSignal] : [])];
}

/** The target loudness. It is lowered if a clip would be clipped to reach it, because all must stay equally loud. */
function commonLoudness(study: Study, measurements: readonly Measurement[]) {
  if (study.loudness === 'off') return { target: null, gain: () => 1, notes: [] };
  const wanted = study.loudness;
  const excess = (one: Measurement) => wanted - (one.loudness as number) + 20 * Math.log10(one.peak) - headroom;
  const worst = measurements.reduce((a, b) => (excess(b) > excess(a) ? b : a));
  const target = wanted - Math.max(0, excess(worst));
  const notes =
    excess(worst) > 0
      ? [`all clips are at ${target.toFixed(1)} LUFS instead of ${wanted}: louder, ${worst.path} would be clipped`]
      : [];
  return { target, gain: (one: Measurement) => 10 ** ((target - (one.loudness as number)) / 20), notes };
}

function advice(study: Study): string[] {
  // BS.1534-3, 7.1: 1.5 times the number of systems, at least 5.
  const systems = study.systems.filter((system) => system !== study.reference).length;
  const clips = Math.max(5, Math.ceil(1.5 * systems));
  return study.kind === 'mushra' && study.clips.length < clips
    ? [`${study.clips.length} clips; BS.1534-3 advises at least ${clips} for ${systems} systems`]
    : [];
}

/** Writes a signal, unless it is there already as it was written. */
async function render(
  study: Study,
  cache: string,
  source: Measurement,
  signal: string,
  { gain, seconds }: { gain: number; seconds: number },
): Promise<PreparedFile> {
  const made = signal === source.system ? 'itself' : signal;
  const recipe = JSON.stringify({ version, source: source.hash, made, sampleRate: source.sampleRate, gain, seconds });
  const path = join(cache, `${createHash('sha256').update(recipe).digest('hex').slice(0, 32)}.wav`);
  const known = await prepared(path);
  if (known !== undefined && (await readFile(digestPath(path), 'utf8').catch(() => '')) === known.hash) return known;
  const { samples, sampleRate } = await decode(study, source.path);
  const padded = new Float32Array(Math.max(samples.length, Math.round(seconds * sampleRate)));
  padded.set(samples.map((sample) => sample * gain));
  await rm(path, { force: true, recursive: true });
  await writeWav(path, made === 'itself' ? padded : degrade(signal, padded, sampleRate), sampleRate);
  const written = (await prepared(path)) as PreparedFile;
  await writeWholeFile(digestPath(path), Buffer.from(written.hash));
  return written;
}

const digestPath = (path: string): string => path.replace(/wav$/, 'sha256');

async function prepared(path: string): Promise<PreparedFile | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    const hash = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return { path, hash, size, modified: mtimeMs };
  } catch {
    return undefined;
  }
}
