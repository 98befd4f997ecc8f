import { TtsError } from '../base/errors.js';
import { limits, within } from '../base/limits.js';
import { type Kernels, type SamplerSettings, SIDE_BY_SIDE } from '../kernels/interface/kernels.js';
import type { TensorFlow } from '../model/backend/fast_kernel.js';
import { voiceNetwork } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import type { SymbolCodec } from '../model/wavernn/codec.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import { vectorsPerFrame } from '../model/wavernn/config.js';
import { checkSignal, unlessAborted } from './abort.js';
import type { SynthesisFeatures } from './frame_source.js';
import { type Chunk, chunkFrames, Utterance } from './utterance.js';

// The way from features to sound: `Utterance` takes frames as they come, conditions the gates on them and, at the end,
// decodes symbols; in between a sampler of the kernels draws the symbols. Nothing here needs Node; ./synthesize.ts has
// the same functions with defaults for it.

/** How samples are drawn. */
export interface DrawingOptions {
  /** Same seed, same kernels: same samples. Default 1. */
  readonly seed?: number;
  /** Above 0; below 1 the voice is calmer and duller, 1 (the default) is the distribution it has learned. */
  readonly temperature?: number;
  /** Whether the speech is given the mel spectrum of its features; see `MelCorrection`. Default true. */
  readonly correction?: boolean;
  /**
   * Ends the speech when it says so, whatever is at work then: what waits for the next chunk rejects at once, with an
   * `AbortError` (code ABORT_ERR, as Node's own), and the source of the features is told.
   */
  readonly signal?: AbortSignal;
}

/** How samples are drawn, and what does the work. */
export interface CoreOptions extends DrawingOptions {
  readonly kernels: Kernels;
  /** For the frame-rate network; `registerFastKernels` makes it fast. */
  readonly tf: TensorFlow;
}

/** Units of the GRU for each thread: with fewer, threads would wait for each other longer than they work. */
const unitsOfThread = 512;

/** Frames of the first chunk: the first sound comes early. */
export const firstChunk = 4;

/**
 * Turns features into speech: an async iterator of 16-bit PCM chunks, in order, frames · hop samples in all. The next
 * chunk is drawn while the consumer works on the last. Features may come piece by piece, from an acoustic model that is
 * still at work: a chunk waits only for the frames of its context. However the features are cut, the samples are the
 * same. A stream that is let go of in the middle holds nothing but what the garbage collector sees.
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are not
 * [frames, bins], ERR_FEATURE_NOT_FINITE, ERR_FEATURE_RANGE; ERR_NOT_FINITE for a voice or features of absurd values
 * @throws {AbortError} when the signal says stop
 */
export async function* synthesize(
  voice: Voice,
  features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
  options: CoreOptions,
): AsyncGenerator<Int16Array, void, void> {
  const { kernels, tf, signal } = options;
  checkSignal(signal);
  const hop = voice.features.hop / vectorsPerFrame(voice.config);
  const codec = symbolCodec(voice.config, voice.features);
  const settings = samplerSettings(codec, options);
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const utterance = new Utterance(voice, conditioner, codec, features, options.correction ?? true);
  try {
    const sampler = kernels.createSampler(
      voiceNetwork(voice),
      settings,
      Math.min(kernels.threads, Math.ceil(voice.config.hidden / unitsOfThread)),
    );
    const draw = async (most: number) => {
      const chunk = await utterance.prepare(most);
      return chunk && { chunk, codes: await sampler.run(chunk.gate, chunk.frames, hop, chunk.predictors) };
    };

    let drawn = draw(firstChunk);
    for (let now = await unlessAborted(signal, drawn); now; now = await unlessAborted(signal, drawn)) {
      drawn = draw(chunkFrames);
      // If the consumer leaves, nothing awaits this one.
      drawn.catch(() => undefined);
      // The first samples may still wait for the end of their windows.
      const pcm = utterance.decode(now.chunk, now.codes);
      if (pcm.length > 0) yield pcm;
    }
  } finally {
    utterance.close();
  }
}

/** Some sound of one of many utterances. */
export interface SoundOfMany {
  /** Position of the utterance among all, from 0. */
  readonly index: number;
  readonly pcm: Int16Array;
  readonly last: boolean;
}

/** What a slot is to draw in a round. */
interface Part {
  readonly slot: number;
  readonly index: number;
  readonly utterance: Utterance;
  readonly chunk: Chunk;
}

/**
 * Turns the features of many utterances into speech at once, on all threads of the kernels: they share the passes over
 * the weights, and each sounds as `synthesize` makes it sound alone with the same seed. Yields chunks of 16-bit PCM,
 * those of an utterance in order, the utterances mixed. Features are asked for when a slot becomes free.
 * @throws {TtsError} what `synthesize` throws; an error in one utterance ends all
 * @throws {AbortError} when the signal says stop
 */
export async function* synthesizeMany(
  voice: Voice,
  all: Iterable<SynthesisFeatures> | AsyncIterable<SynthesisFeatures>,
  options: CoreOptions,
): AsyncGenerator<SoundOfMany, void, void> {
  const { kernels, tf, signal } = options;
  checkSignal(signal);
  const hop = voice.features.hop / vectorsPerFrame(voice.config);
  const codec = symbolCodec(voice.config, voice.features);
  const settings = samplerSettings(codec, options);
  const slots = SIDE_BY_SIDE * kernels.threads;
  const waiting = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  const group = kernels.createSamplerGroup(voiceNetwork(voice), slots);
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const running = Array<{ readonly index: number; readonly utterance: Utterance } | undefined>(slots).fill(undefined);
  let started = 0;

  /** The next chunk of the utterance in a slot, or of the one that takes its place; undefined when none is left. */
  const follow = async (slot: number): Promise<Part | undefined> => {
    for (;;) {
      const now = running[slot];
      const chunk = await now?.utterance.prepare(chunkFrames);
      if (now && chunk) return { slot, ...now, chunk };
      const { done, value } = await waiting.next();
      running[slot] = undefined;
      if (done) return undefined;
      running[slot] = {
        index: started++,
        utterance: new Utterance(voice, conditioner, codec, value, options.correction ?? true),
      };
    }
  };
  const prepare = async (): Promise<Part[]> => {
    const parts: Part[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const part = await unlessAborted(signal, follow(slot));
      if (part) parts.push(part);
    }
    return parts;
  };
  const draw = (parts: readonly Part[]): Promise<Uint16Array[]> => {
    for (const { slot, chunk } of parts) if (chunk.first) group.begin(slot, settings);
    const drawn = group.run(
      parts.map(({ slot, chunk: { gate, frames, predictors } }) => ({ slot, gate, frames, predictors })),
      hop,
    );
    // If the consumer leaves, nothing awaits this one.
    drawn.catch(() => undefined);
    return drawn;
  };

  try {
    let parts = await prepare();
    let drawn = draw(parts);
    while (parts.length > 0) {
      const next = await prepare();
      const codes = await unlessAborted(signal, drawn);
      drawn = draw(next);
      for (const [i, { index, utterance, chunk }] of parts.entries()) {
        const pcm = utterance.decode(chunk, codes[i]);
        if (pcm.length > 0 || chunk.last) yield { index, pcm, last: chunk.last };
        checkSignal(signal);
      }
      parts = next;
    }
  } finally {
    for (const now of running) now?.utterance.close();
    const closed = Promise.resolve(waiting.return?.());
    // A source that is still at work would answer only after it.
    if (signal?.aborted) closed.catch(() => undefined);
    else await closed;
  }
}

/** @throws {TtsError} ERR_ARGUMENT for a seed or a temperature out of range */
export function samplerSettings(codec: SymbolCodec, { seed = 1, temperature = 1 }: DrawingOptions): SamplerSettings {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new TtsError('ERR_ARGUMENT', `seed is ${seed}, expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  if (!within(temperature, limits.temperature))
    throw new TtsError(
      'ERR_ARGUMENT',
      `temperature is ${temperature}, expected more than 0 (${limits.temperature.least} at least) and at most ` +
        `${limits.temperature.most}`,
    );
  return { seed, temperature, firstCode: codec.silence, hearing: codec.hearing };
}
