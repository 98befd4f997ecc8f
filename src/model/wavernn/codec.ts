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
  /** Lanes that come before these and draw from the same noise; a multiple of four. Default 0. */
  readonly before?: number;
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
  /** Predictors from features [rows, bins] for a sampler, one for each gate conditioning; only if the network hears cues. */
  predictors?(features: Float32Array): FramePredictors;
  encode(speech: Speech, options?: EncodingOptions): Symbols;
  /**
   * A decoder for a stream from its beginning: takes the symbol pairs of whole frames and the features of these frames,
   * in order. Gives samples, full scale is 1; what was drawn may lie beyond.
   */
  decoder(): (codes: Uint16Array, features: Float32Array) => Float64Array;
}

/** How the scale of symbols changes within lanes; see `meansOf`. */
export interface LaneScales {
  /** [lanes, frames]. */
  readonly logScales: Float64Array;
  /** Samples per frame. */
  readonly hop: number;
  /** Position of the first sample in its frame. */
  readonly phase: number;
  /** The frame of the first sample. */
  readonly lead: number;
}

/**
 * [lanes]: means of the widths of the symbols [lanes, 1+n], but for each lane's first.
 * @param logWidths of each code
 * @param scaled what is added to them in each frame; nothing unless given
 */
export function meansOf(logWidths: Float64Array, codes: Uint16Array, lanes: number, scaled?: LaneScales): Float64Array {
  const samples = codes.length / lanes - 1;
  const { logScales, hop, phase, lead } = scaled ?? {
    logScales: new Float64Array(lanes),
    hop: samples,
    phase: 0,
    lead: 0,
  };
  const frames = logScales.length / lanes;
  const means = new Float64Array(lanes);
  for (let lane = 0; lane < lanes; lane++) {
    const first = lane * (samples + 1) + 1;
    let sum = 0;
    for (let i = 0, frame = lane * frames + lead; i < samples; frame++) {
      const end = Math.min(samples, (frame - lane * frames - lead + 1) * hop - phase);
      for (const logScale = logScales[frame]; i < end; i++) sum += logWidths[codes[first + i]] + logScale;
    }
    means[lane] = sum / samples;
  }
  return means;
}
