import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { melSettingsSchema } from '../audio/mel_settings.js';
import { treatmentSchema } from '../audio/treatment.js';
import { TtsError } from '../base/errors.js';
import { limits, text } from '../base/limits.js';
import { makeFolder } from '../base/output.js';
import { type ClipShape, storedClip } from '../data/store/clip.js';
import type { FeatureStore, StoredClip } from '../data/store/feature_store.js';
import { isSealed, writeSealed } from '../data/store/sealed.js';
import { hashSchema, readJson } from './protocol.js';
import { sha256 } from './sealed.js';

const clipSchema = z.strictObject({
  id: text(),
  frames: z.int().min(1).max(limits.sequence.most),
  /** SHA-256 of its audio, int16 [frames·hop], and behind it its features, float32 [frames, bins]. */
  content: hashSchema,
});

const levels = z.array(z.number()).max(limits.bins.most);

/** A feature store as it is told to workers: everything but the clips' own bytes, which go by their hashes. */
export const manifestSchema = z.strictObject({
  settings: melSettingsSchema,
  treatment: treatmentSchema,
  gains: z.array(z.number()).max(limits.entries.most),
  hash: hashSchema,
  statistics: z.strictObject({ mean: levels, std: levels, min: z.number(), max: z.number() }),
  train: z.array(clipSchema).min(1),
  validation: z.array(clipSchema),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** The bytes of a clip. */
export function clipBytes(clip: StoredClip): Uint8Array {
  const pcm = clip.pcm(0, clip.samples);
  const features = clip.features(0, clip.frames);
  const bytes = new Uint8Array(pcm.byteLength + features.byteLength);
  bytes.set(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
  bytes.set(new Uint8Array(features.buffer, features.byteOffset, features.byteLength), pcm.byteLength);
  return bytes;
}

/**
 * What workers must know of a store.
 * @param held whether they need the clips that are held out too
 * @returns the manifest, and the clips by the hashes of their bytes
 */
export function manifestOf(store: FeatureStore, held: boolean): { manifest: Manifest; clips: Map<string, StoredClip> } {
  const clips = new Map<string, StoredClip>();
  const entry = (clip: StoredClip) => {
    const content = sha256(clipBytes(clip));
    clips.set(content, clip);
    return { id: clip.id, frames: clip.frames, content };
  };
  const { settings, treatment, gains, hash, statistics } = store;
  const { mean, std, min, max } = statistics;
  const manifest = {
    settings,
    treatment,
    gains: [...gains],
    hash,
    statistics: { mean: [...mean], std: [...std], min, max },
    train: store.train.map(entry),
    validation: held ? store.validation.map(entry) : [],
  };
  return { manifest, clips };
}

/** Clips that are asked for at a time. */
const together = 8;

/** Stores of up to this many bytes are kept in memory once read. */
const residentBytes = 2 ** 30;

/**
 * Opens a store from what another machine says of it. Clips that the folder lacks are fetched, checked against their
 * hashes, and kept there: none is sent twice.
 * @param fetchClip brings the bytes of a clip, checked
 * @throws {TtsError} ERR_CLUSTER for a manifest that does not hold together, or clips of another length
 */
export async function openManifest(
  bytes: Uint8Array,
  folder: string,
  fetchClip: (hash: string) => Promise<Uint8Array>,
): Promise<FeatureStore> {
  const { statistics, train, validation, ...rest } = readJson(manifestSchema, bytes, 'the list of clips');
  const { hop, bins } = rest.settings;
  if (statistics.mean.length !== bins || statistics.std.length !== bins)
    throw new TtsError(
      'ERR_CLUSTER',
      `the list of clips has statistics of ${statistics.mean.length} and ${statistics.std.length} bins, expected ${bins}`,
    );
  makeFolder(folder);
  const filesOf = (content: string) => ({
    pcm: join(folder, `${content}.pcm`),
    features: join(folder, `${content}.f32`),
  });
  const missing = [...new Map([...train, ...validation].map((clip) => [clip.content, clip])).values()].values();
  const fetchNext = async () => {
    for (const { id, frames, content } of missing) {
      const files = filesOf(content);
      if (existsSync(files.features) && (await isSealed(files.features)) && (await isSealed(files.pcm))) continue;
      const found = await fetchClip(content);
      const split = 2 * frames * hop;
      if (found.length !== split + 4 * frames * bins)
        throw new TtsError(
          'ERR_CLUSTER',
          `the clip ${id} has ${found.length} bytes, expected ${split + 4 * frames * bins} for ${frames} frames`,
        );
      await writeSealed(files.pcm, found.subarray(0, split));
      await writeSealed(files.features, found.subarray(split));
    }
  };
  await Promise.all(Array.from({ length: together }, fetchNext));
  const size = [...train, ...validation].reduce((sum, { frames }) => sum + frames * (2 * hop + 4 * bins), 0);
  const open = ({ id, frames, content }: Pick<ClipShape, 'id' | 'frames'> & { content: string }) =>
    storedClip({ id, frames, hop, bins }, filesOf(content), size <= residentBytes);
  return {
    ...rest,
    hop,
    bins,
    statistics: { ...statistics, mean: Float32Array.from(statistics.mean), std: Float32Array.from(statistics.std) },
    train: train.map(open),
    validation: validation.map(open),
    notes: [],
  };
}
