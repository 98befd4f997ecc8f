import { openFeatureStore } from '../data/feature_store.js';
import { openCorpus } from '../data/corpus.js';
import type { Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend.js';
import type { Recipe } from '../training/recipe.js';
import { Trainer } from '../training/trainer.js';
import { peakMemory, processorName, timeInTurn } from './measure.js';

export interface TrainingFigures {
  readonly size: string;
  readonly hidden: number;
  readonly encoding: string;
  readonly block: string;
  readonly density: number;
  readonly nonZeros: number;
  readonly lanes: number;
  /** Masks trained side by side. */
  readonly members: number;
  /** Where there are several: mean time of a step over that of a step with one fixed mask and as many lanes, taken in turn. The search between generations is in it. */
  readonly timeOverOneMask?: number;
  readonly kernels: string;
  readonly threads: number;
  /** Audio samples per second of whole steps: batch, conditioning network, forwards, backwards, update. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** 3 products (forwards, to inputs, to weights) over the non-zeros, per thread, in 10⁹ multiply-adds per second, by the median. */
  readonly gmacPerThread: number;
  readonly peakMegabytes: number;
  readonly processor: string;
}

/** Times whole training steps of a recipe on the speech in `corpusFolder`. */
export async function benchTraining(recipe: Recipe, corpusFolder: string, cacheDir: string, kernels: Kernels, seconds: number): Promise<TrainingFigures> {
  const corpus = await openCorpus(corpusFolder);
  const store = await openFeatureStore({ corpus, settings: recipe.features, cacheDir, threads: kernels.threads, validation: {} });
  const { tf } = await loadTensorFlow(kernels);
  const trainer = new Trainer(recipe, store, kernels, tf);
  const plain = trainer.members > 1 ? [new Trainer({ ...recipe, sparsity: { method: 'fixed' } }, store, kernels, tf)] : [];
  const [{ median, best, mean }, one] = await timeInTurn([trainer, ...plain].map((each) => () => void each.advance()), seconds);
  const { lanes, segment } = recipe.training;
  const { hidden, encoding, block } = trainer.config;
  const nonZeros = trainer.parameters.sparse.reduce((sum, { matrix }) => sum + matrix.values.length, 0);
  const samplesPerSecond = (lanes * segment) / median;
  return {
    size: recipe.size,
    hidden,
    encoding,
    block: `${block.rows}×${block.columns}`,
    density: trainer.density,
    nonZeros,
    lanes,
    members: trainer.members,
    ...(one && { timeOverOneMask: mean / one.mean }),
    kernels: kernels.name,
    threads: kernels.threads,
    samplesPerSecond,
    bestSamplesPerSecond: (lanes * segment) / best,
    gmacPerThread: (samplesPerSecond * nonZeros * 3) / kernels.threads / 1e9,
    peakMegabytes: peakMemory(),
    processor: processorName(),
  };
}
