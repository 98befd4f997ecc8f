import type { MelSettings } from '../audio/mel.js';
import { levels, type WaveRnnConfig } from './config.js';
import { excitationCodec } from './codec_excitation.js';
import { mulawDecode, mulawEncode } from '../audio/mulaw.js';

/** Audio as the network sees it: one symbol pair coarse·Q + fine per sample. */
export interface Symbols {
  /** [1+n]: the symbol pair of the sample before the first, then those of the samples. */
  readonly codes: Uint16Array;
  /**
   * Mean over the samples of ln(width of the symbol's cell in steps of a 16-bit sample): what turns nats per symbol pair into nats per 16-bit sample, so
   * that the NLL of different encodings can be compared. The values in a cell are taken as equally likely.
   */
  readonly meanLogWidth: number;
  /** [n]: for each sample, the disturbed symbol pair of the one before; only where `encode` was to disturb. */
  readonly heard?: Uint16Array;
}

/** Turns 16-bit samples into symbol pairs and back. */
export interface SymbolCodec {
  /** The symbol pair of silence, the sample before the first. */
  readonly silence: number;
  /** Samples that `encode` wants before the first one, at least 1. */
  readonly history: number;
  /**
   * @param pcm [history+n]
   * @param phase position of the first of the n samples in its frame
   * @param features [rows, bins], not normalised: the frame before that of the first sample, that frame, and so on
   * @param disturb changes a symbol pair as the network's own errors would when it speaks: what it returns is what later samples hear and, where the codec
   * predicts, what they are predicted from, so that the codes say how to go on from there
   */
  encode(pcm: Int16Array, phase: number, features: Float32Array, disturb?: (code: number) => number): Symbols;
  /** A decoder for a stream from its beginning: takes the symbol pairs of whole frames and the features of these frames, in order. */
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
  encode: (pcm, _phase, _features, disturb) => heardToo({ codes: shifted(pcm), meanLogWidth: 0 }, disturb),
  decoder: () => (codes) => {
    const pcm = new Int16Array(codes.length);
    for (let i = 0; i < codes.length; i++) pcm[i] = codes[i] - 32768;
    return pcm;
  },
};

/** The same bits with the sign turned: -32768 … 32767 becomes 0 … 65535. */
function shifted(pcm: Int16Array): Uint16Array {
  const codes = new Uint16Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) codes[i] = pcm[i] + 32768;
  return codes;
}

/** Symbols of a codec without memory, with what the network hears of them. */
function heardToo(symbols: Symbols, disturb?: (code: number) => number): Symbols {
  return disturb ? { ...symbols, heard: symbols.codes.subarray(0, -1).map(disturb) } : symbols;
}

function mulawCodec(): SymbolCodec {
  // Near zero the cells are narrower than a 16-bit step and some hold no value: such a code never occurs.
  const counts = new Float64Array(levels('mulaw10') ** 2);
  for (const code of mulawEncode(Int16Array.from({ length: 65536 }, (_, i) => i - 32768))) counts[code]++;
  const logWidths = counts.map((count) => (count > 0 ? Math.log(count) : 0));
  return {
    silence: mulawEncode(new Int16Array(1))[0],
    history: 1,
    encode(pcm, _phase, _features, disturb) {
      const codes = mulawEncode(pcm);
      let sum = 0;
      for (let i = 1; i < codes.length; i++) sum += logWidths[codes[i]];
      return heardToo({ codes, meanLogWidth: sum / (codes.length - 1) }, disturb);
    },
    decoder: () => mulawDecode,
  };
}
