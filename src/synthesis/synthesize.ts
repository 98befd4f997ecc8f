import { chooseKernels, type Kernels, type SampleRateNetwork } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend.js';
import { GateConditioner } from '../model/conditioner.js';
import { contextFrames } from '../model/conditioning.js';
import { denseNames, levels, sparseNames } from '../model/config.js';
import { symbolCodec } from '../model/codec.js';
import type { Voice } from '../model/voice.js';
import { TtsError } from '../errors.js';

export interface SynthesisOptions {
  /** Same seed, same kernels: same samples. Default 1. */
  readonly seed?: number;
  /** Above 0; below 1 the voice is calmer and duller, 1 (the default) is the distribution it has learned. */
  readonly temperature?: number;
  /** Default: the fastest of this machine. The sampler itself uses one core. */
  readonly kernels?: Kernels;
}

/** Acoustic features as the voice expects them: [frames, bins], frame by frame; see `conformFeatures` for others. */
export interface SynthesisFeatures {
  readonly data: Float32Array;
  readonly frames: number;
}

/** Frames of the first chunk and of the later ones: the first sound comes early, the later chunks cost little overhead. */
const firstChunk = 4;
const laterChunk = 32;

/** The sampler starts from nothing and ends in the middle: both ends are faded over this many seconds. */
const fadeSeconds = 0.005;

/**
 * Speaks: an async iterator of 16-bit PCM chunks, in order, frames · hop samples in all. The next chunk is drawn while the consumer
 * works on the last.
 * @example for await (const pcm of synthesize(await loadVoice('voice.safetensors'), features)) stream.write(pcm);
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are no [frames, bins]
 */
export async function* synthesize(voice: Voice, features: SynthesisFeatures, options: SynthesisOptions = {}): AsyncGenerator<Int16Array, void, void> {
  const { seed = 1, temperature = 1, kernels = chooseKernels() } = options;
  const { config } = voice;
  const bins = voice.statistics.mean.length;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new TtsError('ERR_ARGUMENT', `seed is ${seed}, expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  if (!(temperature > 0 && temperature <= 10)) throw new TtsError('ERR_ARGUMENT', `temperature is ${temperature}, expected more than 0 and at most 10`);
  if (features.frames < 1 || features.data.length !== features.frames * bins)
    throw new TtsError('ERR_FEATURE_SHAPE', `the features have ${features.data.length} values in ${features.frames} frames, expected ${bins} in each of at least one`);

  const { tf } = await loadTensorFlow(kernels);
  const conditioner = new GateConditioner(tf, config, voice.conditioning, voice.statistics);
  try {
    const codec = symbolCodec(config.encoding, voice.features);
    const sampler = kernels.createSampler(sampleRateNetwork(voice), { seed, temperature, firstCode: codec.silence });
    const decode = codec.decoder();
    const { hop, sampleRate } = voice.features;
    const total = features.frames * hop;
    const fade = Math.min(Math.round(fadeSeconds * sampleRate), total >> 1);
    const gateOf = (first: number, frames: number) => conditioner.gate(frameWindow(features, bins, first - contextFrames(config), frames + 2 * contextFrames(config)), frames);
    const draw = (first: number, frames: number) => sampler.run(gateOf(first, frames), frames, hop);

    let first = 0;
    let frames = Math.min(firstChunk, features.frames);
    let drawn = draw(first, frames);
    while (frames > 0) {
      const codes = await drawn;
      const start = first * hop;
      const spoken = frameWindow(features, bins, first, frames);
      first += frames;
      frames = Math.min(laterChunk, features.frames - first);
      if (frames > 0) drawn = draw(first, frames);
      yield faded(decode(codes, spoken), start, total, fade);
    }
  } finally {
    conditioner.dispose();
  }
}

/** The sample-rate network of a voice, as the kernels take it. */
export function sampleRateNetwork({ config, sparse, dense }: Voice): SampleRateNetwork {
  const { hidden, projection, encoding } = config;
  return { hidden, projection, levels: levels(encoding), sparse: sparseNames.map((name) => sparse[name]), dense: denseNames.map((name) => dense[name]) };
}

/** Frames first … first+count-1; outside of the utterance its edge frames. */
function frameWindow({ data, frames }: SynthesisFeatures, bins: number, first: number, count: number): Float32Array {
  const window = new Float32Array(count * bins);
  for (let i = 0; i < count; i++) {
    const frame = Math.max(0, Math.min(frames - 1, first + i));
    window.set(data.subarray(frame * bins, (frame + 1) * bins), i * bins);
  }
  return window;
}

function faded(pcm: Int16Array, start: number, total: number, fade: number): Int16Array {
  for (let i = 0; i < pcm.length; i++) {
    const distance = Math.min(start + i, total - 1 - start - i);
    if (distance < fade) pcm[i] = Math.round((pcm[i] * distance) / fade);
  }
  return pcm;
}
