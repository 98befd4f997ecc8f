import { plot } from 'simple-ascii-chart';
import type { CurvePoint } from '../training/run_folder/curve.js';

type Point = [step: number, value: number];

/** In the order in which they are drawn: later ones cover earlier ones. */
const names = ['reference', 'this run'];

/** Two charts for a terminal, held-out NLL and STOI against steps: a run over a reference. */
export function drawCurves(yours: readonly CurvePoint[], reference: readonly CurvePoint[]): string {
  const chart = (title: string, figure: string) => {
    const points = [reference, yours].map((curve) =>
      curve.flatMap(({ step, figures }): Point[] => {
        const value = figures[figure] ?? null;
        return value === null ? [] : [[step, value]];
      }),
    );
    if (points.every(({ length }) => length === 0)) return `${title}: not measured`;
    return plot(points, {
      width: 72,
      height: 16,
      title,
      yRange: range(points.flat().map(([, value]) => value)),
      color: ['ansiBlue', 'ansiRed'],
      legend: { position: 'bottom', series: names },
    });
  };
  return [
    chart('held-out NLL, nats per sample, by step', 'validation/nll'),
    chart('STOI, by step', 'validation/stoi'),
  ].join('\n\n');
}

/** A range that is never empty. */
function range(values: readonly number[]): [number, number] {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  return [least - 0.01, greatest + 0.01];
}
