import { existsSync, readFileSync } from 'node:fs';
import { TtsError } from '../../base/errors.js';
import { CsvLog } from './csv_log.js';

const header = 'step,seconds,loss,validation_nll,stoi,log_spectral_distance,bursts';

/**
 * One measurement of a run; what was not measured is null. Seconds of training, nats per 16-bit sample, STOI, dB,
 * bursts per clip.
 */
export interface CurvePoint {
  readonly step: number;
  readonly seconds: number;
  readonly loss: number;
  readonly nll: number | null;
  readonly stoi: number | null;
  readonly logSpectralDistance: number | null;
  readonly bursts: number | null;
}

/** The run's `curve.csv`. Points after `step`, left by a run that was killed after its last checkpoint, are dropped. */
export class Curve {
  private readonly log: CsvLog;

  constructor(path: string, step: number) {
    this.log = new CsvLog(path, header, step);
  }

  add({ step, seconds, loss, nll, stoi, logSpectralDistance, bursts }: CurvePoint): void {
    const digits = (value: number | null, places: number) => (value === null ? '' : value.toFixed(places));
    this.log.add([
      String(step),
      seconds.toFixed(1),
      digits(loss, 4),
      digits(nll, 4),
      digits(stoi, 4),
      digits(logSpectralDistance, 3),
      digits(bursts, 2),
    ]);
  }
}

/**
 * Reads a `curve.csv`.
 * @throws {TtsError} ERR_FILE_NOT_FOUND; ERR_FILE_READ where a line is no measurement
 */
export function readCurve(path: string): CurvePoint[] {
  if (!existsSync(path))
    throw new TtsError('ERR_FILE_NOT_FOUND', `no curve at ${path}; expected the curve.csv of a run`);
  const [first, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  if (first !== header)
    throw new TtsError('ERR_FILE_READ', `${path} begins with "${first.slice(0, 80)}", expected "${header}"`);
  return lines.map((line, i) => {
    const [step, seconds, loss, nll, stoi, logSpectralDistance, bursts] = line
      .split(',')
      .map((field) => (field === '' ? null : Number(field)));
    if ([step, seconds, loss].some((value) => !Number.isFinite(value ?? NaN)))
      throw new TtsError('ERR_FILE_READ', `${path}, line ${i + 2}: "${line}" is no measurement`);
    return {
      step: step as number,
      seconds: seconds as number,
      loss: loss as number,
      nll,
      stoi,
      logSpectralDistance,
      bursts,
    };
  });
}
