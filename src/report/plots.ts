import { type Content, type Markup, markup } from './markup.js';
import { seriesColour } from './style.js';

/** Round numbers over an interval, two to six of them. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** The ends of an axis that has room for all values. */
export function extent(values: readonly number[]): [low: number, high: number] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) / 10, low + Math.abs(low) / 10];
  const pad = (high - low) * 0.04;
  return [low - pad, high + pad];
}

/** Values between two ends, as places between two ends of a drawing. */
const scale =
  ([low, high]: readonly [number, number], from: number, to: number) =>
  (value: number): number =>
    coordinate(from + ((value - low) / (high - low)) * (to - from));

const coordinate = (value: number) => Number(value.toFixed(1));

/** One row of a plot: single values, and what sums them up. */
export interface PlotRow {
  readonly name: string;
  /** The sum of it in words; may be empty. */
  readonly shown: string;
  /** Single values, each with what a pointer over it tells. */
  readonly dots?: readonly { readonly title: string; readonly value: number }[];
  /** Lower and upper quartile. */
  readonly box?: readonly [number, number];
  /** A bar from the beginning of the axis to here. */
  readonly bar?: number;
  /** A mean and the ends of its confidence interval, as far as they are known. */
  readonly interval: { readonly mean: number | null; readonly low: number | null; readonly high: number | null };
}

export interface RowPlot {
  readonly title: string;
  readonly rows: readonly PlotRow[];
  /** Where the axis begins and ends; by default where the values do. */
  readonly range?: readonly [number, number];
  readonly ticks?: readonly number[];
  /** A value to compare with, such as chance: a dashed line. */
  readonly line?: number;
  /** As wide as the page, and not one of several beside each other. */
  readonly wide?: boolean;
}

/** More dots would show no more: then every so many of them in ascending order are drawn. */
export const mostDots = 200;

const rowHeight = 56;
const axisHeight = 26;

/** A row for each system over one axis: a dot for each value, the mean as a ring on its confidence interval. */
export function rowPlot({ title, rows, range, ticks: marks, line, wide = false }: RowPlot): Markup {
  const all = rows.flatMap(({ dots = [], interval: { mean, low, high } }) => [
    ...dots.map(({ value }) => value),
    ...[mean, low, high].filter((value) => value !== null),
  ]);
  if (all.length === 0) return markup`<p class="soft">No values.</p>`;
  const ends = range ?? extent(line === undefined ? all : [...all, line]);
  const [width, margin] = wide ? [720, 24] : [360, 14];
  const x = scale(ends, margin, width - margin);
  const bottom = rows.length * rowHeight;
  const upright = (value: number, kind: string) => stroke(kind, [x(value), 4], [x(value), bottom + 4]);
  const description = `${title}: ${rows.map(({ name, shown }) => `${name} ${shown}`).join('; ')}`;
  return drawing(wide ? 'wide' : 'narrow', width, bottom + axisHeight, description, [
    (marks ?? ticks(...ends)).map((tick) => [
      upright(tick, 'axis'),
      label([x(tick), bottom + 19], 'middle', String(tick).replace('-', '−')),
    ]),
    line !== undefined && upright(line, 'compared'),
    rows.map((row, i) => plotRow(row, i, x, ends)),
  ]);
}

function plotRow(
  { name, shown, dots = [], box, bar, interval: { mean, low, high } }: PlotRow,
  index: number,
  x: (value: number) => number,
  [start, end]: readonly [number, number],
): Markup {
  const top = index * rowHeight;
  const middle = top + 35;
  const strip = (from: number, to: number) =>
    markup`<rect class="box" x="${x(from)}" width="${coordinate(x(to) - x(from))}" y="${middle - 12}" height="24"/>\n`;
  const dot = ({ title, value }: { title: string; value: number }, i: number) => {
    // Multiples of the golden ratio spread the dots evenly, so that equal values do not hide each other.
    const y = coordinate(middle + 18 * (((i * 0.618) % 1) - 0.5));
    return markup`<circle class="dot" cx="${x(value)}" cy="${y}" r="3"><title>${title}</title></circle>\n`;
  };
  return markup`${label([x(start), top + 15], 'start', name, 'name')}
${label([x(end), top + 15], 'end', shown, 'value')}
<g class="${seriesColour(index)}">
${box && strip(...box)}${bar !== undefined && strip(start, bar)}${thinned(dots).map(dot)}${
    // An interval may reach beyond the axis; the drawing does not.
    low !== null &&
    high !== null &&
    stroke('interval', [x(Math.max(low, start)), middle], [x(Math.min(high, end)), middle])
  }${mean !== null && markup`<circle class="mean" cx="${x(mean)}" cy="${middle}" r="5"/>`}
</g>
`;
}

/** Not more dots than can be told apart, in ascending order. */
function thinned(dots: NonNullable<PlotRow['dots']>): NonNullable<PlotRow['dots']> {
  const sorted = [...dots].sort((a, b) => a.value - b.value);
  const every = Math.max(1, sorted.length / mostDots);
  return Array.from({ length: Math.ceil(sorted.length / every) }, (_, i) => sorted[Math.floor(i * every)]);
}

/** An axis with the places that are marked on it. */
export interface Axis {
  readonly range: readonly [number, number];
  readonly marks: readonly { readonly at: number; readonly text: string }[];
}

export interface LinePlot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Lines with the class of their colour; null is a gap. */
  readonly lines: readonly {
    readonly colour: string;
    readonly points: readonly (readonly [number, number] | null)[];
  }[];
}

const lineWidth = 720;
const lineHeight = 190;
const [left, right, top, bottom] = [44, lineWidth - 12, 8, lineHeight - 24];

/** Lines over a common axis, such as of time. */
export function linePlot({ title, x, y, lines }: LinePlot): Markup {
  const across = scale(x.range, left, right);
  const up = scale(y.range, bottom, top);
  const path = (points: LinePlot['lines'][number]['points']) =>
    points.map((point, i) => point && `${points[i - 1] ? 'L' : 'M'}${across(point[0])} ${up(point[1])}`).join('');
  return drawing('wide', lineWidth, lineHeight, title, [
    y.marks.map(({ at, text }) => [
      stroke('axis', [left, up(at)], [right, up(at)]),
      label([left - 6, up(at) + 4], 'end', text),
    ]),
    x.marks.map(({ at, text }) => label([across(at), lineHeight - 6], 'middle', text)),
    lines.map(({ colour, points }) => markup`<path class="line ${colour}" d="${path(points)}"/>\n`),
  ]);
}

type Place = readonly [x: number, y: number];

/** A drawing with a description for those who do not see it. */
const drawing = (kind: string, width: number, height: number, description: string, content: Content): Markup =>
  markup`<svg class="${kind}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${description}">
${content}</svg>`;

const stroke = (kind: string, [x1, y1]: Place, [x2, y2]: Place): Markup =>
  markup`<line class="${kind}" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>\n`;

const label = ([x, y]: Place, anchor: 'start' | 'middle' | 'end', text: string, kind = 'mark'): Markup =>
  markup`<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>\n`;
