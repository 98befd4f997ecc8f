import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import type { Voice } from '../model/voice/voice.js';
import type { SynthesisFeatures } from './frame_source.js';
import { speak, type SpeakingOptions } from './speak.js';

export type { SynthesisFeatures } from './frame_source.js';

export interface SynthesisOptions extends Pick<SpeakingOptions, 'seed' | 'temperature'> {
  /** Default: the fastest of this machine, on all cores. */
  readonly kernels?: Kernels;
}

/**
 * Speaks as `speak` does, with the kernels and the TensorFlow.js of this machine.
 * @example for await (const pcm of synthesize(await loadVoice('voice.safetensors'), features)) stream.write(pcm);
 * @throws {TtsError} ERR_ARGUMENT for a seed or temperature out of range, ERR_FEATURE_SHAPE when the data are no
 * [frames, bins]
 */
export async function* synthesize(
  voice: Voice,
  features: SynthesisFeatures | AsyncIterable<SynthesisFeatures>,
  options: SynthesisOptions = {},
): AsyncGenerator<Int16Array, void, void> {
  const { kernels = chooseKernels(), ...how } = options;
  const { tf } = await loadTensorFlow(kernels);
  yield* speak(voice, features, { kernels, tf, ...how });
}
