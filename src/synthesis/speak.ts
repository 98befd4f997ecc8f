import type { Kernels } from '../kernels/index.js';
import type { TensorFlow } from '../model/backend_kernels.js';
import { GateConditioner } from '../model/conditioner.js';
import { contextFrames } from '../model/conditioning.js';
import { symbolCodec } from '../model/codec.js';
import type { Voice } from '../model/voice.js';
import { voiceNetwork } from '../model/voice_network.js';
import { TtsError } from '../errors.js';
import { FrameSource, type SynthesisFeatures } from './frame_source.js';

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

/** Frames of the first chunk and of the later ones: the first sound comes early, the later chunks cost little overhead. */
const firstChunk = 4;
const laterChunk = 32;

/** The sampler starts from nothing and ends in the middle: both ends are faded over this many seconds. */
const fadeSeconds = 0.005;

/**
 * Speaks: an async iterator of 16-bit PCM chunks, in order, frames · hop samples in all. The next chunk is drawn while the consumer works on the last. Features may come piece by piece, from
 * an acoustic model that is still at work: a chunk waits only for the frames of its context. However the features are cut, the samples are the same.
 * Runs in browsers too; `synthesize` is the same with defaults for Node.
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are no [frames, bins]
 */
export async function* speak(voice: Voice, features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>, options: SpeakingOptions): AsyncGenerator<Int16Array, void, void> {
  const { kernels, tf, seed = 1, temperature = 1 } = options;
  const { config } = voice;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new TtsError('ERR_ARGUMENT', `seed is ${seed}, expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  if (!(temperature > 0 && temperature <= 10)) throw new TtsError('ERR_ARGUMENT', `temperature is ${temperature}, expected more than 0 and at most 10`);

  const context = contextFrames(config);
  const source = new FrameSource(features, voice.statistics.mean.length, context);
  const conditioner = new GateConditioner(tf, config, voice.conditioning, voice.statistics);
  try {
    const codec = symbolCodec(config.encoding, voice.features);
    const sampler = kernels.createSampler(voiceNetwork(voice), { seed, temperature, firstCode: codec.silence });
    const decode = codec.decoder();
    const { hop, sampleRate } = voice.features;
    const fade = Math.min(Math.round(fadeSeconds * sampleRate), hop >> 1);
    const draw = async (first: number) => {
      const frames = await source.ready(first, first === 0 ? firstChunk : laterChunk);
      if (frames === 0) return undefined;
      const last = source.isLast(first + frames - 1);
      const spoken = source.window(first, frames);
      const codes = await sampler.run(conditioner.gate(source.window(first - context, frames + 2 * context), frames), frames, hop);
      return { first, next: first + frames, last, codes, spoken };
    };

    let drawn = draw(0);
    for (let chunk = await drawn; chunk; chunk = await drawn) {
      drawn = draw(chunk.next);
      // Should the consumer leave, nobody will ask how this one went.
      drawn.catch(() => undefined);
      const pcm = decode(chunk.codes, chunk.spoken);
      if (chunk.first === 0) fadeIn(pcm, fade);
      if (chunk.last) fadeIn(pcm.reverse(), fade).reverse();
      yield pcm;
    }
  } finally {
    conditioner.dispose();
    source.close();
  }
}

/** Lets the first `length` samples rise from silence. */
function fadeIn(pcm: Int16Array, length: number): Int16Array {
  for (let i = 0; i < length; i++) pcm[i] = Math.round((pcm[i] * i) / length);
  return pcm;
}
