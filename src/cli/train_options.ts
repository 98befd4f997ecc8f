import cliProgress from 'cli-progress';

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

/** A bar on stderr that goes when it is full. */
export function bar(title: string): (done: number, total: number) => void {
  const shown = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage}% · {value}/{total} · {eta_formatted} left`,
      stream: process.stderr,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  return (done, total) => {
    if (!shown.isActive) shown.start(total, done);
    shown.update(done);
    if (done >= total) shown.stop();
  };
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
