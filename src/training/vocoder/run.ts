import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TtsError } from '../../base/errors.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Kernels } from '../../kernels/index.js';
import { loadTensorFlow } from '../../model/backend/backend.js';
import { saveVoice } from '../../model/voice/file.js';
import type { Recipe } from '../recipe/recipe.js';
import { loadNewestCheckpoint, saveCheckpoint } from '../run_folder/checkpoint.js';
import { Curve } from '../run_folder/curve.js';
import { describeMasks, writeMaskPicture } from '../run_folder/mask_log.js';
import { type Progress, ProgressLine } from '../run_folder/progress.js';
import { checkSameRun } from '../run_folder/same_run.js';
import { EventWriter } from '../run_folder/tensorboard.js';
import { writeSamples } from './listening_samples.js';
import { snapshot } from './snapshot.js';
import { Trainer } from './trainer.js';
import { heldOutNll } from './validation.js';

export interface RunOptions {
  readonly recipe: Recipe;
  readonly store: FeatureStore;
  readonly kernels: Kernels;
  /** Folder of the run: checkpoints/, samples/, logs/, curve.csv, voice.safetensors. */
  readonly out: string;
  /** Stop after this many minutes of training in this call. */
  readonly minutes?: number;
  /** Stop after the present step, with everything saved. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly step: number;
  readonly steps: number;
  /** Seconds of training, over all calls. */
  readonly seconds: number;
  readonly validationNll: number | null;
  readonly stoi: number | null;
  readonly samplesPerSecond: number;
  readonly voice: string;
  readonly kernels: string;
}

/** What a checkpoint holds besides arrays. */
interface RunState {
  readonly recipe: Recipe;
  readonly corpusHash: string;
  readonly kernels: string;
  readonly seconds: number;
  readonly smoothLoss: number | null;
  readonly validationNll: number | null;
  readonly stoi: number | null;
  /** State of the chooser of masks. */
  readonly sparsity: Record<string, unknown>;
}

/** Steps in a row whose loss or gradients are not finite, after which the run stops. */
const badStepsAllowed = 10;

/**
 * Trains until the recipe's steps are done, the minutes are over or the signal comes; each time everything is saved and
 * the voice is written. A run that finds checkpoints in its folder goes on exactly where they stand.
 * @throws {TtsError} ERR_CHECKPOINT when the checkpoints there belong to another recipe or corpus; ERR_NOT_FINITE after
 * ten bad steps in a row, with the last good state saved
 */
export async function trainVoice({
  recipe,
  store,
  kernels,
  out,
  minutes = Infinity,
  signal,
}: RunOptions): Promise<RunResult> {
  mkdirSync(out, { recursive: true });
  const { tf, backend, reason } = await loadTensorFlow(kernels);
  const trainer = new Trainer(recipe, store, kernels, tf);
  const { training } = recipe;
  const line = new ProgressLine();
  if (reason) line.note(reason);

  let seconds = 0;
  let smoothLoss: number | null = null;
  let validationNll: number | null = null;
  let stoi: number | null = null;
  const checkpoint = loadNewestCheckpoint(out);
  if (checkpoint) {
    const state = checkpoint.state as unknown as RunState;
    checkSameRun(
      out,
      { ...settingsOf(state.recipe), 'corpus and split': state.corpusHash.slice(0, 16) },
      { ...settingsOf(recipe), 'corpus and split': store.hash.slice(0, 16) },
    );
    trainer.restore({ arrays: new Map(checkpoint.arrays), state: state.sparsity }, checkpoint.step);
    ({ seconds, smoothLoss, validationNll, stoi } = state);
    line.note(checkpoint.note ?? `resumed from step ${checkpoint.step}`);
    if (state.kernels !== kernels.name)
      line.note(`the run was on kernels ${state.kernels}, now ${kernels.name}: results will differ in the last digits`);
  }
  line.note(
    `kernels ${kernels.name}, ${kernels.threads} threads, TensorFlow.js backend ${backend}; ` +
      `${store.train.length} clips to train on, ${store.validation.length} held out`,
  );

  const events = new EventWriter(join(out, 'logs'), trainer.step);
  const curve = new Curve(join(out, 'curve.csv'), trainer.step);
  const voicePath = join(out, 'voice.safetensors');
  const begun = performance.now();
  const secondsBefore = seconds;
  const firstStep = trainer.step;
  // The clock stands still while samples are spoken and measured: those are no training.
  let paused = 0;
  const elapsed = () => (performance.now() - begun - paused) / 1000;
  const rate = () => ((trainer.step - firstStep) * training.lanes * training.segment) / elapsed();

  const provenance = () => ({
    recipe: `${recipe.name}-${recipe.size}`,
    corpus: recipe.data.corpus,
    corpusHash: store.hash,
    steps: trainer.step,
    seconds: Math.round(seconds),
    nll: validationNll,
    kernels: kernels.name,
    created: new Date().toISOString(),
  });
  const save = async () => {
    const { arrays, state: sparsity } = trainer.save();
    const state: RunState = {
      recipe,
      corpusHash: store.hash,
      kernels: kernels.name,
      seconds,
      smoothLoss,
      validationNll,
      stoi,
      sparsity,
    };
    saveCheckpoint(out, trainer.step, { arrays, state: { ...state } });
    await saveVoice(voicePath, snapshot(trainer, store, provenance()));
  };
  const progress = (): Progress => ({
    step: trainer.step,
    steps: training.steps,
    loss: smoothLoss ?? NaN,
    validation: validationNll,
    density: trainer.density,
    samplesPerSecond: rate(),
    secondsLeft: Math.min(
      ((training.steps - trainer.step) * training.lanes * training.segment) / rate(),
      minutes * 60 - elapsed(),
    ),
  });

  const measure = async (validates: boolean, speaks: boolean) => {
    const { step } = trainer;
    const pause = performance.now();
    if (validates && store.validation.length > 0) {
      validationNll = heldOutNll(tf, kernels, trainer, store);
      events.scalar('validation/nll', step, validationNll);
    }
    if (speaks) writeMaskPicture(out, step, trainer.picture(), events);
    const figures = describeMasks(maskFigures);
    if (figures !== '') line.note(`step ${step}: ${figures}`);
    const report = speaks
      ? await writeSamples(join(out, 'samples'), step, snapshot(trainer, store, provenance()), store, kernels, events)
      : {};
    for (const [name, value] of Object.entries(report))
      if (value !== null) events.scalar(`validation/${name}`, step, value);
    const { stoi: stoiNow = null, logSpectralDistance = null, bursts = null } = report;
    stoi = stoiNow ?? stoi;
    if (validates || speaks)
      curve.add({
        step,
        seconds,
        loss: smoothLoss ?? NaN,
        nll: validates ? validationNll : null,
        stoi: stoiNow,
        logSpectralDistance,
        bursts,
      });
    measured = step;
    paused += performance.now() - pause;
  };

  let maskFigures: Record<string, number> = {};
  let measured = trainer.step;
  let badSteps = 0;
  try {
    while (trainer.step < training.steps && elapsed() < minutes * 60 && !signal?.aborted) {
      const result = trainer.advance();
      const { step } = trainer;
      badSteps = result.applied ? 0 : badSteps + 1;
      if (result.applied) smoothLoss = smoothLoss === null ? result.loss : 0.99 * smoothLoss + 0.01 * result.loss;
      else line.note(`step ${step}: loss ${result.loss}, gradient norm ${result.gradientNorm}; the step was dropped`);
      seconds = secondsBefore + elapsed();

      if (step % 20 === 0 && result.applied) {
        events.scalar('train/loss', step, result.loss);
        events.scalar('train/gradient_norm', step, result.gradientNorm);
        events.scalar('train/learning_rate', step, result.learningRate);
        events.scalar('train/density', step, trainer.density);
        events.scalar('train/samples_per_second', step, rate());
        const figures = trainer.diagnostics();
        for (const [name, value] of Object.entries(figures)) events.scalar(name, step, value);
        maskFigures = { ...maskFigures, ...figures };
      }
      const validates = step % training.validateEvery === 0;
      const speaks = step % training.sampleEvery === 0;
      if (validates || speaks) await measure(validates, speaks);
      if (step % training.checkpointEvery === 0) await save();
      line.update(progress());
      if (badSteps >= badStepsAllowed)
        throw new TtsError(
          'ERR_NOT_FINITE',
          `${badSteps} steps in a row up to ${step} gave a loss or gradient that is not finite; the state ` +
            `before them is saved in ${out}. Try a lower training.learningRate`,
        );
      // Lets signals in.
      await setImmediate();
    }
    if (!signal?.aborted && measured !== trainer.step) await measure(true, true);
  } finally {
    await save();
    events.close();
  }
  line.finish(progress());
  return {
    step: trainer.step,
    steps: training.steps,
    seconds,
    validationNll,
    stoi,
    samplesPerSecond: rate(),
    voice: voicePath,
    kernels: kernels.name,
  };
}

/**
 * What may differ between the calls that make up one run: how long it goes, when it measures, where the recordings lie.
 */
function settingsOf({ data: _data, sizes, size, training, ...rest }: Recipe): object {
  const free = ['steps', 'validateEvery', 'sampleEvery', 'checkpointEvery'];
  return {
    ...rest,
    size: sizes[size],
    training: Object.fromEntries(Object.entries(training).filter(([key]) => !free.includes(key))),
  };
}
