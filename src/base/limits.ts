import { z } from 'zod';

/** The least and the most that a number may be, both included. */
export interface Limit {
  readonly least: number;
  readonly most: number;
}

/** The kernels count in 32 bits. */
const largestInt = 2 ** 31 - 1;

/**
 * The bounds of every number that comes from outside: voices and classifiers, feature settings, recipes, and what code
 * gives to the kernels. Voices come from strangers; within these bounds no number in one can end the process, keep it
 * busy for hours, or make it ask for more memory than the file itself gives reason for. They lie well beyond what is of
 * use. docs/memory_safety.md has the same table for people; a test keeps them in step.
 */
export const limits = {
  // Feature settings.
  /** Hz, as in recordings that can be read. */
  sampleRate: { least: 1000, most: 768_000 },
  /** Samples, a power of two. */
  fftSize: { least: 2, most: 32_768 },
  windowLength: { least: 1, most: 32_768 },
  /** Samples, no more than fftSize. */
  hop: { least: 1, most: 16_384 },
  /** hop / sampleRate: a frame is a moment of speech. */
  frameSeconds: { least: 0, most: 0.25 },
  bins: { least: 1, most: 1024 },
  /** Hz; fMax is also at most half the sample rate. */
  frequency: { least: 0, most: 384_000 },
  /** Floors, offsets and the ends of intervals that features are mapped from and to. */
  level: { least: -1e6, most: 1e6 },

  // Networks.
  /** H, units of the GRU; a multiple of 32. */
  hidden: { least: 32, most: 16_384 },
  /** P, a multiple of 16. */
  projection: { least: 16, most: 16_384 },
  /** Width of the frame-rate network. */
  channels: { least: 1, most: 4096 },
  /** Frames of its first convolution. */
  kernel: { least: 1, most: 63 },
  residualBlocks: { least: 0, most: 64 },
  /** From one row that a convolution sees to the next. */
  dilation: { least: 1, most: 64 },
  /** What speaking changes: times as fast, times as high. */
  factor: { least: 0.1, most: 10 },
  /** Gate conditionings of a frame; a divisor of the hop. */
  vectors: { least: 1, most: 64 },
  /** Any weight, bias and mean: larger ones overflow a few layers on. */
  weight: { least: -1e6, most: 1e6 },
  /** Deviation of a bin of features, which is divided by. */
  deviation: { least: 1e-6, most: 1e6 },
  /** Layers of a classifier. */
  layers: { least: 1, most: 256 },
  /** Height, width or channels of an image; of a window its sides, its stride and its padding. */
  extent: { least: 1, most: 65_536 },
  padding: { least: 0, most: 65_536 },
  /** Height × width × channels of what goes into a layer, padding included. */
  pixels: { least: 1, most: 2 ** 26 },

  // Files.
  /** Characters of a name, or of any other text in a voice or a recipe. */
  text: { least: 0, most: 4096 },
  /** Arrays and objects within each other, in JSON. */
  depth: { least: 0, most: 64 },
  /** Dimensions of a tensor. */
  dimensions: { least: 0, most: 8 },

  // Recipes.
  steps: { least: 1, most: 1e9 },
  /** Segments side by side. */
  lanes: { least: 1, most: 1024 },
  /** Samples of a segment. */
  segment: { least: 16, most: 65_536 },
  /** lanes · segment. */
  samplesOfStep: { least: 16, most: 2 ** 22 },
  /** In which a step is done, on several machines. */
  parts: { least: 1, most: 1024 },
  /** Steps that they train apart. */
  generation: { least: 1, most: 1000 },
  /** In steps of the code. */
  noise: { least: 0, most: 1024 },
  learningRate: { least: 0, most: 1 },
  /** Of gradients, and of what is added to a denominator. */
  clip: { least: 0, most: 1e9 },
  /** Deviations, factors, and the coefficients of a search. */
  amount: { least: -1e6, most: 1e6 },
  /** Members of a population of masks. */
  population: { least: 2, most: 4096 },
  /** Members of a generation that searches weights, over all its parts: more have no random numbers of their own. */
  weightPopulation: { least: 2, most: 8192 },
  workers: { least: 1, most: 4096 },
  /** Of a step. */
  examples: { least: 1, most: 32_768 },
  /** Outputs of a layer of a classifier. */
  width: { least: 1, most: 16_384 },
  /** Entries of a list or a table. */
  entries: { least: 0, most: 100_000 },

  // What speaks.
  temperature: { least: 1e-6, most: 10 },
  seed: { least: 0, most: Number.MAX_SAFE_INTEGER },

  // What code gives to the kernels.
  threads: { least: 1, most: 256 },
  /** Elements of an array. */
  elements: { least: 0, most: largestInt },
  /** Rows or columns of a matrix. */
  rows: { least: 1, most: 2 ** 24 },
  /** Columns of a matrix of a sampler, whose indices have 16 bits. */
  samplerColumns: { least: 16, most: 16_384 },
  /** Lanes, samples of a frame, examples: each for itself. */
  count: { least: 1, most: 2 ** 20 },
  /** Samples of a lane. */
  sequence: { least: 1, most: 2 ** 26 },
  /** Samples that a sampler draws in one call. */
  samplesOfCall: { least: 0, most: 2 ** 27 },
  members: { least: 1, most: 65_536 },
  /** Utterances side by side. */
  slots: { least: 1, most: 4096 },
  /** Coefficients of a linear predictor. */
  order: { least: 1, most: 64 },
  /** Codes of an excitation. */
  codes: { least: 2, most: 65_536 },
  /** Repetitions of a measurement. */
  repetitions: { least: 1, most: 1e9 },
} as const satisfies Record<string, Limit>;

/** Whether a number lies within a bound; NaN does not. */
export const within = (value: number, { least, most }: Limit): boolean => value >= least && value <= most;

/** A whole number within a bound. */
export const whole = ({ least, most }: Limit) => z.int().min(least).max(most);

/** Any number within a bound. */
export const real = ({ least, most }: Limit) => z.number().min(least).max(most);

/** A text of bounded length. */
export const text = () => z.string().max(limits.text.most);
