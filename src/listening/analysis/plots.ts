import type { Choice, SignalSummary } from './analysis.js';

/** Text for HTML and SVG. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const width = 760;
const row = 46;
const left = 150;
const right = 16;
const top = 8;
const bottom = 34;

/** A horizontal axis from `low` to `high`. */
function axis(low: number, high: number, ticks: readonly number[], rows: number, label: string) {
  const x = (value: number) => left + ((value - low) / (high - low)) * (width - left - right);
  const height = top + rows * row + bottom;
  const lines = ticks
    .map(
      (tick) =>
        `<line class="grid" x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${top}" ` +
        `y2="${height - bottom}"/><text class="tick" x="${fixed(x(tick))}" ` +
        `y="${height - bottom + 15}">${tick}</text>`,
    )
    .join('');
  const frame = (description: string, content: string) =>
    `<svg viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escapeHtml(description)}">${lines}${content}<text class="axis" ` +
    `x="${(left + width - right) / 2}" y="${height - 3}">${escapeHtml(label)}</text></svg>`;
  return { x, frame };
}

const fixed = (value: number): string => value.toFixed(1);
const middle = (index: number): number => top + (index + 0.5) * row;
const name = (text: string, y: number): string =>
  `<text class="name" x="${left - 12}" y="${fixed(y + 4)}">${escapeHtml(text)}</text>`;

/**
 * Each system a line: all ratings as dots, the quartiles as a box, the mean as a diamond with its confidence interval.
 */
export function ratingPlot(
  summaries: readonly SignalSummary[],
  ratings: (signal: string) => readonly number[],
  low: number,
  high: number,
  label: string,
): string {
  const step = high - low > 10 ? 20 : 1;
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step);
  const { x, frame } = axis(low, high, ticks, summaries.length, label);
  const lines = summaries.map((summary, i) => {
    const y = middle(i);
    const dots = ratings(summary.signal).map(
      (value, n) => `<circle class="dot" cx="${fixed(x(value))}" cy="${fixed(y + scatter(n) * row * 0.32)}" r="2.2"/>`,
    );
    const box =
      `<rect class="box" x="${fixed(x(summary.lowerQuartile))}" ` +
      `width="${fixed(x(summary.upperQuartile) - x(summary.lowerQuartile))}" y="${fixed(y - row * 0.26)}" ` +
      `height="${fixed(row * 0.52)}"/>`;
    return (
      name(summary.signal, y) +
      box +
      dots.join('') +
      interval(x, y, summary.mean, summary.low ?? summary.mean, summary.high ?? summary.mean, low, high)
    );
  });
  return frame(
    `Ratings: ${summaries.map(({ signal, mean }) => `${signal} ${mean.toFixed(1)}`).join(', ')}`,
    lines.join(''),
  );
}

/** Each pair a line: how the votes were shared, and the confidence interval of the share. */
export function choicePlot(choices: readonly Choice[], label: string, title: (choice: Choice) => string): string {
  const { x, frame } = axis(0, 100, [0, 25, 50, 75, 100], choices.length, label);
  const lines = choices.map((choice, i) => {
    const y = middle(i);
    if (Number.isNaN(choice.mean)) return name(title(choice), y);
    const share = 100 * choice.mean;
    const bar =
      `<rect class="bar" x="${fixed(x(0))}" width="${fixed(x(share) - x(0))}" y="${fixed(y - row * 0.22)}" ` +
      `height="${fixed(row * 0.44)}"/>`;
    return (
      name(title(choice), y) +
      bar +
      interval(x, y, share, 100 * (choice.low ?? choice.mean), 100 * (choice.high ?? choice.mean), 0, 100)
    );
  });
  const chance =
    `<line class="chance" x1="${fixed(x(50))}" x2="${fixed(x(50))}" y1="${top}" ` +
    `y2="${top + choices.length * row}"/>`;
  return frame(
    `Shares: ${choices.map((choice) => `${title(choice)} ${(100 * choice.mean).toFixed(0)}%`).join(', ')}`,
    lines.join('') + chance,
  );
}

/** An interval may reach beyond the scale; the drawing does not. */
function interval(
  x: (value: number) => number,
  y: number,
  mean: number,
  from: number,
  to: number,
  low: number,
  high: number,
): string {
  const [start, end] = [x(Math.max(low, from)), x(Math.min(high, to))];
  const whisker = (at: number) =>
    `<line class="interval" x1="${fixed(at)}" x2="${fixed(at)}" y1="${fixed(y - 6)}" y2="${fixed(y + 6)}"/>`;
  const diamond = `<path class="mean" d="M${fixed(x(mean))} ${fixed(y - 6)}l5 6l-5 6l-5 -6z"/>`;
  return (
    `<line class="interval" x1="${fixed(start)}" x2="${fixed(end)}" y1="${fixed(y)}" ` +
    `y2="${fixed(y)}"/>${whisker(start)}${whisker(end)}${diamond}`
  );
}

/** Numbers spread over -1 to 1, so that equal ratings lie side by side. */
const scatter = (n: number): number => 2 * ((0.5 + n * 0.618034) % 1) - 1;
