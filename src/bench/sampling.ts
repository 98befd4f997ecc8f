import type { Kernels } from '../kernels/index.js';
import { RandomStream, streams } from '../kernels/random.js';
import { symbolCodec } from '../model/codec.js';
import { fixedMasks } from '../sparsity/fixed.js';
import { maskedMatrices, Parameters } from '../training/parameters.js';
import { waveRnnConfig, type Recipe } from '../training/recipe.js';
import { processorName, time } from './measure.js';

export interface SamplingFigures {
  readonly size: string;
  readonly hidden: number;
  readonly encoding: string;
  readonly block: string;
  readonly nonZeros: number;
  readonly kernels: string;
  /** One stream on one core, without the conditioning network. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** Seconds of work per second of speech, by the median. */
  readonly realTimeFactor: number;
  readonly microsecondsPerSample: number;
  readonly processor: string;
}

/** Times the sampler of a recipe with fresh weights: what a weight is does not change how long it takes. */
export async function benchSampling(recipe: Recipe, kernels: Kernels, seconds: number): Promise<SamplingFigures> {
  const config = waveRnnConfig(recipe);
  const { hop, sampleRate, bins } = recipe.features;
  const { seed } = recipe.training;
  const parameters = new Parameters(config, bins, fixedMasks(maskedMatrices(config), seed).initial(), 'zero', seed);
  const [network] = parameters.members();
  const sampler = kernels.createSampler(network, { seed, temperature: 1, firstCode: symbolCodec(config.encoding, recipe.features).silence });
  const frames = kernels.name === 'reference' ? 1 : 8;
  const random = new RandomStream(seed, streams.initialisation);
  const gate = Float32Array.from({ length: frames * 3 * config.hidden }, () => 0.3 * random.normal());
  const { median, best } = await time(async () => void (await sampler.run(gate, frames, hop)), seconds);
  const samples = frames * hop;
  return {
    size: recipe.size,
    hidden: config.hidden,
    encoding: config.encoding,
    block: `${config.block.rows}×${config.block.columns}`,
    nonZeros: parameters.sparse.reduce((sum, { matrix }) => sum + matrix.values.length, 0),
    kernels: kernels.name,
    samplesPerSecond: samples / median,
    bestSamplesPerSecond: samples / best,
    realTimeFactor: (median / samples) * sampleRate,
    microsecondsPerSample: (1e6 * median) / samples,
    processor: processorName(),
  };
}
