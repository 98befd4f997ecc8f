import { existsSync } from 'node:fs';
import { TtsError } from '../../base/errors.js';
import type { FileKind } from '../../base/output.js';
import { appendLine, readWholeFileSync, writeWholeFileSync } from '../../base/whole_file.js';
import type { CurveColumn, Figures } from '../task.js';

const headerOf = (columns: readonly CurveColumn[]): string =>
  ['step', 'seconds', 'loss', ...columns.map(({ title }) => title)].join(',');

/** What a new run may replace by its curve. */
export const curveKind: FileKind = {
  name: 'the curve of a run',
  is: (head) => head.toString('latin1').startsWith('step,seconds,loss'),
};

/**
 * The run's `curve.csv`: a line for each measurement. Lines after `step`, left by a run that was killed after its last
 * checkpoint, are dropped, and what is no whole line of finite numbers. The older file is there until the new one is.
 */
export class Curve {
  constructor(
    private readonly path: string,
    private readonly columns: readonly CurveColumn[],
    step: number,
  ) {
    // What follows the last line break was cut off when the process or the machine went down.
    const lines = existsSync(path) ? readWholeFileSync(path).toString('utf8').split('\n').slice(1, -1) : [];
    const kept = lines.filter((line) => isMeasurement(line, columns) && Number(line.split(',', 1)[0]) <= step);
    writeWholeFileSync(path, [headerOf(columns), ...kept, ''].join('\n'));
  }

  /** What is null or was not measured leaves its field empty. */
  add(step: number, seconds: number, loss: number | null, figures: Figures): void {
    const fields = this.columns.map(({ figure, digits }) => figures[figure]?.toFixed(digits) ?? '');
    appendLine(this.path, [step, seconds.toFixed(1), loss?.toFixed(4) ?? '', ...fields].join(','));
  }
}

/** Whether a line is whole: its step, and a number or nothing in every column. */
function isMeasurement(line: string, columns: readonly CurveColumn[]): boolean {
  const fields = line.trimEnd().split(',');
  return (
    /^\d+$/.test(fields[0]) &&
    fields.length === columns.length + 3 &&
    fields.every((field) => Number.isFinite(Number(field)))
  );
}

/** One line of a curve; what was not measured is null. */
export interface CurvePoint {
  readonly step: number;
  readonly seconds: number;
  /** Null before the first step. */
  readonly loss: number | null;
  /** By name of the figure. */
  readonly figures: Figures;
}

/**
 * Reads a `curve.csv` with these columns.
 * @throws {TtsError} ERR_FILE_NOT_FOUND; ERR_FILE_READ where a line is no measurement
 */
export function readCurve(path: string, columns: readonly CurveColumn[]): CurvePoint[] {
  if (!existsSync(path))
    throw new TtsError('ERR_FILE_NOT_FOUND', `no curve at ${path}; expected the curve.csv of a run`);
  const header = headerOf(columns);
  const [first, ...lines] = readWholeFileSync(path).toString('utf8').trimEnd().split('\n');
  if (first !== header)
    throw new TtsError('ERR_FILE_READ', `${path} begins with "${first.slice(0, 80)}", expected "${header}"`);
  return lines.map((line, i) => {
    const [step, seconds, loss, ...rest] = line.split(',').map((field) => (field === '' ? null : Number(field)));
    const measured = rest.filter((value) => value !== null);
    if (![step, seconds, step === 0 ? 0 : loss, ...measured].every(Number.isFinite))
      throw new TtsError('ERR_FILE_READ', `${path}, line ${i + 2}: "${line}" is no measurement`);
    return {
      step: step as number,
      seconds: seconds as number,
      loss,
      figures: Object.fromEntries(columns.map(({ figure }, c) => [figure, rest[c] ?? null])),
    };
  });
}
