import { lowPass } from '../../audio/low_pass.js';
import { RandomStream, streams } from '../../base/random.js';

// What is heard in a trial is a signal: that of a system, or an anchor or trap that the tool makes from the original.

export const trapSignal = 'trap';
export const anchorSignal = (cutoff: number): string => `anchor-${cutoff}`;

/** The names of a study's anchors. */
export const anchorsOf = ({ anchors }: { readonly anchors: readonly number[] }): string[] => anchors.map(anchorSignal);

/** The system that anchors and traps are made from. */
export const originalOf = (study: { readonly reference: string | null; readonly systems: readonly string[] }): string =>
  study.reference ?? study.systems[0];

/** Ratio of speech to modulated noise in a trap, in dB. Nobody mistakes speech at 5 dB for the original. */
const trapQ = 5;

/** Makes the signal of a name, a trap or an anchor, from the original. */
export function degrade(signal: string, samples: Float32Array, sampleRate: number): Float32Array {
  if (signal === trapSignal) return modulatedNoise(samples, trapQ);
  return lowPass(samples, sampleRate, Number(signal.slice(anchorSignal(0).length - 1)));
}

/** The modulated noise reference unit, narrow sense: y = x (1 + 10^(-Q/20) N), N normal noise (ITU-T P.810, 3). */
export function modulatedNoise(samples: Float32Array, q: number): Float32Array {
  const noise = new RandomStream(0, streams.listeningTests);
  const scale = 10 ** (-q / 20);
  return samples.map((sample) => sample * (1 + scale * noise.normal()));
}
