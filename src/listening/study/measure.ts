import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Audio } from '../../audio/audio.js';
import { integratedLoudness } from '../../audio/loudness.js';
import { readAudio } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import { readWholeFile, writeWholeFile } from '../../base/whole_file.js';
import type { Study } from './study_folder.js';

const measurementSchema = z.object({
  /** Of the file, in Hz. */
  sampleRate: z.number(),
  seconds: z.number(),
  /** Integrated, in LUFS; null for silence. */
  loudness: z.number().nullable(),
  /** Largest absolute sample. */
  peak: z.number(),
});

const recordSchema = measurementSchema.extend({ digest: z.string() });

/** A recording and its figures. */
export interface Measurement extends z.infer<typeof measurementSchema> {
  readonly system: string;
  readonly clip: string;
  readonly path: string;
  /** SHA-256 of the file. */
  readonly hash: string;
}

/**
 * Versions of a clip may differ in length by up to this many seconds and still be heard side by side; shorter ones get
 * silence at the end.
 */
export const alignment = 0.1;

/** A recording, mono, at the study's sample rate. */
export async function decode(study: Study, path: string): Promise<Audio> {
  return readAudio(path, study.sampleRate === null ? {} : { sampleRate: study.sampleRate });
}

/** Measures every recording of the study, once: the cache keeps the figures under the hash of the file. */
export async function measureAll(study: Study, cache: string): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const clip of new Set([...study.clips, ...study.practice])) {
    for (const system of study.systems) {
      const path = study.path(system, clip);
      const hash = createHash('sha256')
        .update(await readWholeFile(path))
        .digest('hex');
      const record = join(cache, `${hash}-${study.sampleRate ?? 'own'}.json`);
      measurements.push({
        system,
        clip,
        path,
        hash,
        ...((await cached(record)) ?? (await measure(study, path, record))),
      });
    }
  }
  return measurements;
}

async function cached(record: string): Promise<z.infer<typeof measurementSchema> | undefined> {
  const text = await readFile(record, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { digest, ...measurement } = recordSchema.parse(JSON.parse(text));
    return digest === digestOf(measurement) ? measurement : undefined;
  } catch {
    // Damaged, or of an older version: it is measured again.
    return undefined;
  }
}

const digestOf = (measurement: object): string =>
  createHash('sha256').update(JSON.stringify(measurement)).digest('hex');

async function measure(study: Study, path: string, record: string): Promise<z.infer<typeof measurementSchema>> {
  const { samples, sampleRate } = await decode(study, path);
  const loudness = integratedLoudness([samples], sampleRate);
  const peak = samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
  const measurement = {
    sampleRate,
    seconds: samples.length / sampleRate,
    loudness: Number.isFinite(loudness) ? loudness : null,
    peak,
  };
  await writeWholeFile(record, Buffer.from(JSON.stringify({ ...measurement, digest: digestOf(measurement) })));
  return measurement;
}

/**
 * Checks what cannot be mended once listeners have begun: rates, lengths, silence.
 * @throws {TtsError} ERR_LISTENING_TEST with the first fault and the number of others
 */
export function checkMeasurements(study: Study, measurements: readonly Measurement[]): void {
  const faults = [
    ...measurements.flatMap((one) => faultsOf(study, one)),
    ...rateFaults(measurements),
    ...study.clips.flatMap((clip) => lengthFaults(study, measurements, clip)),
  ];
  if (faults.length === 0) return;
  throw new TtsError(
    'ERR_LISTENING_TEST',
    `${faults[0]}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`,
  );
}

function faultsOf(study: Study, { path, seconds, loudness, sampleRate }: Measurement): string[] {
  const { min, max } = study.duration;
  const faults: string[] = [];
  if (seconds < min || seconds > max)
    faults.push(`${path} lasts ${seconds.toFixed(2)} s; expected ${min} to ${max} s (duration in test.yaml)`);
  if (loudness === null) faults.push(`${path} is silent`);
  const highest = Math.max(...study.anchors);
  if ((highest * 8) / 7 > sampleRate / 2)
    faults.push(
      `${path} has a sample rate of ${sampleRate} Hz; an anchor of ${highest} Hz needs at least ` +
        `${Math.ceil((highest * 16) / 7)} Hz (anchors in test.yaml)`,
    );
  return faults;
}

function rateFaults(measurements: readonly Measurement[]): string[] {
  const [first, ...others] = measurements;
  const other = others.find(({ sampleRate }) => sampleRate !== first.sampleRate);
  return other
    ? [
        `${first.path} has ${first.sampleRate} Hz, ${other.path} has ${other.sampleRate} Hz; expected one ` +
          'sample rate, or sampleRate in test.yaml to bring all to it',
      ]
    : [];
}

/** Versions that are compared at the same position must be of one length. */
function lengthFaults(study: Study, measurements: readonly Measurement[], clip: string): string[] {
  if (study.kind !== 'mushra' && study.kind !== 'abx') return [];
  const versions = measurements.filter((one) => one.clip === clip).sort((a, b) => a.seconds - b.seconds);
  const [shortest, longest] = [versions[0], versions[versions.length - 1]];
  if (longest.seconds - shortest.seconds <= alignment) return [];
  return [
    `${shortest.path} lasts ${shortest.seconds.toFixed(2)} s, ${longest.path} ${longest.seconds.toFixed(2)} ` +
      `s; expected lengths within ${alignment} s, because ${study.kind} compares them at the same position`,
  ];
}
