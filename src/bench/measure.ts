import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chooseKernels, type findGpu, kernelNames, nativeNames } from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';

/** Repeated timings of the same work, in seconds. */
export interface Timing {
  /** Which a hiccup of a shared machine does not spoil. */
  readonly median: number;
  readonly best: number;
  /** For work that varies from call to call: it includes what is rare and costly. */
  readonly mean: number;
  /** Of each call, in order. */
  readonly seconds: readonly number[];
}

/** Times `work`, after one untimed call, as often as fits into `seconds`, at least five times. */
export async function time(work: () => void | Promise<void>, seconds: number, after?: () => void): Promise<Timing> {
  return (await timeInTurn([work], seconds, after))[0];
}

/**
 * The same for several kinds of work in turn, so that what disturbs one disturbs all alike.
 * @param after called untimed, before the first timed call and after each one of the first kind of work
 */
export async function timeInTurn(
  works: readonly (() => void | Promise<void>)[],
  seconds: number,
  after?: () => void,
): Promise<Timing[]> {
  const times = works.map((): number[] => []);
  for (const work of works) await work();
  after?.();
  for (const begun = performance.now(); times[0].length < 5 || performance.now() - begun < seconds * 1000;)
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      await work();
      times[i].push((performance.now() - start) / 1000);
      if (i === 0) after?.();
    }
  return times.map(timingOf);
}

/** Of some calls, in order. */
export function timingOf(seconds: readonly number[]): Timing {
  return {
    median: medianOf(seconds),
    best: seconds.reduce((least, each) => Math.min(least, each), Infinity),
    mean: seconds.reduce((sum, each) => sum + each, 0) / seconds.length,
    seconds,
  };
}

/** The middle one of some values, the upper one of two. */
export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** The processor's name, for the record. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

/** The most memory that this process has held so far, in MB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1000;
}

export interface MachineInfo {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  /** Threads that training uses by default. */
  readonly threads: number;
  /** Instruction sets of this processor that native kernels were compiled for; none without a compiler. */
  readonly instructionSets: string[];
  /** What runs here, in the order in which it is chosen: native kernels, WebAssembly, the TypeScript reference. */
  readonly kernels: string[];
  /** What `--kernels webgpu` trains on: adapter and driver, or what is missing. */
  readonly gpu: string;
  readonly tensorFlow: string;
}

/** What `findGpu` says, in words, asked in another process. */
function gpuLine(): string {
  const script = fileURLToPath(new URL('./gpu/adapter.js', import.meta.url));
  const { stdout, status, signal } = spawnSync(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] });
  if (status !== 0) return `a driver that ends its process (${signal ?? `status ${status}`})`;
  const found = JSON.parse(stdout.toString('utf8')) as ReturnType<typeof findGpu>;
  return 'adapter' in found ? found.adapter : found.reason;
}

/** What this machine has, for reports of speeds and of faults. */
export async function machineInfo(version: string): Promise<MachineInfo> {
  const { tf, backend, reason } = await loadTensorFlow(chooseKernels());
  return {
    version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: processorName(),
    threads: availableParallelism(),
    instructionSets: nativeNames(),
    kernels: kernelNames(),
    gpu: gpuLine(),
    tensorFlow: `${tf.version_core}, backend ${backend}${reason === undefined ? '' : ` (${reason})`}`,
  };
}
