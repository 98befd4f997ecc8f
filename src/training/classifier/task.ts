import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { examplesOf } from '../../data/images/examples.js';
import { type ImageSet, normalisationOf } from '../../data/images/images.js';
import type { Kernels } from '../../kernels/index.js';
import { classifierKind, saveClassifier } from '../../model/classifiers/file.js';
import { checkRunFolder, type RunLimits, runTask } from '../loop.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../recipe/classifier_schema.js';
import type { TrainingTask } from '../task.js';
import { type ClassifierLearner, createLearner } from './learner.js';
import { countWeights } from './parameters.js';
import { scoreClassifier } from './validation.js';

export interface ClassifierRunOptions extends RunLimits {
  readonly recipe: ClassifierRecipe | EvolvedRecipe;
  readonly images: ImageSet;
  readonly kernels: Kernels;
}

export interface ClassifierRunResult {
  readonly step: number;
  readonly steps: number;
  /** Seconds of training, over all calls. */
  readonly seconds: number;
  /** On the test images; null when they were not measured yet. */
  readonly accuracy: number | null;
  readonly nll: number | null;
  /** Weights that are not zero, biases apart. */
  readonly nonZeros: number;
  readonly model: string;
  readonly data: string;
  readonly kernels: string;
}

/** What the run ships, in its folder. */
const modelName = 'classifier.safetensors';

/**
 * Refuses a folder that a classifier cannot be trained in, before anything is prepared.
 * @throws {TtsError} what `checkRunFolder` throws
 */
export const checkClassifierFolder = (out: string): void =>
  checkRunFolder(out, { shipped: { name: modelName, kind: classifierKind } });

/**
 * Trains a classifier, or goes on with a run that was stopped: see `runTask`.
 * @throws {TtsError} what `runTask` throws; ERR_RECIPE for a net that does not fit the images
 */
export async function trainClassifier({
  recipe,
  images,
  kernels,
  ...limits
}: ClassifierRunOptions): Promise<ClassifierRunResult> {
  checkClassifierFolder(limits.out);
  const { task, learner } = classifierTask(recipe, images, kernels);
  const { step, steps, seconds, figures, shipped } = await runTask(task, limits);
  const { 'validation/accuracy': accuracy = null, 'validation/nll': nll = null } = figures;
  const nonZeros = countWeights(learner.deployed());
  return {
    step,
    steps,
    seconds,
    accuracy,
    nll,
    nonZeros,
    model: shipped,
    data: images.description,
    kernels: kernels.name,
  };
}

/** A classifier as something to train: measured on the test images. */
function classifierTask(
  recipe: ClassifierRecipe | EvolvedRecipe,
  images: ImageSet,
  kernels: Kernels,
): { task: TrainingTask; learner: ClassifierLearner } {
  const normalisation = normalisationOf(images);
  const { learner, examplesPerStep } = createLearner(recipe, examplesOf(images, 'train', normalisation), kernels);
  const test = examplesOf(images, 'test', normalisation);
  const { training } = recipe;
  const task: TrainingTask = {
    learner,
    kernels,
    training,
    batch: { size: examplesPerStep, unit: 'examples' },
    identity: { ...settingsOf(recipe), images: hashOf(images) },
    introduction: [images.description, `kernels ${kernels.name}, ${kernels.threads} threads`],
    measurements: [
      {
        every: training.validateEvery,
        run() {
          const network = learner.deployed();
          const { accuracy, nll } = scoreClassifier(kernels, network, test);
          return { 'validation/accuracy': accuracy, 'validation/nll': nll, 'masks/non_zeros': countWeights(network) };
        },
      },
      {
        every: recipe.task === 'classifier' ? recipe.training.pictureEvery : Infinity,
        run(folder, { step }) {
          const png = learner.picture();
          if (png) folder.maskPicture(step, png);
          return {};
        },
      },
    ],
    curve: [
      { title: 'accuracy', figure: 'validation/accuracy', digits: 4 },
      { title: 'nll', figure: 'validation/nll', digits: 4 },
    ],
    describe({ 'validation/accuracy': accuracy = null, 'validation/nll': nll = null }) {
      return [
        accuracy === null || nll === null ? 'test –' : `test ${(100 * accuracy).toFixed(2)}%, NLL ${nll.toFixed(3)}`,
      ];
    },
    async ship(out, { step, seconds, figures }) {
      const path = join(out, modelName);
      const { 'validation/accuracy': accuracy, 'validation/nll': nll } = figures;
      const provenance = {
        recipe: `${recipe.name}-${recipe.size}`,
        data: images.description,
        steps: step,
        seconds: Math.round(seconds),
        accuracy,
        nll,
        kernels: kernels.name,
        created: new Date().toISOString(),
      };
      await saveClassifier(path, { network: learner.deployed(), normalisation, provenance }, { force: true });
      return path;
    },
  };
  return { task, learner };
}

/** What may differ between the calls that make up one run: how long it goes, when it measures, where the images lie. */
function settingsOf({ data, sizes, size, training, ...rest }: ClassifierRecipe | EvolvedRecipe): object {
  const free = ['steps', 'validateEvery', 'checkpointEvery', 'pictureEvery'];
  return {
    ...rest,
    augment: data.augment,
    size: sizes[size],
    training: Object.fromEntries(Object.entries(training).filter(([key]) => !free.includes(key))),
  };
}

function hashOf({ train, test }: ImageSet): string {
  const hash = createHash('sha256');
  for (const { images, labels } of [train, test]) hash.update(labels).update(images);
  return hash.digest('hex').slice(0, 16);
}
