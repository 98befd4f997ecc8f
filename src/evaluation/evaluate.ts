import { dirname, join } from 'node:path';
import { type ErrorCode, TtsError } from '../base/errors.js';
import { keepInputs } from '../base/output.js';
import type { Clip } from '../data/corpora/corpus.js';
import {
  type MeanInterval,
  meanInterval,
  type MeasuredClip,
  type PairedDifference,
  pairedDifference,
  rankClips,
} from './comparison.js';
import { evaluateCopy, evaluateWarped } from './copy_report.js';
import { referenceFolder, saveSpoken, spokenPath } from './folder_systems.js';
import { type Measure, type MeasureName, measures } from './measures.js';
import type { Recogniser } from './recognition/recogniser.js';
import { type Recognition, RecognitionOf } from './recognition/recognition.js';
import { Resampled, type Spoken, type System } from './system.js';

/** A clip of one system, with how long it is. */
export interface ClipResult extends MeasuredClip {
  /** Of the original. */
  readonly seconds: number;
  readonly sampleRate: number;
  /** Of the copy. */
  readonly samples: number;
}

export interface SystemResult {
  readonly name: string;
  readonly path: string;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly clips: readonly ClipResult[];
  /** Over the clips, each counting once. */
  readonly summary: Readonly<Record<MeasureName, MeanInterval>>;
  /** NLL over the samples of all clips, as training and recipes give it; null for folders. */
  readonly pooledNll: number | null;
}

/** Two systems on the same clips: the first minus the second. */
export interface SystemDifference {
  readonly system: string;
  readonly against: string;
  readonly differences: Readonly<Record<MeasureName, PairedDifference>>;
}

/** Everything that was measured; this is what `tts-eval --json` prints. */
export interface Evaluation {
  /** Of this layout; a later layout has a higher one. */
  readonly format: 1;
  /** Folder of the originals. */
  readonly reference: string;
  /** Whether copies were compared sample by sample, or frame by frame after dynamic time warping. */
  readonly alignment: 'samples' | 'warped';
  /** Those with values, in the order of tables. */
  readonly measures: readonly Measure[];
  readonly systems: readonly SystemResult[];
  /** Every pair of systems. */
  readonly differences: readonly SystemDifference[];
  /** What a recogniser understands; null where none was asked. */
  readonly recognition: Recognition | null;
  /** Ids of the clips from the best to the worst; see `rankClips`. */
  readonly ranking: readonly string[];
  /** Clips that could not be measured, and why; no system's figures have them. */
  readonly leftOut: readonly LeftOutClip[];
  readonly notes: readonly string[];
}

/** What a system makes of a clip, and how good it is. */
export interface MeasuredCopy extends ClipResult, Pick<Spoken, 'notes' | 'resampledFrom'> {
  /** For who keeps it, or listens to it. */
  readonly sound?: Pick<Spoken, 'original' | 'output'>;
}

/** A clip that could not be measured. */
export interface LeftOutClip {
  readonly id: string;
  readonly code: ErrorCode;
  /** Names the file. */
  readonly message: string;
}

export interface EvaluationOptions {
  readonly systems: readonly System[];
  readonly clips: readonly Clip[];
  readonly reference: string;
  readonly warped?: boolean;
  /** Folder in which to keep the output of the systems, as WAV. */
  readonly out?: string;
  /** Who measures a clip of a system; this process, one after the other, unless given. */
  readonly measure?: (system: number, clip: Clip) => Promise<MeasuredCopy>;
  /** Counts the words that it gets wrong; the clips have transcripts then. It is not disposed of. */
  readonly recogniser?: Recogniser;
  /** Called after each recording and copy that the recogniser has heard, in no certain order. */
  readonly onHeard?: (done: number, all: number) => void;
  /** Called after each clip of each system. */
  readonly onClip?: (system: string, clip: ClipResult, done: number, all: number) => void;
  /** Called for each clip that cannot be measured; it counts as done for all systems. */
  readonly onLeftOut?: (clip: LeftOutClip, done: number, all: number) => void;
}

/** Faults of a recording, for which the others are measured all the same. */
const faultsOfClips: readonly ErrorCode[] = [
  ...(['ERR_AUDIO_FORMAT', 'ERR_AUDIO_EMPTY', 'ERR_AUDIO_TRUNCATED', 'ERR_AUDIO_LEVEL'] as const),
  ...(['ERR_CORPUS', 'ERR_FILE_NOT_FOUND', 'ERR_FILE_READ'] as const),
];

/**
 * Measures what systems say against the originals. A clip that cannot be read or is too short is left out, of all
 * systems, and listed.
 * @throws {TtsError} ERR_ARGUMENT for no clips; ERR_FILE_IS_INPUT where `out` would replace the originals; ERR_CORPUS
 * for none with a transcript, where there is a recogniser; what is wrong with the first clip if none can be measured;
 * what else the systems throw when they speak, and the recogniser when it hears
 */
export async function evaluateSystems({
  systems,
  clips,
  reference,
  warped = false,
  out,
  measure = async (system, clip) => measureCopy(clip, await systems[system].speak(clip), warped),
  recogniser,
  onHeard,
  onClip,
  onLeftOut,
}: EvaluationOptions): Promise<Evaluation> {
  if (clips.length === 0) throw new TtsError('ERR_ARGUMENT', 'there are no clips to measure');
  if (out !== undefined)
    keepInputs(
      [...systems.map(({ name }) => name), referenceFolder].flatMap((folder) => [
        join(out, folder),
        ...clips.map(({ id }) => spokenPath(out, folder, id)),
      ]),
      clips.flatMap(({ path }) => [dirname(path), path]),
    );
  const found = systems.map((): ClipResult[] => []);
  const names = systems.map(({ name }) => name);
  const recognition = recogniser && new RecognitionOf(recogniser, names, clips, onHeard);
  const leftOut: LeftOutClip[] = [];
  const clipNotes = new Set<string>();
  const resampled = names.map((name) => new Resampled(name));
  let firstFault: TtsError | undefined;
  const all = systems.length * clips.length;
  let done = 0;
  for (const clip of clips) {
    const begun = done;
    const copies: MeasuredCopy[] = [];
    try {
      for (const [i, name] of names.entries()) {
        copies.push(await measure(i, clip));
        onClip?.(name, copies[i], ++done, all);
      }
    } catch (error) {
      if (!(error instanceof TtsError) || !faultsOfClips.includes(error.code)) throw error;
      firstFault ??= error;
      done = begun + systems.length;
      recognition?.leaveOut(clip);
      leftOut.push({ id: clip.id, code: error.code, message: error.message });
      onLeftOut?.(leftOut[leftOut.length - 1], done, all);
      continue;
    }
    for (const [i, { sound, notes, resampledFrom, ...result }] of copies.entries()) {
      const { sampleRate } = result;
      if (sound) {
        recognition?.add(i, clip, { ...sound, sampleRate });
        if (out !== undefined) {
          await saveSpoken(out, names[i], clip.id, sound.output, sampleRate);
          if (i === 0) await saveSpoken(out, referenceFolder, clip.id, sound.original, sampleRate);
        }
      }
      notes?.forEach((note) => clipNotes.add(note));
      if (resampledFrom !== undefined) resampled[i].count(resampledFrom, sampleRate);
      found[i].push(result);
    }
  }
  if (firstFault && leftOut.length === clips.length) throw firstFault;
  const values = (i: number, name: MeasureName) => found[i].map((clip) => clip.measures[name]);
  const each = <T>(of: (name: MeasureName) => T) =>
    Object.fromEntries(measures.map(({ name }) => [name, of(name)])) as Record<MeasureName, T>;
  const results = systems.map(({ name, path, settings }, i): SystemResult => ({
    name,
    path,
    settings,
    clips: found[i],
    summary: each((measure) => meanInterval(values(i, measure))),
    pooledNll: pooledNll(found[i]),
  }));
  const pairs = systems.flatMap((_, i) => systems.slice(i + 1).map((_, j) => [i, i + 1 + j]));
  return {
    format: 1,
    reference,
    alignment: warped ? 'warped' : 'samples',
    measures: measures.filter(({ name }) => results.some(({ summary }) => summary[name].count > 0)),
    systems: results,
    differences: pairs.map(([i, j]) => ({
      system: systems[i].name,
      against: systems[j].name,
      differences: each((measure) => pairedDifference(values(i, measure), values(j, measure))),
    })),
    recognition: (await recognition?.result()) ?? null,
    ranking: rankClips(results),
    leftOut,
    notes: [
      ...(leftOut.length === 0
        ? []
        : [
            `${leftOut.length} of ${clips.length} clips could not be measured: ` +
              leftOut.map(({ code, message }) => `${message} (${code})`).join('; '),
          ]),
      ...clipNotes,
      ...resampled.flatMap((counted) => counted.notes()),
      ...(recognition?.notes() ?? []),
    ],
  };
}

/**
 * Measures what a system makes of a clip.
 * @param warped see `evaluateWarped`
 * @throws {TtsError} what `evaluateCopy` and `evaluateWarped` throw, with the clip's path
 */
export function measureCopy(
  clip: Pick<Clip, 'id' | 'path'>,
  { original, output, sampleRate, notes, resampledFrom, nll, realTimeFactor }: Spoken,
  warped: boolean,
): MeasuredCopy {
  const report = naming(clip, () => (warped ? evaluateWarped : evaluateCopy)(original, output, sampleRate));
  return {
    id: clip.id,
    seconds: original.length / sampleRate,
    sampleRate,
    samples: output.length,
    measures: { nll, ...report, realTimeFactor },
    notes,
    resampledFrom,
    sound: { original, output },
  };
}

function pooledNll(clips: readonly ClipResult[]): number | null {
  let nats = 0;
  let all = 0;
  for (const {
    samples,
    measures: { nll },
  } of clips) {
    if (nll === null) return null;
    nats += samples * nll;
    all += samples;
  }
  return nats / all;
}

/** Puts the clip's name in front of what is wrong with it. */
function naming<T>(clip: Pick<Clip, 'path'>, measure: () => T): T {
  try {
    return measure();
  } catch (cause) {
    throw cause instanceof TtsError ? new TtsError(cause.code, `${clip.path}: ${cause.message}`, { cause }) : cause;
  }
}
