import { plot } from 'simple-ascii-chart';
import type { CurvePoint } from '../training/run_folder/curve.js';

type Point = [step: number, value: number];

/** In the order in which they are drawn: later ones cover earlier ones. */
const names = ['reference', 'this run'];

/** Two charts for a terminal, held-out NLL and STOI against steps: a run over a reference. */
export function drawCurves(yours: readonly CurvePoint[], reference: readonly CurvePoint[]): string {
  const chart = (title: string, of: (point: CurvePoint) => number | null) => {
    const points = [reference, yours].map((curve) =>
      curve.flatMap((point): Point[] => (of(point) === null ? [] : [[point.step, of(point) as number]])),
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
    chart('held-out NLL, nats per sample, by step', ({ nll }) => nll),
    chart('STOI, by step', ({ stoi }) => stoi),
  ].join('\n\n');
}

/** A range that is never empty. */
function range(values: readonly number[]): [number, number] {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  return [least - 0.01, greatest + 0.01];
}
