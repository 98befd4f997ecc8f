import { cpus } from 'node:os';

/** Repeated timings of the same work, in seconds. */
export interface Timing {
  /** What one hiccup of a shared machine does not spoil. */
  readonly median: number;
  readonly best: number;
  /** For work that is not the same every time: it leaves no rare and costly part out. */
  readonly mean: number;
}

/** Times `work`, after one untimed call, as often as fits into `seconds`, at least five times. */
export async function time(work: () => void | Promise<void>, seconds: number): Promise<Timing> {
  return (await timeInTurn([work], seconds))[0];
}

/** The same for several kinds of work in turn, so that what disturbs one disturbs all alike. */
export async function timeInTurn(works: readonly (() => void | Promise<void>)[], seconds: number): Promise<Timing[]> {
  const times = works.map((): number[] => []);
  for (const work of works) await work();
  for (const begun = performance.now(); times[0].length < 5 || performance.now() - begun < seconds * 1000;)
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      await work();
      times[i].push((performance.now() - start) / 1000);
    }
  return times.map((all) => {
    all.sort((a, b) => a - b);
    return { median: all[all.length >> 1], best: all[0], mean: all.reduce((sum, each) => sum + each, 0) / all.length };
  });
}

/** The middle one of some values, the upper one of two. */
export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** The processor's name, for the record. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

/** Most memory that this process ever held, in MB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1000;
}
