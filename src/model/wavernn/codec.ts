import type { MelSettings } from '../../audio/mel.js';
import { disturbance, type CodeNoise } from '../../kernels/interface/excitation.js';
import type { Kernels } from '../../kernels/interface/kernels.js';
import { RandomStream, streams } from '../../base/random.js';
import { classes, type WaveRnnConfig } from './config.js';
import { excitationCodec } from './codec_excitation.js';
import { mulawDecode, mulawEncode } from '../../audio/mulaw.js';

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
}

/** Segments of speech, all as long, that begin at the same place of their frames. */
export interface Speech {
  /** Default 1. */
  readonly lanes?: number;
  /** [lanes, history+n]. */
  readonly pcm: Int16Array;
  /** Position of the first of the n samples in its frame. */
  readonly phase: number;
  /** [lanes, rows, bins], not normalised: the frame before that of the first sample, that frame, and so on. */
  readonly features: Float32Array;
}

export interface EncodingOptions {
  /**
   * Changes symbol pairs as the network's own errors would when it speaks: the changed ones are what later samples hear
   * and, where the codec predicts, what they are predicted from, so that the codes say how to go on from there.
   */
  readonly noise?: CodeNoise;
  /** What does the work. Default: the reference, which is slow. */
  readonly kernels?: Pick<Kernels, 'codeExcitation'>;
}

/** Turns 16-bit samples into symbol pairs and back. */
export interface SymbolCodec {
  /** The symbol pair of silence, the sample before the first. */
  readonly silence: number;
  /** Samples that `encode` wants before the first one, at least 1. */
  readonly history: number;
  encode(speech: Speech, options?: EncodingOptions): Symbols;
  /**
   * A decoder for a stream from its beginning: takes the symbol pairs of whole frames and the features of these frames,
   * in order.
   */
  decoder(): (codes: Uint16Array, features: Float32Array) => Int16Array;
}

/** The codec of a voice. */
export function symbolCodec(encoding: WaveRnnConfig['encoding'], settings: MelSettings): SymbolCodec {
  if (encoding === 'lpc10') return excitationCodec(settings);
  return encoding === 'mulaw10' ? mulawCodec() : linearCodec;
}

const linearCodec: SymbolCodec = {
  silence: 32768,
  history: 1,
  encode: ({ pcm, lanes = 1 }, { noise } = {}) =>
    heardToo({ codes: shifted(pcm), meanLogWidths: new Float64Array(lanes) }, 65536, noise),
  decoder: () => (codes) => {
    const pcm = new Int16Array(codes.length);
    for (let i = 0; i < codes.length; i++) pcm[i] = codes[i] - 32768;
    return pcm;
  },
};

/** The same bits with the sign bit flipped: -32768 … 32767 becomes 0 … 65535. */
function shifted(pcm: Int16Array): Uint16Array {
  const codes = new Uint16Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) codes[i] = pcm[i] + 32768;
  return codes;
}

/** Symbols of a codec without memory, with what the network hears of them. */
function heardToo(symbols: Symbols, codes: number, noise?: CodeNoise): Symbols {
  if (!noise) return symbols;
  const random = new RandomStream(noise.seed, streams.heardNoise, noise.index);
  const lanes = symbols.meanLogWidths.length;
  const length = symbols.codes.length / lanes;
  const heard = new Uint16Array(lanes * (length - 1));
  for (let lane = 0; lane < lanes; lane++)
    heard.set(
      symbols.codes.subarray(lane * length, (lane + 1) * length - 1).map(disturbance(random, noise.most, codes)),
      lane * (length - 1),
    );
  return { ...symbols, heard };
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

function mulawCodec(): SymbolCodec {
  // Near zero the cells are narrower than a 16-bit step and some hold no value: such a code never occurs.
  const counts = new Float64Array(classes('mulaw10') ** 2);
  for (const code of mulawEncode(Int16Array.from({ length: 65536 }, (_, i) => i - 32768))) counts[code]++;
  const logWidths = counts.map((count) => (count > 0 ? Math.log(count) : 0));
  return {
    silence: mulawEncode(new Int16Array(1))[0],
    history: 1,
    encode({ pcm, lanes = 1 }, { noise } = {}) {
      const codes = mulawEncode(pcm);
      return heardToo({ codes, meanLogWidths: meansOf((code) => logWidths[code], codes, lanes) }, counts.length, noise);
    },
    decoder: () => mulawDecode,
  };
}
