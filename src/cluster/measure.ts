import { randomBytes } from 'node:crypto';
import { median } from '../base/statistics.js';
import type { FeatureStore } from '../data/store/feature_store.js';
import type { Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { membersOf, type TrainedPart } from '../training/parts/part.js';
import { partSettings } from '../training/recipe/parts.js';
import type { Recipe } from '../training/recipe/recipe.js';
import { vocoderOfParts } from '../training/vocoder/parts.js';
import { VocoderTrainer } from '../training/vocoder/trainer.js';
import type { Link } from './link.js';
import { keys } from './names.js';
import { decodePart, decodeState, encodePart, encodeState } from './part_files.js';
import { seal, sha256, unseal } from './sealed.js';

/** Milliseconds of a generation by phase, of one part where it has parts; medians. */
export interface GenerationPhases {
  readonly parts: number;
  readonly steps: number;
  readonly stateBytes: number;
  readonly partBytes: number;
  /** Choosing masks, and making the state a file: at the coordinator. */
  readonly begin: number;
  /** The state to the queue, and from there to a worker. */
  readonly putState: number;
  readonly getState: number;
  /** Training a part, with reading the state and making the result a file: at a worker. */
  readonly train: number;
  /** A result to the queue, and from there to the coordinator. */
  readonly putPart: number;
  readonly getPart: number;
  /** Bringing all parts together: at the coordinator. */
  readonly merge: number;
}

/** Measures generations from this machine, with the queue between, and no other worker. */
export async function measureGeneration(
  { redis }: Link,
  recipe: Recipe,
  store: FeatureStore,
  kernels: Kernels,
  repetitions: number,
): Promise<GenerationPhases> {
  const { tf } = await loadTensorFlow(kernels);
  const { parts: count, generation: steps } = partSettings(recipe);
  const lead = new VocoderTrainer(recipe, store, kernels, tf);
  const learner = vocoderOfParts({ recipe, store: { ...store, statistics: lead.statistics }, kernels }, tf);
  const spec = sha256('bench');
  const times: Record<string, number[]> = {};
  const timed = async <T>(phase: string, work: () => T | Promise<T>): Promise<T> => {
    const begun = performance.now();
    const result = await work();
    (times[phase] ??= []).push(performance.now() - begun);
    return result;
  };
  const key = keys.blob(sha256(randomBytes(16)));
  const through = async (what: string, bytes: Buffer): Promise<Buffer> => {
    await timed(`put${what}`, () => redis.set(key, bytes, 'EX', 60));
    return timed(`get${what}`, async () => (await redis.getBuffer(key)) ?? bytes);
  };
  let [stateBytes, partBytes] = [0, 0];
  try {
    for (let i = 0; i < repetitions; i++) {
      const [generation, file] = await timed('begin', () => {
        const begun = lead.beginGeneration(steps);
        return [begun, encodeState(begun, spec)] as const;
      });
      stateBytes = file.length;
      const state = await through('State', Buffer.from(file));
      const hash = sha256(state);
      const results: TrainedPart[] = [];
      for (let index = 0; index < count; index++) {
        const share = { index, count };
        const found = await timed('train', () =>
          seal(encodePart(learner.trainPart(decodeState(state, spec), share), hash, share)),
        );
        partBytes = found.length;
        const back = await through('Part', found);
        const [first, end] = membersOf(share, generation.members);
        results.push(decodePart(unseal(back, 'a part'), hash, share, { steps, losses: (end - first) * steps }));
      }
      await timed('merge', () => lead.endGeneration(generation, results));
    }
  } finally {
    await redis.unlink(key);
  }
  const of = (phase: string) => median(times[phase]);
  return {
    parts: count,
    steps,
    stateBytes,
    partBytes,
    begin: of('begin'),
    putState: of('putState'),
    getState: of('getState'),
    train: of('train'),
    putPart: of('putPart'),
    getPart: of('getPart'),
    merge: of('merge'),
  };
}

/** What a number of workers like this machine would need for a generation. */
export interface Forecast {
  readonly workers: number;
  readonly milliseconds: number;
  /** Times as fast as one worker. */
  readonly speedup: number;
  /** Share of the workers' time in which they train. */
  readonly efficiency: number;
}

/**
 * A forecast from measured phases: the coordinator and the server do one thing after the other, workers all at once.
 * Every worker fetches the state once; it assumes that they share the server's link, and that it is no faster for two.
 */
export function forecast(phases: GenerationPhases, workers: readonly number[]): Forecast[] {
  const { parts, begin, putState, getState, train, putPart, getPart, merge } = phases;
  const time = (count: number) =>
    begin +
    putState +
    Math.min(count, parts) * getState +
    Math.ceil(parts / count) * train +
    parts * (putPart + getPart) +
    merge;
  return workers.map((count) => ({
    workers: count,
    milliseconds: time(count),
    speedup: time(1) / time(count),
    efficiency: (parts * train) / (count * time(count)),
  }));
}
