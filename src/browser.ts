/**
 * The part of the library that runs in browsers: read a voice and features, make speech. Nothing here, nor what it
 * imports, needs Node. TensorFlow.js is the caller's to bring: its core and its cpu backend are enough. See
 * examples/browser.
 *
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 *
 * const kernels = wasmKernels(await WebAssembly.compileStreaming(fetch('kernels.wasm')));
 * await tf.setBackend('cpu');
 * registerFastKernels(tf, kernels);
 * const voice = decodeVoice(new Uint8Array(await (await fetch('voice.safetensors')).arrayBuffer()));
 * for await (const pcm of synthesize(voice, features, { kernels, tf })) play(pcm);
 * ```
 */
import { NativeKernels } from './kernels/compiled/compiled_kernels.js';
import { wasmAddon } from './kernels/compiled/wasm.js';
import { guarded } from './kernels/interface/guard.js';
import type { Kernels } from './kernels/interface/kernels.js';

export { type MelSpectrogram, melSpectrogram } from './audio/mel.js';
export { type MelSettings, melSettingsSchema } from './audio/mel_settings.js';
export { treat, type Treatment } from './audio/treatment.js';
export { type ErrorCode, TtsError } from './base/errors.js';
export { conformFeatures, type ConformingFeatures } from './data/features/conform.js';
export type { ExpectedFeatures } from './data/features/fit.js';
export { decodeNpy, type NpyArray } from './data/features/npy.js';
export { decodeAcoustic } from './model/acoustic/encoding.js';
export type { AcousticModel } from './model/acoustic/model.js';
export { checkVoiceFits, MelPredictor, type PredictedMel, type PredictOptions } from './model/acoustic/predict.js';
export { registerFastKernels } from './model/backend/fast_kernels.js';
export { decodeVoice } from './model/voice/encoding.js';
export type { Voice } from './model/voice/voice.js';
export type { MelSource, SpokenMel } from './speech/mel_source.js';
export { speak } from './speech/speak.js';
export {
  Speaker,
  type SpeakerParts,
  type SpeakingOptions,
  type SpeechPiece,
  type SpeechSentence,
  type SpokenText,
} from './speech/speaker.js';
export type { TimedPhone, TimedWord } from './speech/timing.js';
export { AbortError } from './synthesis/abort.js';
export {
  type SoundOfMany,
  type CoreOptions as SynthesisOptions,
  synthesize,
  synthesizeMany,
} from './synthesis/core.js';
export type { SynthesisFeatures } from './synthesis/frame_source.js';
export { decodeG2p } from './text/g2p/encoding.js';
export type { G2p } from './text/g2p/g2p.js';
export { loadDictionary } from './text/lexicon/dictionary.js';
export { type Lexicon, parseLexicon } from './text/lexicon/own.js';
export {
  Pronouncer,
  type PronouncerSources,
  type Pronunciation,
  type Source,
  type Unspoken,
  type UnspokenWord,
} from './text/lexicon/pronouncer.js';
export {
  normalise,
  type Pause,
  type PausePiece,
  type PhonePiece,
  type Piece,
  type SpokenSentence,
  type WordPiece,
} from './text/normalise/normalise.js';
export { type PhoneSentence, phonesOf, type SpokenPause, type SpokenWord } from './text/phones_of.js';
export { type Sentence, splitSentences, streamSentences } from './text/sentences.js';
export { type Boundary, type Token, tokensOf, tokenSymbols } from './text/tokens.js';

/**
 * The kernels of a compiled `kernels.wasm`. They work on the thread that calls them: to keep a page alive, call them in
 * a worker.
 */
export function wasmKernels(module: WebAssembly.Module): Kernels {
  return guarded(new NativeKernels(wasmAddon(module), 'wasm', 1));
}
