import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { writeFileSync } from 'node:fs';

const header = 'step,seconds,loss,validation_nll,stoi,log_spectral_distance,bursts';

/** One measurement of a run; what was not measured is null. Seconds of training, nats per 16-bit sample, STOI, dB, bursts per clip. */
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
  constructor(
    private readonly path: string,
    step: number,
  ) {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(1) : [];
    writeFileSync(path, [header, ...lines.filter((line) => Number(line.split(',', 1)[0]) <= step), ''].join('\n'));
  }

  add({ step, seconds, loss, nll, stoi, logSpectralDistance, bursts }: CurvePoint): void {
    const digits = (value: number | null, places: number) => (value === null ? '' : value.toFixed(places));
    const fields = [String(step), seconds.toFixed(1), digits(loss, 4), digits(nll, 4), digits(stoi, 4), digits(logSpectralDistance, 3), digits(bursts, 2)];
    appendFileSync(this.path, `${fields.join(',')}\n`);
  }
}
