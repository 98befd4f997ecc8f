import type { MeasureName } from '../measures.js';

/** A vocoder, and the means of its measures over `publishedClips`. */
export interface PublishedVocoder {
  readonly name: string;
  readonly means: Readonly<Partial<Record<MeasureName, number>>>;
}

/** Clips of LJSpeech that no vocoder of the list was trained on; 10.3 s. */
export const publishedClips: readonly string[] = ['LJ050-0029', 'LJ050-0033'];

/** Where the samples of the others come from. */
export const publishedSource =
  'samples that the ParallelWaveGAN project publishes (https://kan-bayashi.github.io/ParallelWaveGAN/)';

/**
 * A yardstick for copy synthesis: what tts-eval says of the published samples of other vocoders, which were trained on
 * the 24 hours of LJSpeech, and of the voice of version 0.1, which was trained on 5.6 minutes. Anyone can repeat it:
 * see docs/evaluation.md, whose table is kept in step by a test. The harmonicity was measured to two digits by another
 * program, before it was one of the measures here.
 */
export const published: readonly PublishedVocoder[] = [
  { name: 'HiFi-GAN V1', means: means(1.3, 2.05, 23, 3.2, 1, 0.978, 0.952) },
  { name: 'Parallel WaveGAN v1', means: means(1.9, 3.14, 29, 5.2, 0.99, 0.955, 0.907) },
  { name: 'multi-band MelGAN', means: means(2.37, 3.7, 37, 7, 0.95, 0.932, 0.863) },
  { name: 'MelGAN', means: means(2.72, 4.45, 45, 5.9, 0.97, 0.914, 0.84) },
  { name: 'SparseWaveRNN 0.1', means: means(2.84, 5.36, 45, 14.9, 0.86, 0.882, 0.789) },
];

function means(
  melCepstralDistortion: number,
  logSpectralDistance: number,
  f0Rmse: number,
  voicingError: number,
  harmonicity: number,
  stoi: number,
  estoi: number,
): PublishedVocoder['means'] {
  return { melCepstralDistortion, logSpectralDistance, f0Rmse, voicingError, harmonicity, stoi, estoi };
}

/** How many digits the published figures have after the point. */
export const publishedDigits: Readonly<Partial<Record<MeasureName, number>>> = {
  melCepstralDistortion: 2,
  logSpectralDistance: 2,
  f0Rmse: 0,
  voicingError: 1,
  harmonicity: 2,
  stoi: 3,
  estoi: 3,
};
