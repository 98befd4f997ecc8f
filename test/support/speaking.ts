import { fillNormals } from '../../src/base/random.js';
import { acousticShapes, sizeOf } from '../../src/model/acoustic/config.js';
import type { AcousticModel } from '../../src/model/acoustic/model.js';
import type { Voice } from '../../src/model/voice/voice.js';

/** A voice of toy size. */
export const tinyVoice = 'test/fixtures/voice/version-1.safetensors';

/** An acoustic model of toy size for a voice: its weights are random, its tokens last for about four frames. */
export function tinyAcoustic({ features, treatment, statistics }: Voice): AcousticModel {
  const config = {
    tokenWidth: 8,
    tokenKernel: 3,
    predictorDilations: [1],
    encoderDilations: [1],
    width: 8,
    kernel: 3,
    decoderDilations: [1, 2],
  };
  const weights = new Map<string, Float32Array>();
  for (const [name, { shape, beginning }] of acousticShapes(config, features.bins)) {
    const array = new Float32Array(sizeOf(shape)).fill(beginning.kind === 'ones' ? 1 : 0);
    if (beginning.kind === 'normal') {
      fillNormals(array, 5, 0, weights.size);
      array.forEach((value, i) => (array[i] = beginning.deviation * value));
    }
    weights.set(name, array);
  }
  weights.get('durations.outputBias')!.fill(Math.log1p(4));
  return {
    config,
    features,
    treatment,
    statistics: {
      mean: statistics.mean,
      std: statistics.std,
      logF0: { mean: Math.log(200), std: 0.2 },
      energy: { mean: 0, std: 1 },
    },
    weights,
    lexicon: new Map(),
    provenance: {
      recipe: 'tiny',
      corpus: 'none',
      otherAlignments: 0,
      corpusHash: 'none',
      steps: 0,
      seconds: 0,
      melDistance: null,
      kernels: 'none',
      created: '2024-01-01',
    },
  };
}
