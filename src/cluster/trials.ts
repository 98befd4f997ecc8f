import { z } from 'zod';
import { canonicalJson } from '../base/canonical_json.js';
import { TtsError } from '../base/errors.js';
import { text, whole } from '../base/limits.js';
import type { RunElsewhere, TrialFigures } from '../bench/sparsity/sparsity.js';
import { openStore } from '../bench/sparsity/vocoder.js';
import type { ImageSet, LabelledImages } from '../data/images/images.js';
import { openTrainingImages } from '../data/images/training_images.js';
import { decodeSafetensors, encodeSafetensors } from '../model/safetensors.js';
import type { AnyRecipe } from '../training/recipe/recipe.js';
import { Coordinator, type Task } from './coordinator.js';
import type { Link } from './link.js';
import { offerClips, withoutPaths } from './parts.js';
import { checked, hashSchema, readJson } from './protocol.js';
import { sha256 } from './sealed.js';
import { manifestOf } from './store_manifest.js';

/** What all trials of a comparison have in common: the kernels, and a blob of the data. */
export const trialSpecSchema = z.strictObject({
  task: z.enum(['vocoder', 'classifier']),
  kernels: text(),
  data: hashSchema,
});

/** JSON has no NaN, which is what there is of nothing to measure. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

const figuresSchema = z.strictObject({
  quality: z.record(text(), figure),
  nonZeros: z.int().min(0),
  trainedNonZeros: z.number().min(0),
  seconds: z.number().min(0),
  coreSeconds: z.number().min(0),
  peakMegabytes: z.number().min(0),
  kernels: text(),
});

export const encodeFigures = (figures: TrialFigures): Uint8Array => Buffer.from(JSON.stringify(figures));

/** Bytes of the figures of a trial, at most. */
const mostFigures = 65_536;

/**
 * Has the runs of a comparison done by the workers of a queue, one run a job; the data go over the queue, to each
 * worker once.
 * @param kernels name of those that all compute with
 * @throws {TtsError} ERR_RECIPE for tasks that workers do not know
 */
export async function trialsByWorkers(
  link: Link,
  recipe: AnyRecipe,
  {
    kernels,
    threads,
    note,
  }: { readonly kernels: string; readonly threads: number; readonly note: (text: string) => void },
): Promise<{ run: RunElsewhere; coordinator: Coordinator }> {
  if (recipe.task !== 'vocoder' && recipe.task !== 'classifier')
    throw new TtsError('ERR_RECIPE', `recipe ${recipe.name} has task: ${recipe.task}, expected vocoder or classifier`);
  const name = `sparsity-${sha256(canonicalJson([recipe, process.pid, new Date().toISOString()])).slice(0, 12)}`;
  const coordinator = await Coordinator.lead(link, name, note);
  const data = await coordinator.keep(await dataOf(recipe, threads, coordinator));
  const spec = await coordinator.keep(Buffer.from(canonicalJson({ task: recipe.task, kernels, data })));
  const run: RunElsewhere = async (trials, onFigures) => {
    const tasks = trials.map(({ key, recipe: own }): Task => {
      const bytes = Buffer.from(canonicalJson(own.task === 'vocoder' ? withoutPaths(own) : imagesByQueue(own)));
      const input = sha256(bytes);
      coordinator.offer(input, () => bytes);
      return { id: `${name}.${key}`, name: 'trial', data: { input }, mostBytes: mostFigures };
    });
    let done = 0;
    const tell = () =>
      coordinator.tell({
        doing: 'comparing',
        done,
        all: tasks.length,
        unit: 'trials',
        parts: 1,
        publish: null,
        wait: null,
      });
    await tell();
    await coordinator.compute(tasks, spec, {
      async onResult(index, bytes) {
        onFigures(index, readJson(figuresSchema, bytes, 'the figures of a trial'));
        done++;
        await tell();
      },
    });
  };
  return { run, coordinator };
}

/** A recipe without the folder of its images. */
function imagesByQueue(recipe: AnyRecipe): object {
  if (recipe.task !== 'classifier') throw new TypeError(`no trial of task ${recipe.task}`);
  return { ...recipe, data: { ...recipe.data, folder: undefined, download: false } };
}

async function dataOf(recipe: AnyRecipe, threads: number, coordinator: Coordinator): Promise<Uint8Array> {
  if (recipe.task === 'classifier') return encodeImages(await openTrainingImages(recipe.data));
  if (recipe.task !== 'vocoder') throw new TypeError(`no trial of task ${recipe.task}`);
  const { manifest, clips } = manifestOf(await openStore(recipe, threads), true);
  return offerClips(coordinator, manifest, clips);
}

const imageMetadata = z.strictObject({
  name: text(),
  description: text(),
  sizes: z.string().regex(/^\d{1,5}( \d{1,5}){3}$/),
});

/** Images as one file. */
export function encodeImages({
  name,
  description,
  height,
  width,
  channels,
  classes,
  train,
  test,
}: ImageSet): Uint8Array {
  const bytes = (data: Uint8Array) => ({ dtype: 'U8' as const, shape: [data.length], data });
  return encodeSafetensors(
    new Map([
      ['train.images', bytes(train.images)],
      ['train.labels', bytes(train.labels)],
      ['test.images', bytes(test.images)],
      ['test.labels', bytes(test.labels)],
    ]),
    { name, description, sizes: [height, width, channels, classes].join(' ') },
  );
}

/** @throws {TtsError} ERR_CLUSTER for what are no images */
export function decodeImages(file: Uint8Array): ImageSet {
  const what = 'the images';
  const { tensors, metadata } = decodeSafetensors(file);
  const { sizes, ...names } = checked(imageMetadata, metadata, what);
  const [height, width, channels, classes] = sizes.split(' ').map(Number);
  for (const size of [height, width, channels, classes]) checked(whole({ least: 1, most: 65_536 }), size, what);
  const part = (name: string): LabelledImages => {
    const [images, labels] = ['images', 'labels'].map((kind) => tensors.get(`${name}.${kind}`)?.data);
    if (!(images instanceof Uint8Array && labels instanceof Uint8Array))
      throw new TtsError('ERR_CLUSTER', `${what} have none to ${name}`);
    if (labels.length === 0 || images.length !== labels.length * height * width * channels)
      throw new TtsError(
        'ERR_CLUSTER',
        `${what} have ${images.length} bytes for ${labels.length} labels, expected ${height * width * channels} for each`,
      );
    if (labels.some((label) => label >= classes))
      throw new TtsError('ERR_CLUSTER', `${what} have a label beyond ${classes} classes`);
    return { images, labels };
  };
  return { ...names, height, width, channels, classes, train: part('train'), test: part('test') };
}
