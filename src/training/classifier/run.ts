import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TtsError } from '../../base/errors.js';
import { examplesOf } from '../../data/images/examples.js';
import { type ImageSet, normalisationOf } from '../../data/images/images.js';
import type { Kernels } from '../../kernels/index.js';
import { saveClassifier } from '../../model/classifiers/file.js';
import { maskPicture } from '../../sparsity/mask_picture.js';
import type { ClassifierRecipe, EvolvedRecipe } from '../recipe/classifier_schema.js';
import { loadNewestCheckpoint, saveCheckpoint } from '../run_folder/checkpoint.js';
import { CsvLog } from '../run_folder/csv_log.js';
import { describeMasks, writeMaskPicture } from '../run_folder/mask_log.js';
import { formatCount, formatDuration, ProgressLine } from '../run_folder/progress.js';
import { checkSameRun } from '../run_folder/same_run.js';
import { EventWriter } from '../run_folder/tensorboard.js';
import type { ClassifierLearner } from './learner.js';
import { countWeights } from './parameters.js';
import { createLearner } from './tasks.js';
import { type ClassifierScore, scoreClassifier } from './validation.js';

export interface ClassifierRunOptions {
  readonly recipe: ClassifierRecipe | EvolvedRecipe;
  readonly images: ImageSet;
  readonly kernels: Kernels;
  /** Folder of the run: checkpoints/, masks/, logs/, curve.csv, classifier.safetensors. */
  readonly out: string;
  /** Stop after this many minutes of training in this call. */
  readonly minutes?: number;
  /** Stop after the present step, with everything saved. */
  readonly signal?: AbortSignal;
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

/** What a checkpoint holds besides arrays. */
interface RunState {
  readonly recipe: ClassifierRunOptions['recipe'];
  readonly imagesHash: string;
  readonly kernels: string;
  readonly seconds: number;
  readonly smoothLoss: number | null;
  readonly score: ClassifierScore | null;
  readonly learner: Record<string, unknown>;
}

/** Steps in a row whose loss or gradients are not finite, after which the run stops. */
const badStepsAllowed = 10;
const logEvery = 20;
const header = 'step,seconds,loss,accuracy,nll';

/**
 * Trains until the recipe's steps are done, the minutes are over or the signal comes; each time everything is saved and
 * the model is written. A run that finds checkpoints in its folder goes on exactly where they stand.
 * @throws {TtsError} ERR_CHECKPOINT when the checkpoints there belong to another recipe or other images; ERR_NOT_FINITE
 * after ten bad steps in a row, with the last good state saved; ERR_RECIPE for a net that does not fit the images
 */
export async function trainClassifier({
  recipe,
  images,
  kernels,
  out,
  minutes = Infinity,
  signal,
}: ClassifierRunOptions): Promise<ClassifierRunResult> {
  const normalisation = normalisationOf(images);
  const { learner, examplesPerStep } = createLearner(recipe, examplesOf(images, 'train', normalisation), kernels);
  const test = examplesOf(images, 'test', normalisation);
  const imagesHash = hashOf(images);
  const { steps, validateEvery, checkpointEvery } = recipe.training;
  const pictureEvery = recipe.task === 'classifier' ? recipe.training.pictureEvery : Infinity;
  mkdirSync(out, { recursive: true });
  const line = new ProgressLine();

  let seconds = 0;
  let smoothLoss: number | null = null;
  let score: ClassifierScore | null = null;
  const checkpoint = loadNewestCheckpoint(out);
  if (checkpoint) {
    const state = checkpoint.state as unknown as RunState;
    checkSameRun(
      out,
      { ...settingsOf(state.recipe), images: state.imagesHash },
      { ...settingsOf(recipe), images: imagesHash },
    );
    learner.restore({ arrays: checkpoint.arrays, state: state.learner }, checkpoint.step);
    ({ seconds, smoothLoss, score } = state);
    line.note(checkpoint.note ?? `resumed from step ${checkpoint.step}`);
    if (state.kernels !== kernels.name)
      line.note(`the run was on kernels ${state.kernels}, now ${kernels.name}: results will differ in the last digits`);
  }
  line.note(images.description);
  line.note(`kernels ${kernels.name}, ${kernels.threads} threads`);

  const events = new EventWriter(join(out, 'logs'), learner.step);
  const curve = new CsvLog(join(out, 'curve.csv'), header, learner.step);
  const model = join(out, 'classifier.safetensors');
  const begun = performance.now();
  const secondsBefore = seconds;
  const firstStep = learner.step;
  // The clock stands still while the test images are measured and pictures drawn: that is no training.
  let paused = 0;
  const elapsed = () => (performance.now() - begun - paused) / 1000;
  const rate = () => ((learner.step - firstStep) * examplesPerStep) / elapsed();

  const save = async () => {
    const { arrays, state } = learner.save();
    const saved: RunState = { recipe, imagesHash, kernels: kernels.name, seconds, smoothLoss, score, learner: state };
    saveCheckpoint(out, learner.step, { arrays, state: { ...saved } });
    const provenance = {
      recipe: `${recipe.name}-${recipe.size}`,
      data: images.description,
      steps: learner.step,
      seconds: Math.round(seconds),
      ...score,
      kernels: kernels.name,
      created: new Date().toISOString(),
    };
    await saveClassifier(model, { network: learner.deployed(), normalisation, provenance });
  };
  const progress = () => {
    const left = Math.min(((steps - learner.step) * examplesPerStep) / rate(), minutes * 60 - elapsed());
    return [
      `step ${formatCount(learner.step)}/${formatCount(steps)}`,
      `loss ${smoothLoss?.toFixed(3) ?? '–'}`,
      `test ${score ? `${(100 * score.accuracy).toFixed(2)}%, NLL ${score.nll.toFixed(3)}` : '–'}`,
      `${formatCount(rate())} examples/s`,
      Number.isFinite(left) ? `${formatDuration(left)} left` : 'time left unknown',
    ].join(' · ');
  };
  const measure = () => {
    const { step } = learner;
    const pause = performance.now();
    const network = learner.deployed();
    score = scoreClassifier(kernels, network, test);
    curve.add([
      String(step),
      seconds.toFixed(1),
      smoothLoss?.toFixed(4) ?? '',
      score.accuracy.toFixed(4),
      score.nll.toFixed(4),
    ]);
    for (const [name, value] of Object.entries({
      'validation/accuracy': score.accuracy,
      'validation/nll': score.nll,
      'masks/non_zeros': countWeights(network),
    }))
      events.scalar(name, step, value);
    const figures = describeMasks(maskFigures);
    if (figures !== '') line.note(`step ${step}: ${figures}`);
    measured = step;
    paused += performance.now() - pause;
  };

  let maskFigures: Record<string, number> = {};
  let measured = learner.step;
  let badSteps = 0;
  try {
    while (learner.step < steps && elapsed() < minutes * 60 && !signal?.aborted) {
      const { loss, applied, figures } = learner.advance();
      const { step } = learner;
      badSteps = applied ? 0 : badSteps + 1;
      if (applied) smoothLoss = smoothLoss === null ? loss : 0.99 * smoothLoss + 0.01 * loss;
      else
        line.note(
          `step ${step}: loss ${loss}, ${Object.entries(figures)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')}; the step was dropped`,
        );
      seconds = secondsBefore + elapsed();
      if (step % logEvery === 0 && applied) {
        const ofMasks = learner.diagnostics();
        maskFigures = { ...maskFigures, ...ofMasks };
        for (const [name, value] of Object.entries({
          'train/loss': loss,
          'train/examples_per_second': rate(),
          ...figures,
          ...ofMasks,
        }))
          events.scalar(name, step, value);
      }
      if (step % validateEvery === 0) measure();
      if (step % pictureEvery === 0 || (step === steps && pictureEvery < Infinity)) drawMasks(out, learner, events);
      if (step % checkpointEvery === 0) await save();
      line.update(progress());
      if (badSteps >= badStepsAllowed) {
        throw new TtsError(
          'ERR_NOT_FINITE',
          `${badSteps} steps in a row up to ${step} gave a loss or gradient that is not finite; the state ` +
            `before them is saved in ${out}. Try a lower training.learningRate`,
        );
      }
      // Lets signals in.
      await setImmediate();
    }
    if (!signal?.aborted && measured !== learner.step) measure();
  } finally {
    await save();
    events.close();
  }
  line.finish(progress());
  const { accuracy = null, nll = null } = score ?? {};
  return {
    step: learner.step,
    steps,
    seconds,
    accuracy,
    nll,
    nonZeros: countWeights(learner.deployed()),
    model,
    data: images.description,
    kernels: kernels.name,
  };
}

/** A picture of the masks in training, where there are any. */
function drawMasks(out: string, learner: ClassifierLearner, events: EventWriter): void {
  const now = learner.masks();
  if (now) writeMaskPicture(out, learner.step, maskPicture(now.matrices, now.masks), events);
}

/** What may differ between the calls that make up one run: how long it goes, when it measures, where the images lie. */
function settingsOf({ data, sizes, size, training, ...rest }: ClassifierRunOptions['recipe']): object {
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
