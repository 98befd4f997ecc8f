import { html, type Markup } from '../../report/html.js';
import type { MeanInterval } from '../comparison.js';
import { measureHop } from '../frames.js';
import { systemColours } from './style.js';

/** One line of a plot: the values of clips, their mean and its interval. */
export interface PlotRow {
  readonly name: string;
  /** The interval in words. */
  readonly shown: string;
  readonly values: readonly { readonly id: string; readonly value: number | null }[];
  readonly interval: MeanInterval;
}

/** More dots would tell no more: then every so many of them in ascending order are drawn. */
const mostDots = 200;

const width = 360;
const margin = 14;
const rowHeight = 54;
const axisHeight = 26;

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

/** The least and the greatest of some values, apart from each other. */
function extent(values: readonly number[]): [low: number, high: number] {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) / 10, low + Math.abs(low) / 10];
  const pad = (high - low) * 0.04;
  return [low - pad, high + pad];
}

const number = (value: number) => Number(value.toFixed(1));

/**
 * A row per system: a dot per clip, the mean as a ring on its confidence interval. `zero`: with a line at 0, for
 * differences.
 */
export function stripPlot(title: string, rows: readonly PlotRow[], zero = false): Markup {
  const all = rows.flatMap(({ values, interval }) => [
    ...values.flatMap(({ value }) => (value === null ? [] : [value])),
    ...[interval.low, interval.high].filter((value) => value !== null),
  ]);
  if (all.length === 0) return html`<p class="soft">No values.</p>`;
  const [low, high] = extent(zero ? [...all, 0] : all);
  const x = (value: number) => number(margin + ((value - low) / (high - low)) * (width - 2 * margin));
  const bottom = rows.length * rowHeight;
  const label = `${title}: ${rows.map(({ name, shown }) => `${name} ${shown}`).join('; ')}`;
  return html`<svg viewBox="0 0 ${width} ${bottom + axisHeight}" role="img" aria-label="${label}">
    ${ticks(low, high).map((tick) => html`<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="4" y2="${bottom + 4}" /><text x="${x(tick)}" y="${bottom + 19}" text-anchor="middle">${String(tick).replace('-', '−')}</text>`)}
    ${zero ? html`<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="4" y2="${bottom + 4}" />` : ''}
    ${rows.map((row, i) => plotRow(row, i, x))}
  </svg>`;
}

function plotRow({ name, shown, values, interval }: PlotRow, index: number, x: (value: number) => number): Markup {
  const top = index * rowHeight;
  const middle = top + 33;
  const known = values
    .flatMap(({ id, value }) => (value === null ? [] : [{ id, value }]))
    .sort((a, b) => a.value - b.value);
  const every = Math.max(1, known.length / mostDots);
  const dots = Array.from({ length: Math.ceil(known.length / every) }, (_, i) => known[Math.floor(i * every)]);
  return html`<text class="name" x="${margin}" y="${top + 15}">${name}</text
    ><text class="value" x="${width - margin}" y="${top + 15}" text-anchor="end">${shown}</text>
    <g class="${colourOf(index)}"
      >${dots.map(({ id, value }, i) => html`<circle class="dot" cx="${x(value)}" cy="${number(middle + 14 * (((i * 0.618) % 1) - 0.5))}" r="3.5"><title>${id}: ${Number(value.toPrecision(4))}</title></circle>`)}
      ${interval.low === null || interval.high === null ? '' : html`<line class="interval" x1="${x(interval.low)}" x2="${x(interval.high)}" y1="${middle}" y2="${middle}" />`}
      ${interval.mean === null ? '' : html`<circle class="mean" cx="${x(interval.mean)}" cy="${middle}" r="5" />`}</g
    >`;
}

/** The class that colours a system. */
export const colourOf = (system: number): string => `s${system % systemColours}`;

/** A melody: Hz per frame of the measures, 0 where unvoiced. */
export interface PitchTrack {
  readonly name: string;
  /** Class of its colour. */
  readonly colour: string;
  readonly track: Float64Array;
  readonly sampleRate: number;
}

const pitchWidth = 720;
const pitchHeight = 190;
const pitchLeft = 44;

/** The fundamental frequencies of some signals over time, on a scale on which octaves are equal. */
export function pitchPlot(title: string, tracks: readonly PitchTrack[]): Markup {
  const voiced = tracks.flatMap(({ track }) => [...track].filter((frequency) => frequency > 0).map(Math.log2));
  if (voiced.length === 0) return html`<p class="soft">Nothing is voiced.</p>`;
  const seconds = Math.max(
    ...tracks.map(({ track, sampleRate }) => (track.length * measureHop(sampleRate)) / sampleRate),
  );
  const [low, high] = extent(voiced);
  const bottom = pitchHeight - 24;
  const x = (time: number) => number(pitchLeft + (time / seconds) * (pitchWidth - pitchLeft - 12));
  const y = (octave: number) => number(bottom - ((octave - low) / (high - low)) * (bottom - 8));
  const line = ({ track, sampleRate }: PitchTrack) =>
    Array.from(track, (frequency, i) =>
      frequency > 0
        ? `${track[i - 1] > 0 ? 'L' : 'M'}${x((i * measureHop(sampleRate)) / sampleRate)} ${y(Math.log2(frequency))}`
        : '',
    ).join('');
  const frequencies = [60, 80, 100, 150, 200, 300, 400, 600].filter(
    (frequency) => Math.log2(frequency) >= low && Math.log2(frequency) <= high,
  );
  return html`<svg
    class="melody"
    viewBox="0 0 ${pitchWidth} ${pitchHeight}"
    role="img"
    aria-label="${title}: ${tracks.map(({ name }) => name).join(', ')}"
  >
    ${frequencies.map((frequency) => html`<line class="axis" x1="${pitchLeft}" x2="${pitchWidth - 12}" y1="${y(Math.log2(frequency))}" y2="${y(Math.log2(frequency))}" /><text x="${pitchLeft - 6}" y="${y(Math.log2(frequency)) + 4}" text-anchor="end">${frequency}</text>`)}
    ${ticks(0, seconds).map((tick) => html`<text x="${x(tick)}" y="${pitchHeight - 6}" text-anchor="middle">${tick} s</text>`)}
    ${tracks.map((track) => html`<path class="pitch ${track.colour}" d="${line(track)}" />`)}
  </svg>`;
}
