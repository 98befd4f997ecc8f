import { cpus } from 'node:os';

/** Repeated timings of the same work: never a mean, which one hiccup of a shared machine spoils. */
export interface Timing {
  /** Seconds. */
  readonly median: number;
  readonly best: number;
}

/** Times `work`, after one untimed call, as often as fits into `seconds`, at least five times. */
export async function time(work: () => void | Promise<void>, seconds: number): Promise<Timing> {
  await work();
  const times: number[] = [];
  for (const begun = performance.now(); times.length < 5 || performance.now() - begun < seconds * 1000; ) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], best: times[0] };
}

/** The processor's name, for the record. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

/** Most memory that this process ever held, in MB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1000;
}
