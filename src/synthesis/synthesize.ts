import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import type { Voice } from '../model/voice/voice.js';
import { checkSignal, unlessAborted } from './abort.js';
import * as core from './core.js';
import type { SynthesisFeatures } from './frame_source.js';

export type { DrawingOptions, SoundOfMany } from './core.js';
export type { SynthesisFeatures } from './frame_source.js';

export interface SynthesisOptions extends core.DrawingOptions {
  /** Default: the fastest of this machine, on all cores. */
  readonly kernels?: Kernels;
}

/**
 * Turns features into speech, as `synthesize` of ./core.ts does, with the kernels and the TensorFlow.js of this
 * machine.
 * @example for await (const pcm of synthesize(await loadVoice('voice.safetensors'), features)) stream.write(pcm);
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are not
 * [frames, bins]
 * @throws {AbortError} when `options.signal` says stop
 */
export async function* synthesize(
  voice: Voice,
  features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
  options: SynthesisOptions = {},
): AsyncGenerator<Int16Array, void, void> {
  checkSignal(options.signal);
  yield* core.synthesize(voice, features, await withMachine(options));
}

/**
 * Turns the features of many utterances into speech at once, as `synthesizeMany` of ./core.ts does, with the kernels
 * and the TensorFlow.js of this machine.
 * @throws {TtsError} what `synthesize` throws; an error in one utterance ends all
 */
export async function* synthesizeMany(
  voice: Voice,
  all: Iterable<SynthesisFeatures> | AsyncIterable<SynthesisFeatures>,
  options: SynthesisOptions = {},
): AsyncGenerator<core.SoundOfMany, void, void> {
  checkSignal(options.signal);
  yield* core.synthesizeMany(voice, all, await withMachine(options));
}

async function withMachine({ kernels = chooseKernels(), ...how }: SynthesisOptions): Promise<core.CoreOptions> {
  const { tf } = await unlessAborted(how.signal, loadTensorFlow(kernels));
  return { ...how, kernels, tf };
}
