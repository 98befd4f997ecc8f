import { mulawDecode, mulawEncode } from '../audio/mulaw.js';
import { levels, type WaveRnnConfig } from './config.js';

type Encoding = WaveRnnConfig['encoding'];

/** 16-bit samples as symbol pairs coarse·Q + fine. */
export function encodeSymbols(encoding: Encoding, pcm: Int16Array): Uint16Array {
  if (encoding === 'mulaw10') return mulawEncode(pcm);
  // The same bits with the sign turned: -32768 … 32767 becomes 0 … 65535.
  const codes = new Uint16Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) codes[i] = pcm[i] + 32768;
  return codes;
}

/** The 16-bit samples of symbol pairs. */
export function decodeSymbols(encoding: Encoding, codes: Uint16Array): Int16Array {
  if (encoding === 'mulaw10') return mulawDecode(codes);
  const pcm = new Int16Array(codes.length);
  for (let i = 0; i < codes.length; i++) pcm[i] = codes[i] - 32768;
  return pcm;
}

/** The symbol pair of silence, the sample before the first. */
export function silence(encoding: Encoding): number {
  return encodeSymbols(encoding, new Int16Array(1))[0];
}

const widths = new Map<Encoding, Float64Array>();

/**
 * What turns nats per symbol pair into nats per 16-bit sample, so that the NLL of different encodings can be compared: a µ-law symbol pair
 * stands for a cell of several 16-bit values, taken as equally likely, which adds ln(width of the cell).
 * @returns the mean of it over the codes; 0 for linear16
 */
export function meanLogCellWidth(encoding: Encoding, codes: Uint16Array): number {
  if (encoding === 'linear16') return 0;
  let logWidths = widths.get(encoding);
  if (!logWidths) {
    const counts = new Float64Array(levels(encoding) ** 2);
    for (const code of encodeSymbols(encoding, Int16Array.from({ length: 65536 }, (_, i) => i - 32768))) counts[code]++;
    // Near zero the cells are narrower than a 16-bit step and some hold no value: such a code never occurs.
    logWidths = counts.map((count) => (count > 0 ? Math.log(count) : 0));
    widths.set(encoding, logWidths);
  }
  let sum = 0;
  for (const code of codes) sum += logWidths[code];
  return sum / codes.length;
}
