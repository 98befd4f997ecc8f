import type { Kernels } from '../kernels/index.js';
import type { Learner } from './learner.js';
import type { RunFolder } from './run_folder/run_folder.js';

/** What was measured, by its name in TensorBoard, such as `validation/nll`; null where there was nothing to measure. */
export type Figures = Readonly<Record<string, number | null>>;

/** Where a run stands. */
export interface RunPosition {
  readonly step: number;
  /** Of training, over all calls. */
  readonly seconds: number;
  /** The newest value of everything that was measured. */
  readonly figures: Figures;
}

/**
 * Something a task does at intervals and at the end of a run: measure, speak, draw. The clock of the run stands still.
 */
export interface Measurement {
  /** Steps from one to the next; Infinity for never. */
  readonly every: number;
  /** Writes what it makes into the folder; what it returns goes into the curve and to TensorBoard. */
  run(folder: RunFolder, position: RunPosition): Figures | Promise<Figures>;
}

/** A column of curve.csv, after step, seconds and loss. */
export interface CurveColumn {
  readonly title: string;
  /** Name of the figure. */
  readonly figure: string;
  readonly digits: number;
}

/**
 * Something to train. The loop (`runTask`) drives it and owns everything that does not depend on what
 * is trained: resume, clock, smoothing, bad steps, checkpoints, signals, progress, curve and TensorBoard.
 */
export interface TrainingTask {
  readonly learner: Learner;
  readonly kernels: Pick<Kernels, 'name' | 'threads'>;
  readonly training: { readonly steps: number; readonly checkpointEvery: number };
  /** How much passes through the network in a step, and of what: samples, examples. */
  readonly batch: { readonly size: number; readonly unit: string };
  /** Plain data that must be the same in all calls that make up a run: settings, and hashes of the data. */
  readonly identity: object;
  /** What stands before the first step: the data, the machine. */
  readonly introduction: readonly string[];
  readonly measurements: readonly Measurement[];
  /** Whether to measure before the first step too: what the run begins from has learned something already. */
  readonly measureFirst?: boolean;
  readonly curve: readonly CurveColumn[];
  /** The parts of the progress line between the loss and the speed. */
  describe(figures: Figures): string[];
  /** Writes what people use, the voice or the model, into the folder `out`, and returns its path. */
  ship(out: string, position: RunPosition): Promise<string>;
}
