import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { TtsError } from '../../base/errors.js';
import type { CurveColumn, Figures } from '../task.js';

const headerOf = (columns: readonly CurveColumn[]): string =>
  ['step', 'seconds', 'loss', ...columns.map(({ title }) => title)].join(',');

/**
 * The run's `curve.csv`: a line for each measurement. Lines after `step`, left by a run that was killed after its last
 * checkpoint, are dropped.
 */
export class Curve {
  constructor(
    private readonly path: string,
    private readonly columns: readonly CurveColumn[],
    step: number,
  ) {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(1) : [];
    const kept = lines.filter((line) => Number(line.split(',', 1)[0]) <= step);
    writeFileSync(path, [headerOf(columns), ...kept, ''].join('\n'));
  }

  /** What is null or was not measured leaves its field empty. */
  add(step: number, seconds: number, loss: number | null, figures: Figures): void {
    const fields = this.columns.map(({ figure, digits }) => figures[figure]?.toFixed(digits) ?? '');
    appendFileSync(this.path, `${[step, seconds.toFixed(1), loss?.toFixed(4) ?? '', ...fields].join(',')}\n`);
  }
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
  const [first, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  if (first !== header)
    throw new TtsError('ERR_FILE_READ', `${path} begins with "${first.slice(0, 80)}", expected "${header}"`);
  return lines.map((line, i) => {
    const [step, seconds, loss, ...rest] = line.split(',').map((field) => (field === '' ? null : Number(field)));
    if (![step, seconds, step === 0 ? 0 : loss].every(Number.isFinite))
      throw new TtsError('ERR_FILE_READ', `${path}, line ${i + 2}: "${line}" is no measurement`);
    return {
      step: step as number,
      seconds: seconds as number,
      loss,
      figures: Object.fromEntries(columns.map(({ figure }, c) => [figure, rest[c] ?? null])),
    };
  });
}
