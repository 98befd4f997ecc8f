import type { CodeNoise } from '../../kernels/interface/excitation.js';
import type { Kernels } from '../../kernels/interface/kernels.js';
import type { FramePredictors, Hearing } from '../../kernels/interface/listener.js';

/** Audio as the network sees it: one symbol pair coarse·Q + fine per sample. */
export interface Symbols {
  /** [lanes, 1+n]: the symbol pair of the sample before the first, then those of the samples. */
  readonly codes: Uint16Array;
  /**
   * [lanes]: mean over the samples of ln(width of the symbol's cell in steps of a 16-bit sample): what turns nats per
   * symbol pair into nats per 16-bit sample, so that the NLL of different encodings can be compared. The values in a
   * cell are taken as equally likely.
   */
  readonly meanLogWidths: Float64Array;
  /** [lanes, n]: for each sample, the disturbed symbol pair of the one before; only with noise. */
  readonly heard?: Uint16Array;
  /** [lanes, n, cues]: what the network hears besides; only if it does. */
  readonly cues?: Float32Array;
}

/** Segments of speech, all as long, that begin at the same place of their frames. */
export interface Speech {
  /** Default 1. */
  readonly lanes?: number;
  /** [lanes, history+n]. */
  readonly pcm: Int16Array;
  /** Position of the first of the n samples in its frame. */
  readonly phase: number;
  /** [lanes, rows, bins], not normalised: `lead` frames before that of the first sample, that frame, and so on. */
  readonly features: Float32Array;
}

export interface EncodingOptions {
  /**
   * Changes symbol pairs as the network's own errors would when it speaks: the changed ones are what later samples hear
   * and, where the codec predicts, what they are predicted from, so that the codes say how to go on from there.
   */
  readonly noise?: CodeNoise;
  /** Encodes. Default: the reference, which is slow. */
  readonly kernels?: Pick<Kernels, 'codeExcitation'>;
}

/** Turns 16-bit samples into symbol pairs and back. */
export interface SymbolCodec {
  /** The symbol pair of silence, the sample before the first. */
  readonly silence: number;
  /** Samples that `encode` wants before the first one, at least 1. */
  readonly history: number;
  /** Frames of features that `encode` wants before that of the first sample. */
  readonly lead: number;
  /** How a sampler hears; only if the network hears cues. */
  readonly hearing?: Hearing;
  /** Predictors from features [rows, bins], one for each gate conditioning; only if the network hears cues. */
  predictors?(features: Float32Array): FramePredictors;
  encode(speech: Speech, options?: EncodingOptions): Symbols;
  /**
   * A decoder for a stream from its beginning: takes the symbol pairs of whole frames and the features of these frames,
   * in order.
   */
  decoder(): (codes: Uint16Array, features: Float32Array) => Int16Array;
}

/** [lanes]: means of the widths of the symbols [lanes, 1+n], but for each lane's first. */
export function meansOf(
  widthOf: (code: number, sample: number, lane: number) => number,
  codes: Uint16Array,
  lanes: number,
): Float64Array {
  const samples = codes.length / lanes - 1;
  return Float64Array.from({ length: lanes }, (_, lane) => {
    let sum = 0;
    for (let i = 0; i < samples; i++) sum += widthOf(codes[lane * (samples + 1) + 1 + i], i, lane);
    return sum / samples;
  });
}
