import { RandomStream, streams } from '../base/random.js';
import {
  chooseKernels,
  type Kernels,
  type Precision,
  type Sampler,
  type SamplerNetwork,
  samplerParts,
  type SamplerSettings,
  SIDE_BY_SIDE,
  withPrecision,
} from '../kernels/index.js';
import type { FramePredictors } from '../kernels/interface/listener.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import { fixedMasks } from '../sparsity/fixed.js';
import { type Recipe, waveRnnConfig } from '../training/recipe/recipe.js';
import { maskedMatrices, VocoderParameters } from '../training/vocoder/parameters.js';
import { processorName, time, type Timing, timingOf } from './measure.js';
import { denseProbe, type PhaseFigures, phaseFigures, phasesOf } from './phases.js';

export interface SamplingFigures extends PhaseFigures {
  readonly size: string;
  readonly hidden: number;
  readonly encoding: string;
  readonly block: string;
  readonly precision: Precision;
  readonly nonZeros: number;
  readonly kernels: string;
  /** How many threads one stream may use. */
  readonly threads: number;
  /** One stream, without the conditioning network. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** Of all utterances together, several side by side on one core. */
  readonly sideBySide: number;
  readonly sideBySidePerSecond: number;
  /** Its ratio to the median of one stream. */
  readonly sideBySideGain: number;
  /** Seconds of work per second of speech, by the median. */
  readonly realTimeFactor: number;
  readonly microsecondsPerSample: number;
  /** Of the non-zero weights: what each sample has to read. */
  readonly weightKilobytes: number;
  /** Measured: from the second-level cache, into which the weights of all but the largest networks fit. */
  readonly cacheGigabytesPerSecond?: number;
  /** Time in which the cache could deliver the weights, over the time of a sample: 1 is the limit. */
  readonly shareOfLimit?: number;
  /** Where the time of a sample goes. */
  readonly parts?: readonly { readonly part: string; readonly microseconds: number; readonly share: number }[];
  readonly processor: string;
}

export interface SamplingOptions {
  readonly precision: Precision;
  readonly seconds: number;
  /** Whether to time the parts of a sample too. */
  readonly profile?: boolean;
  /** For one stream. Default 1. */
  readonly threads?: number;
}

/** Larger than first-level caches, smaller than second-level ones. */
const cachedFloats = 96 * 1024;

/** What a sampler is given again and again. */
interface BenchedFrame {
  readonly gate: Float32Array;
  readonly predictors?: FramePredictors;
}

function firstPredictor({ coefficients, scales, periods, gains }: FramePredictors): FramePredictors {
  return {
    coefficients: coefficients.slice(0, coefficients.length / scales.length),
    scales: scales.slice(0, 1),
    periods: periods.slice(0, 1),
    gains: gains.slice(0, 1),
  };
}

/** Times the sampler of a recipe with fresh weights: the time does not depend on their values. */
export async function benchSampling(
  recipe: Recipe,
  kernels: Kernels,
  { precision, seconds, profile, threads = 1 }: SamplingOptions,
): Promise<SamplingFigures> {
  const config = waveRnnConfig(recipe);
  const { sampleRate, bins } = recipe.features;
  const { seed } = recipe.training;
  const parameters = new VocoderParameters(
    config,
    bins,
    fixedMasks(maskedMatrices(config), seed).initial(),
    'zero',
    seed,
  );
  const network = withPrecision(parameters.members()[0], precision);
  const codec = symbolCodec(config, recipe.features);
  const settings = { seed, temperature: 1, firstCode: codec.silence, hearing: codec.hearing };
  const sampler = kernels.createSampler(network, settings, threads);
  const random = new RandomStream(seed, streams.initialisation);
  const gate = Float32Array.from({ length: 3 * config.hidden }, () => 0.3 * random.normal());
  // Threads are called together for some milliseconds at a time.
  const samples = threads > 1 ? 2048 : 64;
  const predictors = codec.predictors && firstPredictor(codec.predictors(new Float32Array(bins).fill(-2)));
  const frame: BenchedFrame = { gate, predictors };
  const rates: number[] = [];
  const probe = denseProbe(chooseKernels({ name: kernels.name, threads: 1 }), 64);
  const timing = await timeSampler(sampler, frame, samples, seconds, () => void rates.push(probe()));
  const { median, best } = timing;
  const microseconds = (1e6 * median) / samples;
  const together = await timeGroup(kernels, network, settings, frame, seconds / 2);
  const bytes = bytesOf(network);
  const bytesPerSecond = kernels.readSeconds && (4 * cachedFloats) / kernels.readSeconds(cachedFloats, 2000);
  const parts = () => partsOf(network, sharesOf(sampler, frame, samples), microseconds, kernels);
  return {
    size: recipe.size,
    hidden: config.hidden,
    encoding: config.encoding,
    block: `${config.block.rows}×${config.block.columns}`,
    precision,
    nonZeros: parameters.sparse.reduce((sum, { matrix }) => sum + matrix.values.length, 0),
    kernels: kernels.name,
    threads,
    samplesPerSecond: samples / median,
    bestSamplesPerSecond: samples / best,
    ...phaseFigures(phasesOf(timing.seconds, rates), samples),
    sideBySide: SIDE_BY_SIDE,
    sideBySidePerSecond: together,
    sideBySideGain: (together * median) / samples,
    realTimeFactor: (median / samples) * sampleRate,
    microsecondsPerSample: microseconds,
    weightKilobytes: bytes / 1000,
    ...(bytesPerSecond && {
      cacheGigabytesPerSecond: bytesPerSecond / 1e9,
      shareOfLimit: (1e6 * bytes) / bytesPerSecond / microseconds,
    }),
    ...(profile && sampler.timed && { parts: parts() }),
    processor: processorName(),
  };
}

/** Times a few samples at a time, less than a millisecond, so that on a shared machine most are not interrupted. */
async function timeSampler(
  sampler: Sampler,
  { gate, predictors }: BenchedFrame,
  samples: number,
  seconds: number,
  after: () => void,
): Promise<Timing> {
  if (!sampler.timed) return time(async () => void (await sampler.run(gate, 1, samples, predictors)), seconds, after);
  const times: number[] = [];
  after();
  for (const begun = performance.now(); times.length < 5 || performance.now() - begun < seconds * 1000;) {
    times.push(sampler.timed(gate, 1, samples, false, predictors).seconds);
    after();
  }
  return timingOf(times);
}

/** Samples per second of several utterances side by side, the median. */
async function timeGroup(
  kernels: Kernels,
  network: SamplerNetwork,
  settings: SamplerSettings,
  frame: BenchedFrame,
  seconds: number,
): Promise<number> {
  const group = kernels.createSamplerGroup(network, SIDE_BY_SIDE);
  for (let slot = 0; slot < SIDE_BY_SIDE; slot++) group.begin(slot, { ...settings, seed: slot });
  const samples = kernels.name === 'reference' ? 64 : 1024;
  const { median } = await time(
    async () =>
      void (await group.run(
        Array.from({ length: SIDE_BY_SIDE }, (_, slot) => ({ slot, ...frame, frames: 1 })),
        samples,
      )),
    seconds,
  );
  return (SIDE_BY_SIDE * samples) / median;
}

/** Of the median of many. */
function sharesOf(sampler: Sampler, { gate, predictors }: BenchedFrame, samples: number): number[] {
  const frames = Array.from({ length: 201 }, () => sampler.timed!(gate, 1, samples, true, predictors));
  return [...frames].sort((a, b) => a.seconds - b.seconds)[100].shares.slice();
}

function bytesOf({ sparse }: SamplerNetwork): number {
  return sparse.reduce((sum, { values }) => sum + values.byteLength, 0);
}

/**
 * The times of the parts of a sample; beside them the recurrent product by itself, repeated: what is left of its part
 * are the gates, as far as the two do not overlap.
 */
function partsOf(network: SamplerNetwork, shares: readonly number[], microseconds: number, kernels: Kernels) {
  const recurrent = network.sparse[0];
  const alone =
    1e6 *
    kernels.samplerProduct(
      recurrent,
      new Float32Array(recurrent.columns).fill(0.5),
      new Float32Array(recurrent.rows),
      1000,
    );
  return [
    ...samplerParts.map((part, i) => ({ part, microseconds: shares[i] * microseconds, share: shares[i] })),
    { part: '(the recurrent product alone)', microseconds: alone, share: alone / microseconds },
  ];
}
