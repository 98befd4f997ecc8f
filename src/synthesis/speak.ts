import { TtsError } from '../base/errors.js';
import type { Kernels, SamplerSettings } from '../kernels/index.js';
import type { TensorFlow } from '../model/backend/fast_kernel.js';
import { voiceNetwork } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import type { SynthesisFeatures } from './frame_source.js';
import { chunkFrames, Utterance } from './utterance.js';

/** What speaks, and how. */
export interface SpeakingOptions {
  readonly kernels: Kernels;
  /** For the frame-rate network; `registerFastKernels` makes it fast. */
  readonly tf: TensorFlow;
  /** Same seed, same kernels: same samples. Default 1. */
  readonly seed?: number;
  /** Above 0; below 1 the voice is calmer and duller, 1 (the default) is the distribution it has learned. */
  readonly temperature?: number;
}

/** Of the GRU: with fewer, threads would wait for each other longer than they work. */
const unitsOfThread = 512;

/** Frames of the first chunk: the first sound comes early. */
const firstChunk = 4;

/**
 * Speaks: an async iterator of 16-bit PCM chunks, in order, frames · hop samples in all. The next chunk is drawn while
 * the consumer works on the last. Features may come piece by piece, from an acoustic model that is still at work: a
 * chunk waits only for the frames of its context. However the features are cut, the samples are the same. Runs in
 * browsers too; `synthesize` is the same with defaults for Node.
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are no
 * [frames, bins]
 */
export async function* speak(
  voice: Voice,
  features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
  options: SpeakingOptions,
): AsyncGenerator<Int16Array, void, void> {
  const { kernels, tf } = options;
  const settings = samplerSettings(voice, options);
  const { hop } = voice.features;
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const utterance = new Utterance(voice, conditioner, features);
  try {
    const sampler = kernels.createSampler(
      voiceNetwork(voice),
      settings,
      Math.min(kernels.threads, Math.ceil(voice.config.hidden / unitsOfThread)),
    );
    const draw = async (most: number) => {
      const chunk = await utterance.prepare(most);
      return chunk && { chunk, codes: await sampler.run(chunk.gate, chunk.frames, hop) };
    };

    let drawn = draw(firstChunk);
    for (let now = await drawn; now; now = await drawn) {
      drawn = draw(chunkFrames);
      // Should the consumer leave, nobody will ask how this one went.
      drawn.catch(() => undefined);
      yield utterance.sound(now.chunk, now.codes);
    }
  } finally {
    conditioner.dispose();
    utterance.close();
  }
}

/** How the samples of an utterance are drawn. Throws ERR_ARGUMENT for a seed or temperature out of range. */
export function samplerSettings(
  voice: Voice,
  { seed = 1, temperature = 1 }: Pick<SpeakingOptions, 'seed' | 'temperature'>,
): SamplerSettings {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new TtsError('ERR_ARGUMENT', `seed is ${seed}, expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  if (!(temperature > 0 && temperature <= 10))
    throw new TtsError('ERR_ARGUMENT', `temperature is ${temperature}, expected more than 0 and at most 10`);
  return { seed, temperature, firstCode: symbolCodec(voice.config.encoding, voice.features).silence };
}
