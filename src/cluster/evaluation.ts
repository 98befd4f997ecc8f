import { z } from 'zod';
import { limits, real, text, whole } from '../base/limits.js';
import { readWholeFile } from '../base/whole_file.js';
import type { Clip } from '../data/corpora/corpus.js';
import type { MeasuredCopy } from '../evaluation/evaluate.js';
import { type ClipMeasures, measures } from '../evaluation/measures.js';
import type { System } from '../evaluation/system.js';
import { arrayIn, encodeFiles } from './answers.js';
import { type Errand, runErrands } from './errands.js';
import type { Link } from './link.js';
import { hashSchema } from './protocol.js';

/** How clips are measured. */
export const evaluationSpecSchema = z.strictObject({
  /** The voice of each system; null for a folder of recordings. */
  systems: z.array(hashSchema.nullable()).min(1).max(limits.workers.most),
  kernels: text(),
  seed: whole(limits.seed),
  temperature: real(limits.temperature),
  correction: z.boolean(),
  warped: z.boolean(),
  /** Whether the samples are wanted. */
  sound: z.boolean(),
});

const value = z.number().nullable();

/** What was measured of a clip; samples are arrays, `original` and `output`. */
export const measuredSchema = z.strictObject({
  seconds: z.number().min(0),
  sampleRate: z.int().min(1),
  samples: z.int().min(0),
  measures: z.strictObject(
    Object.fromEntries(measures.map(({ name }) => [name, value])) as Record<keyof ClipMeasures, typeof value>,
  ) as unknown as z.ZodType<ClipMeasures>,
  notes: z.array(text()).max(limits.entries.most),
  resampledFrom: z.int().min(1).optional(),
});

export interface MeasuringByWorkers {
  readonly systems: readonly System[];
  /** Whether the systems are voices; else folders of recordings. */
  readonly voices: boolean;
  readonly clips: readonly Clip[];
  readonly warped: boolean;
  /** Whether the samples are wanted. */
  readonly sound: boolean;
  readonly kernels: { readonly name: string };
  readonly seed: number;
  readonly temperature: number;
  readonly correction: boolean;
  readonly note: (text: string) => void;
}

/** Clips that are measured elsewhere. */
export interface MeasuredElsewhere {
  /** As `EvaluationOptions` has it. */
  measure(system: number, clip: Clip): Promise<MeasuredCopy>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/**
 * Has clips spoken and measured by the workers of a queue, a clip of a system a job: to the same figures, but for the
 * real-time factor, which is that of the worker. All begin at once; `measure` waits for one of them.
 */
export function measureByWorkers(
  link: Link,
  { systems, voices, clips, note, warped, sound, kernels, seed, temperature, correction }: MeasuringByWorkers,
): MeasuredElsewhere {
  const stop = new AbortController();
  const found = new Map<string, Promise<MeasuredCopy>>();
  const keyOf = (system: number, clip: Clip) => `${system} ${clip.id}`;
  const errands = clips.flatMap((clip) =>
    systems.map(({ recordings }, system): Errand<z.infer<typeof measuredSchema>> => {
      let resolve: (copy: MeasuredCopy) => void;
      let reject: (error: unknown) => void;
      const copy = new Promise<MeasuredCopy>((...both) => ([resolve, reject] = both));
      // It is waited for in `measure`; until then a failure is no unhandled one.
      copy.catch(() => undefined);
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
      found.set(keyOf(system, clip), copy);
      return {
        input: () => encodeFiles(recordings(clip)),
        data: { system },
        onFound(measured, arrays) {
          const original = () => arrayIn(arrays, 'original', Float32Array);
          const output = () => arrayIn(arrays, 'output', Float32Array);
          resolve({
            id: clip.id,
            ...measured,
            ...(sound && { sound: { original: original(), output: output() } }),
          });
        },
        onRefused: (error) => reject(error),
      };
    }),
  );
  const done = runErrands(link, {
    job: 'evaluate',
    doing: 'measuring',
    unit: 'clips',
    spec: async (keep) => {
      const keepVoice = async ({ path }: System) => (voices ? keep(await readWholeFile(path)) : null);
      const hashes: (string | null)[] = [];
      for (const system of systems) hashes.push(await keepVoice(system));
      return {
        systems: hashes,
        kernels: kernels.name,
        seed,
        temperature,
        correction,
        warped,
        sound,
      } satisfies z.infer<typeof evaluationSpecSchema>;
    },
    schema: measuredSchema,
    errands,
    signal: stop.signal,
    note,
  }).catch((error: unknown) => stop.abort(error));
  return {
    async measure(system, clip) {
      const key = keyOf(system, clip);
      const copy = await found.get(key)!;
      found.delete(key);
      return copy;
    },
    async close() {
      stop.abort(new Error('the evaluation has ended'));
      await done;
    },
  };
}
