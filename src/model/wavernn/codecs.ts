import type { MelSettings } from '../../audio/mel_settings.js';
import { mulawDecode, mulawEncode } from '../../audio/mulaw.js';
import { RandomStream, streams } from '../../base/random.js';
import { type CodeNoise, disturbance, noiseAfter } from '../../kernels/interface/excitation.js';
import { meansOf, type SymbolCodec, type Symbols } from './codec.js';
import { excitationCodec } from './codec_excitation.js';
import { classes, type WaveRnnConfig } from './config.js';

/** The codec of a voice. */
export function symbolCodec(
  config: Pick<WaveRnnConfig, 'encoding' | 'hears' | 'conditioning'>,
  settings: MelSettings,
): SymbolCodec {
  const { encoding } = config;
  if (encoding === 'lpc10' || encoding === 'ltp10') return excitationCodec(settings, config);
  return encoding === 'mulaw10' ? mulawCodec() : linearCodec;
}

const linearCodec: SymbolCodec = {
  silence: 32768,
  history: 1,
  lead: 0,
  encode: ({ pcm, lanes = 1 }, { noise, before } = {}) =>
    heardToo({ codes: shifted(pcm), meanLogWidths: new Float64Array(lanes) }, 65536, noise, before),
  decoder: () => (codes) => Float64Array.from(codes, (code) => code / 32768 - 1),
};

/** The same bits with the sign bit flipped: -32768 … 32767 becomes 0 … 65535. */
function shifted(pcm: Int16Array): Uint16Array {
  const codes = new Uint16Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) codes[i] = pcm[i] + 32768;
  return codes;
}

/** Symbols of a codec without memory, with what the network hears of them. */
function heardToo(symbols: Symbols, codes: number, noise?: CodeNoise, before = 0): Symbols {
  if (!noise) return symbols;
  const lanes = symbols.meanLogWidths.length;
  const length = symbols.codes.length / lanes;
  const random = new RandomStream(noise.seed, streams.heardNoise, noiseAfter(noise, before, length - 1).index);
  const heard = new Uint16Array(lanes * (length - 1));
  for (let lane = 0; lane < lanes; lane++)
    heard.set(
      symbols.codes.subarray(lane * length, (lane + 1) * length - 1).map(disturbance(random, noise.most, codes)),
      lane * (length - 1),
    );
  return { ...symbols, heard };
}

function mulawCodec(): SymbolCodec {
  // Near zero the cells are narrower than a 16-bit step and some hold no value: such a code never occurs.
  const counts = new Float64Array(classes('mulaw10') ** 2);
  for (const code of mulawEncode(Int16Array.from({ length: 65536 }, (_, i) => i - 32768))) counts[code]++;
  const logWidths = counts.map((count) => (count > 0 ? Math.log(count) : 0));
  return {
    silence: mulawEncode(new Int16Array(1))[0],
    history: 1,
    lead: 0,
    encode({ pcm, lanes = 1 }, { noise, before } = {}) {
      const codes = mulawEncode(pcm);
      return heardToo({ codes, meanLogWidths: meansOf(logWidths, codes, lanes) }, counts.length, noise, before);
    },
    decoder: () => (codes) => Float64Array.from(mulawDecode(codes), (sample) => sample / 32768),
  };
}
