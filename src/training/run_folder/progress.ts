import { clearLine, cursorTo } from 'node:readline';

/** Where a run stands. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Training loss, nats per sample. */
  readonly loss: number;
  /** Held-out NLL, nats per sample; null before the first measurement. */
  readonly validation: number | null;
  /** Share of the weights kept in the sparse matrices. */
  readonly density: number;
  /** Audio samples trained on per second. */
  readonly samplesPerSecond: number;
  /** Time left; null while it is not known. */
  readonly secondsLeft: number | null;
}

/** A number with separators, rounded. */
export const formatCount = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A duration for people: `45 s`, `12 min 05 s`, `3 h 07 min`, `2 d 04 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${two((whole % 86400) / 3600)} h`;
}

/**
 * The progress line, such as `step 1,200/100,000 · loss 5.213 · validation 5.340 · density 10.0% · 312,400 samples/s ·
 * 2 h 14 min left`.
 */
export function formatProgress({
  step,
  steps,
  loss,
  validation,
  density,
  samplesPerSecond,
  secondsLeft,
}: Progress): string {
  return [
    `step ${formatCount(step)}/${formatCount(steps)}`,
    `loss ${loss.toFixed(3)}`,
    `validation ${validation === null ? '–' : validation.toFixed(3)}`,
    `density ${(100 * density).toFixed(1)}%`,
    `${formatCount(samplesPerSecond)} samples/s`,
    secondsLeft === null ? 'time left unknown' : `${formatDuration(secondsLeft)} left`,
  ].join(' · ');
}

const asLine = (progress: Progress | string): string =>
  typeof progress === 'string' ? progress : formatProgress(progress);

/** What a progress line needs of a stream; `process.stderr` is one. */
export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Milliseconds between two lines where the line cannot be redrawn, and between two redraws where it can. */
const plainInterval = 30_000;
const redrawInterval = 100;

/** Shows progress as one line: redrawn in place on a terminal, else a new line every 30 seconds. */
export class ProgressLine {
  private shown = '';
  private last = -Infinity;

  /** `now` gives milliseconds; only tests set it. */
  constructor(
    private readonly stream: ProgressStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Shows progress, or a line that says it. Call it as often as you like. */
  update(progress: Progress | string): void {
    const terminal = this.stream.isTTY === true;
    if (this.now() - this.last < (terminal ? redrawInterval : plainInterval)) return;
    this.last = this.now();
    const line = asLine(progress);
    if (terminal) this.draw(line);
    else this.stream.write(`${line}\n`);
  }

  /** Writes a line of its own, above the progress line. */
  note(text: string): void {
    const line = this.shown;
    this.erase();
    this.stream.write(`${text}\n`);
    if (line !== '') this.draw(line);
  }

  /** Leaves the last state standing and ends the line. */
  finish(progress: Progress | string): void {
    this.erase();
    this.stream.write(`${asLine(progress)}\n`);
  }

  private draw(line: string): void {
    this.erase();
    // A line that wraps cannot be redrawn in place.
    this.stream.write(line.slice(0, (this.stream.columns ?? 80) - 1));
    this.shown = line;
  }

  private erase(): void {
    if (this.shown === '') return;
    cursorTo(this.stream, 0);
    clearLine(this.stream, 0);
    this.shown = '';
  }
}
