import { openCorpus } from '../data/corpora/corpus.js';
import { type FeatureStore, openFeatureStore } from '../data/store/feature_store.js';
import { chooseKernels, type Kernels } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import type { Recipe } from '../training/recipe/recipe.js';
import { drawingThreads } from '../training/vocoder/drawing_threads.js';
import { drawSegments } from '../training/vocoder/segments.js';
import { VocoderTrainer } from '../training/vocoder/trainer.js';
import { medianOf, peakMemory, processorName, timeInTurn } from './measure.js';
import { denseProbe, type PhaseFigures, phaseFigures, phasesOf } from './phases.js';
import { type TrainingPart, WatchedKernels } from './training_profile.js';

export interface TrainingFigures extends PhaseFigures {
  readonly size: string;
  readonly hidden: number;
  readonly encoding: string;
  readonly block: string;
  readonly density: number;
  readonly nonZeros: number;
  readonly lanes: number;
  /** Masks trained side by side. */
  readonly members: number;
  /**
   * Where there are several: mean time of a step over that of a step with one fixed mask and as many lanes, taken in
   * turn. It includes the search between generations.
   */
  readonly timeOverOneMask?: number;
  readonly kernels: string;
  readonly threads: number;
  /** Audio samples per second of whole steps: batch, conditioning network, forwards, backwards, update. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /**
   * 3 products (forwards, to inputs, to weights) over the non-zeros, per thread, in 10⁹ multiply-adds per second, by
   * the median; not of a GPU, whose work is on no thread.
   */
  readonly gmacPerThread?: number;
  /**
   * What the kernels' dense product reaches on one thread, for comparison: the best between steps, which is the
   * machine's peak as far as these kernels can reach it.
   */
  readonly densePeakGmac: number;
  /** The median: how far it is below the best says how noisy the machine was. */
  readonly denseMedianGmac: number;
  readonly peakMegabytes: number;
  readonly processor: string;
  /** Share of a step that is spent on sparse products; unknown for WebAssembly and the reference. */
  readonly sparseProductsShare?: number;
  /** Speed of the sparse products alone, as a share of the dense peak. */
  readonly sparseProductsOfPeak?: number;
  readonly parts: readonly TrainingPart[];
}

/** Times whole training steps of a recipe on the speech in `corpusFolder`. */
export async function benchTraining(
  recipe: Recipe,
  corpusFolder: string,
  cacheDir: string,
  fastest: Kernels,
  seconds: number,
): Promise<TrainingFigures> {
  const watch = new WatchedKernels(fastest);
  const { kernels } = watch;
  const corpus = await openCorpus(corpusFolder);
  const store = await openFeatureStore({
    corpus,
    settings: recipe.features,
    treatment: recipe.data.treatment,
    cacheDir,
    threads: kernels.threads,
    validation: {},
  });
  const { tf } = await loadTensorFlow(kernels);
  const trainer = new VocoderTrainer(recipe, store, kernels, tf);
  const plain =
    trainer.members > 1 ? [new VocoderTrainer({ ...recipe, sparsity: { method: 'fixed' } }, store, kernels, tf)] : [];
  const probe = denseProbe(chooseKernels({ name: kernels.name, threads: 1 }), 480);
  probe();
  const rates: number[] = [];
  const after = () => void rates.push(probe());
  const [{ median, best, mean, seconds: each }, one] = await timeInTurn(
    [trainer, ...plain].map((each) => () => void each.advance()),
    seconds,
    after,
  );
  const { lanes, segment } = recipe.training;
  const phases = phasesOf(each, rates);
  const parts = profileSteps(recipe, store, trainer, watch, seconds / 3, after);
  const densePeakGmac = Math.max(...rates);
  const products = parts.filter(({ gmacPerThread }) => gmacPerThread !== undefined);
  const productsTime = products.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const { hidden, encoding, block } = trainer.config;
  const nonZeros = trainedWeights(trainer).reduce((sum, count) => sum + count, 0);
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
    ...phaseFigures(phases, lanes * segment),
    ...(!kernels.parts && { gmacPerThread: (samplesPerSecond * nonZeros * 3) / kernels.threads / 1e9 }),
    peakMegabytes: peakMemory(),
    processor: processorName(),
    densePeakGmac,
    denseMedianGmac: medianOf(rates),
    ...(products.length > 0 && {
      sparseProductsShare: products.reduce((sum, { share }) => sum + share, 0),
      sparseProductsOfPeak:
        products.reduce((sum, { milliseconds, gmacPerThread = 0 }) => sum + milliseconds * gmacPerThread, 0) /
        productsTime /
        densePeakGmac,
    }),
    parts,
  };
}

/** Non-zero weights of each matrix that a member computes with; all have equally many. */
function trainedWeights(trainer: VocoderTrainer): number[] {
  return trainer.parameters.sparse.map(({ members: [{ values }] }) => values.length);
}

/** Where the time of a step goes, over so many seconds of steps; `after` is called untimed after each. */
function profileSteps(
  recipe: Recipe,
  store: FeatureStore,
  trainer: VocoderTrainer,
  watch: WatchedKernels,
  seconds: number,
  after: () => void,
): TrainingPart[] {
  const { lanes, segment, noise, seed } = recipe.training;
  const [state, ...output] = trainedWeights(trainer).map((count) => count * lanes * segment);
  const codec = symbolCodec(trainer.config, store.settings);
  let steps = 0;
  let total = 0;
  watch.begin();
  for (; steps < 3 || total < seconds; steps++) {
    const begun = performance.now();
    trainer.advance();
    total += (performance.now() - begun) / 1000;
    after();
  }
  // Draw the same segments once more, by themselves.
  const again = performance.now();
  const settings = { lanes, steps: segment, noise, seed };
  // Beside a GPU, by as many threads as the steps had.
  const threads = watch.kernels.parts ? drawingThreads(watch.kernels, lanes) : 1;
  for (let i = 0; i < steps; i++)
    drawSegments(store, trainer.config, codec, watch.kernels, settings, trainer.step + i, 0, threads);
  const drawing = (performance.now() - again) / 1000;
  return watch.profile(steps, total, drawing, { state, output: output.reduce((sum, macs) => sum + macs, 0) });
}
