/** Images with the class of each. */
export interface LabelledImages {
  /** [images, height, width, channels], 0 … 255. */
  readonly images: Uint8Array;
  /** [images], 0 … classes − 1. */
  readonly labels: Uint8Array;
}

/** A data set of small images in memory. */
export interface ImageSet {
  /** What reports call it, such as `MNIST` or `CIFAR-10 from JPEG copies`. */
  readonly name: string;
  readonly train: LabelledImages;
  /** Never trained on. */
  readonly test: LabelledImages;
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** One line: which images there are, how many, from which files. */
  readonly description: string;
}

/** Brings pixels to mean 0 and deviation 1: per channel, in units of the pixels. Plain data, fit for JSON. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/**
 * Mean and standard deviation of each channel over the pixels of the training images; a channel that is constant gets
 * deviation 1.
 */
export function normalisationOf({ train, channels }: Pick<ImageSet, 'train' | 'channels'>): Normalisation {
  // From a histogram the sums are exact.
  const histogram = Array.from({ length: channels }, () => new Float64Array(256));
  for (let i = 0; i < train.images.length; i++) histogram[i % channels][train.images[i]]++;
  const pixels = train.images.length / channels;
  const mean = histogram.map((counts) => counts.reduce((sum, count, value) => sum + count * value, 0) / pixels);
  const deviation = histogram.map(
    (counts, channel) =>
      Math.sqrt(counts.reduce((sum, count, value) => sum + count * (value - mean[channel]) ** 2, 0) / pixels) || 1,
  );
  return { mean, deviation };
}
