export { bar } from './progress.js';

/** Options of tts-train, whatever the task. */
export interface TrainOptions {
  size?: string;
  data?: string;
  out?: string;
  set: string[];
  steps?: number;
  minutes?: number;
  seed?: number;
  threads?: number;
  kernels?: string;
  json?: boolean;
}

/** Runs `work` with a signal that the first Ctrl-C gives: it saves and stops. The second one is not caught. */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
