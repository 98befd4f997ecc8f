import { untreated } from '../audio/treatment.js';
import { RandomStream } from '../base/random.js';
import type { FeatureStore, StoredClip } from '../data/store/feature_store.js';
import type { Kernels } from '../kernels/index.js';
import { prosodyValues } from '../model/acoustic/config.js';
import type { TensorFlow } from '../model/backend/backend.js';
import type { AcousticData, AcousticExample } from '../training/acoustic/examples.js';
import { AcousticTrainer } from '../training/acoustic/trainer.js';
import { acousticConfigOf } from '../training/recipe/acoustic_schema.js';
import type { AcousticRecipe, Recipe } from '../training/recipe/recipe.js';
import { vocoderOfParts } from '../training/vocoder/parts.js';
import { encodePart } from './part_files.js';
import { sha256 } from './sealed.js';

/**
 * A hash of what this machine makes of a little training with a network of the recipe's kind: the same on two machines
 * only where kernels, compiler, Node and TensorFlow.js calculate alike, to the bit. Names of kernels alone do not tell.
 */
export function fingerprint(recipe: Recipe, kernels: Kernels, tf: TensorFlow): string {
  const { size, training } = recipe;
  const small: Recipe = {
    ...recipe,
    sizes: { [size]: { hidden: 32, projection: 16, density: { recurrent: 0.5, output: 0.5 } } },
    training: { ...training, lanes: 16, segment: 160, warmup: 0, parts: undefined, generation: undefined },
  };
  const store = noise(recipe);
  const learner = vocoderOfParts({ recipe: small, store, kernels }, tf);
  const generation = learner.beginGeneration(2);
  const part = learner.trainPart(generation, { index: 0, count: 1 });
  return sha256(encodePart(part, '0'.repeat(64), { index: 0, count: 1 }));
}

/** The same for an acoustic model: a step of each of its networks. */
export function acousticFingerprint(recipe: AcousticRecipe, kernels: Kernels): string {
  const { size, training } = recipe;
  const store = noise(recipe);
  const [clip] = store.train;
  const random = new RandomStream(2, 0);
  const tokens = 6;
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  const durations = Int32Array.from({ length: tokens }, (_, t) =>
    t < tokens - 1 ? Math.floor(clip.frames / tokens) : clip.frames - (tokens - 1) * Math.floor(clip.frames / tokens),
  );
  const example: AcousticExample = {
    id: clip.id,
    ids: Uint8Array.from({ length: tokens }, (_, t) => t + 1),
    durations,
    clip,
    contour: normals(clip.frames).map((value) => Math.log(200) + 0.1 * value),
    voiced: new Uint8Array(clip.frames).fill(1),
    prosody: normals(tokens * prosodyValues),
    pitchWeight: new Float32Array(tokens).fill(1),
  };
  const { mean, std } = store.statistics;
  const data: AcousticData = {
    train: [example],
    validation: [],
    others: [],
    statistics: { mean, std, logF0: { mean: 0, std: 1 }, energy: { mean: 0, std: 1 } },
    features: store.settings,
    hash: '',
    notes: [],
  };
  const small: AcousticRecipe = {
    ...recipe,
    sizes: { [size]: { tokenWidth: 16, width: 16 } },
    training: {
      ...training,
      steps: 3,
      stages: { durations: 0.34, prosody: 0.33 },
      tokenClips: 1,
      clips: 1,
      warmup: 0,
      parts: undefined,
      generation: undefined,
    },
  };
  const learner = new AcousticTrainer(acousticConfigOf(small), small.training, data, kernels);
  const share = { index: 0, count: 1 };
  const hashes: string[] = [];
  for (let step = 0; step < small.training.steps; step++) {
    const generation = learner.beginGeneration(1);
    const part = learner.trainPart(generation, share);
    learner.endGeneration(generation, [part]);
    hashes.push(sha256(encodePart(part, '0'.repeat(64), share)));
  }
  return sha256(hashes.join());
}

/** A clip of noise, with features that have nothing to do with it. */
function noise({ features: settings }: Pick<Recipe, 'features'>): FeatureStore {
  const { hop, bins } = settings;
  const frames = Math.ceil((160 + hop) / hop) + 2;
  const random = new RandomStream(1, 0);
  const pcm = Int16Array.from({ length: frames * hop }, () => Math.round(2000 * random.normal()));
  const features = Float32Array.from({ length: frames * bins }, () => random.normal() - 4);
  const clip: StoredClip = {
    id: 'noise',
    frames,
    samples: frames * hop,
    pcm: (start, length) => Int16Array.from({ length }, (_, i) => pcm[start + i] ?? 0),
    features: (start, count) =>
      Float32Array.from(
        { length: count * bins },
        (_, i) => features[Math.max(0, Math.min(frames - 1, start + Math.floor(i / bins))) * bins + (i % bins)],
      ),
  };
  const level = (value: number) => new Float32Array(bins).fill(value);
  return {
    settings,
    treatment: untreated,
    gains: [],
    bins,
    hop,
    train: [clip],
    validation: [],
    statistics: { mean: level(-4), std: level(1), min: -10, max: 2 },
    hash: '',
    notes: [],
  };
}
