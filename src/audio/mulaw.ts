/** µ of the 10-bit law: codes run from 0 to 1023. */
const mu = 1023;
const logOnePlusMu = Math.log1p(mu);

/**
 * Encodes 16-bit samples with 10-bit µ-law (µ = 1023), codes 0 … 1023. The law of ITU-T G.711 in its continuous form,
 * F(x) = sgn(x) ln(1 + µ|x|) / ln(1 + µ), on x = pcm / 32768; the code is F mapped from [-1, 1] to [0, 1023] and
 * rounded.
 */
export function mulawEncode(pcm: Int16Array): Uint16Array {
  const codes = new Uint16Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) codes[i] = mulawCode(pcm[i] / 32768);
  return codes;
}

/**
 * Decodes 10-bit µ-law codes 0 … 1023 to 16-bit samples: x = sgn(y) ((1 + µ)^|y| - 1) / µ with y = 2 code / 1023 - 1.
 * Encoding the result gives the code back where a step of the law is wider than one 16-bit step, |x| > 43 / 32768;
 * nearer to zero several codes share a sample, and of them the encoder uses one. So encode ∘ decode ∘ encode = encode.
 * Codes above 1023 read as 1023.
 */
export function mulawDecode(codes: Uint16Array): Int16Array {
  const pcm = new Int16Array(codes.length);
  for (let i = 0; i < codes.length; i++) pcm[i] = table[Math.min(codes[i], mu)];
  return pcm;
}

/** The code 0 … 1023 of a value in [-1, 1]; what lies outside gets the nearest. */
export function mulawCode(value: number): number {
  const compressed = (Math.sign(value) * Math.log(1 + mu * Math.min(1, Math.abs(value)))) / logOnePlusMu;
  return Math.round(((compressed + 1) / 2) * mu);
}

/** The value in [-1, 1] of a code; not only of whole ones: code ± 1/2 are the edges of its cell. */
export function mulawValue(code: number): number {
  const y = (2 * code) / mu - 1;
  return (Math.sign(y) * Math.expm1(Math.abs(y) * logOnePlusMu)) / mu;
}

const table = Int16Array.from({ length: mu + 1 }, (_, code) =>
  Math.max(-32768, Math.min(32767, Math.round(mulawValue(code) * 32768))),
);
