import { join } from 'node:path';
import type { MelSettings } from '../../src/audio/mel_settings.js';
import { melPresets } from '../../src/audio/presets.js';
import { untreated } from '../../src/audio/treatment.js';
import { RandomStream } from '../../src/base/random.js';
import { type Corpus, openCorpus } from '../../src/data/corpora/corpus.js';
import { type FeatureStore, openFeatureStore, type StoredClip } from '../../src/data/store/feature_store.js';
import { type AcousticConfig, acousticShapes, sizeOf } from '../../src/model/acoustic/config.js';
import type { AcousticModel } from '../../src/model/acoustic/model.js';
import { openPronouncer } from '../../src/text/load.js';
import { phonesOf } from '../../src/text/phones_of.js';
import { type Token, tokensOf } from '../../src/text/tokens.js';
import { type AcousticData, acousticData, type AlignedClip } from '../../src/training/acoustic/examples.js';
import { type AcousticRecipe, loadAcousticRecipe } from '../../src/training/recipe/recipe.js';
import { root } from './command_line.js';

export const tinyConfig: AcousticConfig = {
  tokenWidth: 16,
  tokenKernel: 3,
  predictorDilations: [1],
  encoderDilations: [1],
  width: 16,
  kernel: 3,
  decoderDilations: [1, 2],
};

/** A model that has learned nothing: random weights, which say every phone for a few frames. */
export function randomModel(seed = 1, config = tinyConfig, features: MelSettings = melPresets.hifigan): AcousticModel {
  const random = new RandomStream(seed, 1);
  const weights = new Map(
    [...acousticShapes(config, features.bins)].map(([name, { shape, beginning }]) => [
      name,
      Float32Array.from({ length: sizeOf(shape) }, () =>
        beginning.kind === 'normal' ? beginning.deviation * random.normal() : beginning.kind === 'ones' ? 1 : 0,
      ),
    ]),
  );
  weights.get('durations.outputBias')![0] = Math.log1p(6);
  return {
    config,
    features,
    treatment: untreated,
    statistics: {
      mean: new Float32Array(features.bins).fill(-5),
      std: new Float32Array(features.bins).fill(2),
      logF0: { mean: Math.log(200), std: 0.2 },
      energy: { mean: 0.1, std: 0.5 },
    },
    weights,
    lexicon: new Map([['hello', [['HH', 'AH0', 'L', 'OW1']]]]),
    provenance: {
      recipe: 'test-tiny',
      corpus: 'none',
      otherAlignments: 0,
      corpusHash: 'none',
      steps: 0,
      seconds: 0,
      melDistance: null,
      kernels: 'reference',
      created: '2026-01-01T00:00:00.000Z',
    },
  };
}

/** The tokens of a text of one sentence. */
export async function tokensOfText(text: string): Promise<Token[]> {
  for await (const sentence of phonesOf(text, { pronouncer: await openPronouncer() })) return tokensOf(sentence);
  return [];
}

/** Clips with alignments that give each token as much time as the others: wrong, but something to learn. */
export async function evenAlignments(corpus: Corpus, store: FeatureStore): Promise<AlignedClip[]> {
  const seconds = new Map(
    [...store.train, ...store.validation].map(({ id, samples }) => [id, samples / store.settings.sampleRate]),
  );
  return Promise.all(
    corpus.clips.map(async ({ id, text = '' }) => {
      const tokens = await tokensOfText(text);
      const each = seconds.get(id)! / tokens.length;
      return { id, tokens: tokens.map((token, i) => ({ id: token.id, start: i * each, end: (i + 1) * each })) };
    }),
  );
}

/** A voice that goes up and down, and pauses. */
export const wavyPitch = ({ frames }: Pick<StoredClip, 'frames'>): Float32Array =>
  Float32Array.from({ length: frames }, (_, frame) => (frame % 20 < 15 ? 200 + 40 * Math.sin(frame / 10) : 0));

/** What a training reads, of a corpus that has no alignments. */
export async function evenData(corpus: Corpus, store: FeatureStore): Promise<AcousticData> {
  return acousticData(store, await evenAlignments(corpus, store), [], wavyPitch);
}

/** A recipe of an acoustic model that takes a step in milliseconds. @param set changes to it */
export function tinyAcoustic(...set: readonly string[]): AcousticRecipe {
  const tiny = [
    'data.validation.clips=[LJ001-0002, LJ001-0008]',
    ...Object.entries(tinyConfig).map(
      ([key, value]) => `${key.endsWith('idth') ? 'sizes.small' : 'model'}.${key}=${JSON.stringify(value)}`,
    ),
    'training.stages={ durations: 0.4, prosody: 0.2 }',
    'training.tokenClips=4',
    'training.clips=2',
    'training.warmup=2',
    'training.learningRate=1e-2',
  ];
  const data = join(root, 'data', 'ljspeech-mini');
  return loadAcousticRecipe(join(root, 'recipes', 'ljspeech-acoustic'), { data, set: [...tiny, ...set] });
}

/** What such a recipe trains on, and the store that its clips are in. */
export async function tinyAcousticStore(recipe: AcousticRecipe, cacheDir: string) {
  const corpus = await openCorpus(join(root, 'data', 'ljspeech-mini'));
  const { features: settings, data } = recipe;
  const store = await openFeatureStore({ corpus, settings, cacheDir, threads: 2, validation: data.validation });
  return { store, data: await evenData(corpus, store) };
}
