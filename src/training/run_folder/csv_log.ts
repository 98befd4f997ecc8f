import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * A CSV file of a run whose first column is the step. Lines after `step`, left by a run that was killed after its last
 * checkpoint, are dropped.
 */
export class CsvLog {
  constructor(
    private readonly path: string,
    header: string,
    step: number,
  ) {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(1) : [];
    writeFileSync(path, [header, ...lines.filter((line) => Number(line.split(',', 1)[0]) <= step), ''].join('\n'));
  }

  add(fields: readonly string[]): void {
    appendFileSync(this.path, `${fields.join(',')}\n`);
  }
}
