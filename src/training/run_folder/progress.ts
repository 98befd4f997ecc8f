import { clearLine, cursorTo } from 'node:readline';

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

/** What the progress line says. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Training loss, nats; null before the first step. */
  readonly loss: number | null;
  /** What the task has to say. */
  readonly parts: readonly string[];
  /** Samples or examples trained on per second. */
  readonly perSecond: number;
  readonly unit: string;
  /** Not finite while it is not known. */
  readonly secondsLeft: number;
}

/**
 * Such as `step 1,200/100,000 · loss 5.213 · validation 5.340 · density 10.0% · 312,400 samples/s · 2 h 14 min left`.
 */
export function formatProgress({ step, steps, loss, parts, perSecond, unit, secondsLeft }: Progress): string {
  return [
    `step ${formatCount(step)}/${formatCount(steps)}`,
    `loss ${loss?.toFixed(3) ?? '–'}`,
    ...parts,
    `${formatCount(perSecond)} ${unit}/s`,
    Number.isFinite(secondsLeft) ? `${formatDuration(secondsLeft)} left` : 'time left unknown',
  ].join(' · ');
}

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

  /** Shows where the run stands. Call it as often as you like. */
  update(line: string): void {
    const terminal = this.stream.isTTY === true;
    if (this.now() - this.last < (terminal ? redrawInterval : plainInterval)) return;
    this.last = this.now();
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
  finish(line: string): void {
    this.erase();
    this.stream.write(`${line}\n`);
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
