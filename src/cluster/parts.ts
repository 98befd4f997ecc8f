import { z } from 'zod';
import { canonicalJson } from '../base/canonical_json.js';
import { text } from '../base/limits.js';
import type { FeatureStore, StoredClip } from '../data/store/feature_store.js';
import type { PartedAcousticRun } from '../training/acoustic/task.js';
import { type ComputeParts, membersOf, type TrainedPart } from '../training/parts/part.js';
import type { AcousticRecipe, Recipe } from '../training/recipe/recipe.js';
import type { PartedRun } from '../training/vocoder/task.js';
import { encodeExamples } from './acoustic_files.js';
import { Coordinator, type Task } from './coordinator.js';
import { acousticFingerprint, fingerprint } from './fingerprint.js';
import type { Link } from './link.js';
import { decodePart, encodeState } from './part_files.js';
import { hashSchema } from './protocol.js';
import { sha256 } from './sealed.js';
import { clipBytes, manifestOf } from './store_manifest.js';

const common = {
  /** Checked as a recipe where it is used. */
  recipe: z.unknown(),
  /** The kernels that all must compute with, and what they make of a little training. */
  kernels: text(),
  fingerprint: hashSchema,
  /** Blob of the list of clips. */
  clips: hashSchema,
};

/** What all parts of a run have in common. */
export const partSpecSchema = z.discriminatedUnion('task', [
  z.strictObject({ task: z.literal('vocoder'), ...common }),
  /** `examples` is a blob of what is known of the clips beside their features. */
  z.strictObject({ task: z.literal('acoustic'), ...common, examples: hashSchema }),
]);

export type PartSpec = z.infer<typeof partSpecSchema>;

/** A recipe for other machines: without paths, and without what only its coordinator does. */
export const withoutPaths = ({ from: _from, data, ...recipe }: Recipe): Omit<Recipe, 'from'> => ({
  ...recipe,
  data: { corpus: 'queue', download: false, validation: {}, treatment: { ...data.treatment } },
});

const acousticWithoutPaths = ({ from: _from, voice: _voice, data, ...recipe }: AcousticRecipe): object => ({
  ...recipe,
  voice: 'queue',
  data: { corpus: 'queue', download: false, validation: {}, treatment: { ...data.treatment } },
});

/** A training that workers know, and the clips that it is on. */
export type RunOfParts = PartedRun | (PartedAcousticRun & { readonly store: FeatureStore });

async function specOf(run: RunOfParts, coordinator: Coordinator): Promise<PartSpec> {
  const { kernels } = run;
  if (!('data' in run)) {
    const { recipe, store, tf } = run;
    const { manifest, clips } = manifestOf(store, false);
    const list = await coordinator.keep(offerClips(coordinator, manifest, clips));
    const print = fingerprint(recipe, kernels, tf);
    return { task: 'vocoder', recipe: withoutPaths(recipe), kernels: kernels.name, fingerprint: print, clips: list };
  }
  const { recipe, data } = run;
  const store = { ...run.store, train: data.train.map(({ clip }) => clip) };
  const { manifest, clips } = manifestOf(store, false);
  return {
    task: 'acoustic',
    recipe: acousticWithoutPaths(recipe),
    kernels: kernels.name,
    fingerprint: acousticFingerprint(recipe, kernels),
    clips: await coordinator.keep(offerClips(coordinator, manifest, clips)),
    examples: await coordinator.keep(encodeExamples(data)),
  };
}

/** Of the run that a folder and its settings make: the same when the same command is given again. */
export const runName = (folder: string, identity: object): string =>
  `${folder.replaceAll(/[^\w.-]+/g, '_').slice(0, 60)}-${sha256(canonicalJson(identity)).slice(0, 12)}`;

/** Offers the clips of a store. @returns the bytes of their list */
export function offerClips(
  coordinator: Coordinator,
  manifest: object,
  clips: ReadonlyMap<string, StoredClip>,
): Uint8Array {
  for (const [hash, clip] of clips) coordinator.offer(hash, () => clipBytes(clip));
  return Buffer.from(canonicalJson(manifest));
}

/** Parts computed by the workers of a queue. */
export interface ClusterParts {
  readonly compute: ComputeParts;
  readonly coordinator: Coordinator;
}

/**
 * Leads a run whose parts are computed by workers.
 * @param note tells people what they may want to know
 * @throws {TtsError} ERR_IN_USE where another coordinator leads this run
 */
export async function partsByWorkers(link: Link, run: RunOfParts, note: (text: string) => void): Promise<ClusterParts> {
  const coordinator = await Coordinator.lead(link, runName(run.name, run.identity), note);
  const spec = await coordinator.keep(Buffer.from(canonicalJson(await specOf(run, coordinator))));
  const { steps } = run.recipe.training;
  let before: string | undefined;
  const compute: ComputeParts = async (generation, count, signal) => {
    const begun = performance.now();
    const bytes = encodeState(generation, spec);
    const state = await coordinator.keep(bytes);
    if (before !== undefined && before !== state) await coordinator.drop(before);
    before = state;
    const tasks = Array.from({ length: count }, (_, index): Task => ({
      id: `${coordinator.run}.${generation.step}.${index}.${state.slice(0, 16)}`,
      name: 'part',
      data: { state, index, count },
      // A part has no more blocks than all members together.
      mostBytes: 2 * bytes.length + 16 * generation.steps * (generation.members + 1) + 65_536,
    }));
    const published = performance.now();
    const parts: TrainedPart[] = [];
    const [sentBefore, receivedBefore] = [coordinator.sent, coordinator.received];
    await coordinator.compute(tasks, spec, {
      signal,
      onResult(index, found) {
        const [first, end] = membersOf({ index, count }, generation.members);
        const losses = (end - first) * generation.steps;
        parts[index] = decodePart(found, state, { index, count }, { steps: generation.steps, losses });
      },
    });
    const [publish, wait] = [published - begun, performance.now() - published];
    const workers = await coordinator.workers();
    const done = generation.step + generation.steps;
    await coordinator.tell({ doing: 'training', done, all: steps, unit: 'steps', parts: count, publish, wait });
    return {
      parts,
      figures: {
        'cluster/workers': workers,
        'cluster/publish_seconds': publish / 1000,
        'cluster/wait_seconds': wait / 1000,
        'cluster/bytes_sent': bytes.length + coordinator.sent - sentBefore,
        'cluster/bytes_received': coordinator.received - receivedBefore,
      },
    };
  };
  return { compute, coordinator };
}
