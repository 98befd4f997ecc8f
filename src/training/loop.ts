import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { shortened } from '../base/bounded_json.js';
import { TtsError } from '../base/errors.js';
import { refuseIfLocked, takeLock } from '../base/lock.js';
import { checkOutput, type FileKind, makeFolder } from '../base/output.js';
import { standardStream } from '../base/standard_streams.js';
import { removeLeftovers } from '../base/temporary.js';
import { BadSteps, type Learner, type LearnerStep } from './learner.js';
import { type LoadedCheckpoint, loadNewestCheckpoint, saveCheckpoint } from './run_folder/checkpoint.js';
import { Curve, curveKind } from './run_folder/curve.js';
import { formatProgress, ProgressLine } from './run_folder/progress.js';
import { RunFolder } from './run_folder/run_folder.js';
import { checkSameRun } from './run_folder/same_run.js';
import type { Figures, RunPosition, TrainingTask } from './task.js';

export interface RunLimits {
  /** Folder of the run: checkpoints/, logs/, curve.csv, and what the task makes. */
  readonly out: string;
  /** Stop after this many minutes of training in this call. */
  readonly minutes?: number;
  /** Stop after the present step, with everything saved. */
  readonly signal?: AbortSignal;
}

export interface RunOutcome extends RunPosition {
  /** What was asked for, or more where the run has more behind it. */
  readonly steps: number;
  /** Samples or examples per second, in this call. */
  readonly perSecond: number;
  /** What people use: the voice, the model. */
  readonly shipped: string;
  readonly kernels: string;
}

/** What a checkpoint holds besides the learner's arrays. */
interface RunState {
  readonly identity: object;
  readonly kernels: string;
  readonly seconds: number;
  readonly smoothLoss: number | null;
  readonly figures: Figures;
  /** The step at which each measurement was last taken, in the order of `TrainingTask.measurements`. */
  readonly measured: readonly number[];
  readonly learner: Record<string, unknown>;
}

/** Steps between two entries in the log for TensorBoard. */
const logEvery = 20;

/** Figures of the masks that the text log shows; TensorBoard has them all. */
const shown = ['es/overlap', 'es/spread', 'es/noise', 'masks/churn', 'masks/ever_active'];

/**
 * Trains until the task's steps are done, the minutes are over or the signal comes; each time everything is saved and
 * the voice or model is written. A run that finds checkpoints in its folder goes on exactly where they stand.
 * One process at a time works in the folder.
 * @throws {TtsError} ERR_CHECKPOINT when the checkpoints there belong to another run; ERR_IN_USE when another process
 * trains there; ERR_NOT_FINITE after ten bad steps in a row, with the last good state saved
 */
export async function runTask(task: TrainingTask, limits: RunLimits): Promise<RunOutcome> {
  const lock = takeLock(lockPath(limits.out), runName(limits.out));
  try {
    return await runLocked(task, limits);
  } finally {
    lock.release();
  }
}

const lockPath = (out: string): string => join(out, 'run.lock');
const runName = (out: string): string => `the run in ${out}`;

/**
 * Refuses the folder of a run, before anything is prepared: one that another process trains in, or, where no run has
 * begun yet, one that holds other people's files under the names of ours.
 * @param shipped name and kind of what the task ships
 * @param inputs files that are read, and must not be replaced
 * @throws {TtsError} ERR_IN_USE, ERR_FILE_EXISTS, ERR_FILE_IS_INPUT, ERR_FILE_WRITE
 */
export function checkRunFolder(
  out: string,
  { shipped, inputs = [] }: { shipped: { readonly name: string; readonly kind: FileKind }; inputs?: readonly string[] },
): void {
  // Nothing is made before it is clear that there is something to train on.
  if (out !== standardStream && !existsSync(out)) return;
  makeFolder(out);
  refuseIfLocked(lockPath(out), runName(out));
  const kinds = { 'curve.csv': curveKind, [shipped.name]: shipped.kind };
  const begun = existsSync(join(out, 'checkpoints'));
  for (const [name, kind] of Object.entries(kinds))
    checkOutput(join(out, name), { inputs, kind: begun ? undefined : kind });
}

async function runLocked(task: TrainingTask, { out, minutes = Infinity, signal }: RunLimits): Promise<RunOutcome> {
  // Nobody else writes here now: what a process that was killed was writing can go.
  for (const folder of ['.', 'samples', 'masks']) if (existsSync(join(out, folder))) removeLeftovers(join(out, folder));
  const run = new Run(task, out);
  try {
    if (task.measureFirst && run.step === 0 && !signal?.aborted) await run.measure((every) => every < Infinity);
    while (run.step < task.training.steps && run.elapsed() < minutes * 60 && !signal?.aborted) {
      try {
        await run.advance(signal);
      } catch (error) {
        if (signal?.aborted) break;
        throw error;
      }
      await run.measure((every) => run.isDue(every) || (run.step === task.training.steps && every < Infinity));
      if (run.isDue(task.training.checkpointEvery)) await run.save();
      run.showProgress(minutes);
      run.checkHealth();
      // Lets signals in.
      await setImmediate();
    }
    if (!signal?.aborted) await run.measure((every) => every < Infinity);
  } finally {
    await run.close();
  }
  return run.outcome(minutes);
}

/** One call's part of a run. */
class Run {
  private readonly folder: RunFolder;
  private readonly curve: Curve;
  private readonly line = new ProgressLine();
  private readonly badSteps = new BadSteps();
  private readonly firstStep: number;
  /** Where the last advance began. */
  private stepBefore: number;
  /** Of training, in earlier calls. */
  private readonly secondsBefore: number;
  private readonly begun = performance.now();
  /** Milliseconds for which the clock stood still: measuring is no training. */
  private paused = 0;
  private seconds = 0;
  private smoothLoss: number | null = null;
  private figures: Figures = {};
  private measured: number[];
  private maskFigures: Record<string, number> = {};
  private last: LearnerStep | undefined;
  private shipped = '';

  constructor(
    private readonly task: TrainingTask,
    private readonly out: string,
  ) {
    const { learner, kernels, measurements, measureFirst = false } = task;
    this.measured = measurements.map(() => (measureFirst ? -1 : learner.step));
    const checkpoint = loadNewestCheckpoint(out);
    if (checkpoint) {
      const state = stateOf(checkpoint.state, out, measurements.length);
      checkSameRun(out, state.identity, task.identity);
      restore(learner, checkpoint, state, out);
      ({ seconds: this.seconds, smoothLoss: this.smoothLoss, figures: this.figures } = state);
      this.measured = [...state.measured];
      this.line.note(checkpoint.note ?? `resumed from step ${checkpoint.step}`);
      if (state.kernels !== kernels.name)
        this.line.note(
          `the run was on kernels ${state.kernels}, now ${kernels.name}: results will differ in the last digits`,
        );
    }
    for (const text of task.introduction) this.line.note(text);
    if (learner.step > task.training.steps)
      this.line.note(
        `the run has ${learner.step} steps behind it, more than the ${task.training.steps} that are asked for: ` +
          'nothing is left to do; for a shorter run give --out another folder',
      );
    this.firstStep = this.stepBefore = learner.step;
    this.secondsBefore = this.seconds;
    this.folder = new RunFolder(out, learner.step);
    this.curve = new Curve(join(out, 'curve.csv'), task.curve, checkpoint ? learner.step : -1);
  }

  get step(): number {
    return this.task.learner.step;
  }

  /** Seconds of training in this call. */
  elapsed(): number {
    return (performance.now() - this.begun - this.paused) / 1000;
  }

  /** Whether the last advance has come to a multiple of so many steps, or passed one. */
  isDue(every: number): boolean {
    return Math.floor(this.step / every) > Math.floor(this.stepBefore / every);
  }

  /** One advance of the learner, into the log. */
  async advance(signal?: AbortSignal): Promise<void> {
    const { learner, batch } = this.task;
    const { step } = this;
    const result = await learner.advance(signal);
    const { loss, applied, steps = 1, figures } = result;
    this.stepBefore = step;
    this.last = result;
    this.seconds = this.secondsBefore + this.elapsed();
    if (applied)
      for (let i = 0; i < steps; i++)
        this.smoothLoss = this.smoothLoss === null ? loss : 0.99 * this.smoothLoss + 0.01 * loss;
    else
      this.line.note(
        `step ${this.step}: loss ${loss}, ${listed(figures)}; ` +
          (steps === 1 ? 'the step was dropped' : `the last ${steps} steps were dropped`),
      );
    if (applied && this.isDue(logEvery)) {
      const ofMasks = learner.diagnostics();
      this.maskFigures = { ...this.maskFigures, ...ofMasks };
      const speed = { [`train/${batch.unit}_per_second`]: this.perSecond() };
      this.folder.scalars(this.step, { 'train/loss': loss, ...figures, ...speed, ...ofMasks });
    }
  }

  /** Stops the run after ten bad steps in a row. */
  checkHealth(): void {
    if (this.last) this.badSteps.add(this.last, this.step, `; the state before them is saved in ${this.out}`);
  }

  /** Takes the measurements that are due by their interval and were not yet taken at this step. */
  async measure(due: (every: number) => boolean): Promise<void> {
    const { measurements } = this.task;
    const wanted = measurements.filter(({ every }, i) => due(every) && this.measured[i] !== this.step);
    if (wanted.length === 0) return;
    const pause = performance.now();
    let now: Figures = {};
    for (const measurement of wanted) {
      const found = await measurement.run(this.folder, this.position());
      now = { ...now, ...found };
      this.figures = { ...this.figures, ...known(found) };
    }
    this.measured = this.measured.map((step, i) => (wanted.includes(measurements[i]) ? this.step : step));
    this.folder.scalars(this.step, now);
    if (Object.keys(now).length > 0) this.curve.add(this.step, this.seconds, this.smoothLoss, now);
    const masks = shown.flatMap((name) =>
      name in this.maskFigures ? [`${name} ${this.maskFigures[name].toPrecision(3)}`] : [],
    );
    if (masks.length > 0) this.line.note(`step ${this.step}: ${masks.join(' · ')}`);
    this.paused += performance.now() - pause;
  }

  /** Writes a checkpoint, and the voice or model. */
  async save(): Promise<void> {
    const { learner, identity, kernels } = this.task;
    const { seconds, smoothLoss, figures, measured } = this;
    const { arrays, state } = learner.save();
    const saved: RunState = { identity, kernels: kernels.name, seconds, smoothLoss, figures, measured, learner: state };
    saveCheckpoint(this.out, this.step, { arrays, state: { ...saved } });
    this.shipped = await this.task.ship(this.out, this.position());
  }

  showProgress(minutes: number): void {
    this.line.update(this.progress(minutes));
  }

  /** Saves what there is, also after an error. */
  async close(): Promise<void> {
    try {
      await this.save();
    } finally {
      this.folder.close();
    }
  }

  outcome(minutes: number): RunOutcome {
    this.line.finish(this.progress(minutes));
    const { kernels, training } = this.task;
    const { shipped } = this;
    const steps = Math.max(training.steps, this.step);
    return { ...this.position(), steps, perSecond: this.perSecond(), shipped, kernels: kernels.name };
  }

  private position(): RunPosition {
    return { step: this.step, seconds: this.seconds, figures: this.figures };
  }

  private perSecond(): number {
    const done = this.step - this.firstStep;
    return done === 0 ? 0 : (done * this.task.batch.size) / this.elapsed();
  }

  private progress(minutes: number): string {
    const { task } = this;
    const { batch, training } = task;
    const perSecond = this.perSecond();
    const steps = Math.max(training.steps, this.step);
    const toDo = steps === this.step ? 0 : ((steps - this.step) * batch.size) / perSecond;
    return formatProgress({
      step: this.step,
      steps,
      loss: this.smoothLoss,
      parts: task.describe(this.figures),
      perSecond,
      unit: batch.unit,
      secondsLeft: Math.max(0, Math.min(toDo, minutes * 60 - this.elapsed())),
    });
  }
}

const listed = (figures: Readonly<Record<string, number>>): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Figures with a value; of a network that has come apart a measure may be infinite, which no checkpoint can hold. */
const known = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== null && Number.isFinite(value)));

/**
 * What a checkpoint says, checked: its checksum only tells that it is as it was written.
 * @throws {TtsError} ERR_CHECKPOINT
 */
function stateOf(state: unknown, out: string, measurements: number): RunState {
  if (typeof state === 'object' && state !== null && !('identity' in state))
    throw new TtsError(
      'ERR_CHECKPOINT',
      `${out} holds a run of version 0.1, which this version cannot continue; finish it there, or give --out another ` +
        'folder',
    );
  const checked = stateSchema.safeParse(state);
  if (!checked.success) {
    const [{ path, message }] = checked.error.issues;
    throw doesNotFit(out, `${path.join('.')}: ${message}`);
  }
  if (checked.data.measured.length !== measurements)
    throw doesNotFit(out, `it has ${checked.data.measured.length} measurements, expected ${measurements}`);
  return checked.data;
}

const stateSchema = z.object({
  identity: z.record(z.string(), z.unknown()),
  kernels: z.string(),
  seconds: z.number().min(0),
  smoothLoss: z.number().nullable(),
  figures: z.record(z.string(), z.number().nullable()),
  measured: z.array(z.int().min(-1)),
  learner: z.record(z.string(), z.unknown()),
});

/** Puts a learner where a checkpoint stands. @throws {TtsError} ERR_CHECKPOINT for one that does not fit the learner */
function restore(learner: Learner, { arrays, step }: LoadedCheckpoint, state: RunState, out: string): void {
  for (const [name, array] of arrays) {
    const bad = array.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw doesNotFit(out, `${name} has ${array[bad]} at ${bad}`);
  }
  try {
    learner.restore({ arrays: new Map(arrays), state: state.learner }, step);
  } catch (cause) {
    throw doesNotFit(out, (cause as Error).message, cause);
  }
}

const doesNotFit = (out: string, what: string, cause?: unknown): TtsError =>
  new TtsError(
    'ERR_CHECKPOINT',
    `${out} holds a checkpoint that does not fit this run (${shortened(what, 200)}); give --out another folder`,
    { cause },
  );
