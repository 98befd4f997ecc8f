import cliProgress from 'cli-progress';

/** What a bar needs of a stream; `process.stderr` is one. */
type BarStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

const active = new Set<cliProgress.SingleBar>();

/**
 * A bar on stderr that goes when it is full; `note` says what was done last. In a pipe or a file there is none: those
 * get results only.
 */
export function bar(title: string, stream: BarStream = process.stderr) {
  const shown = new cliProgress.SingleBar(
    {
      format: `${title} {bar} {percentage}% · {value}/{total} · {eta_formatted} left{note}`,
      stream,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  return (done: number, total: number, note = ''): void => {
    const payload = { note: note === '' ? '' : ` · ${note}` };
    if (shown.isActive) shown.update(done, payload);
    else shown.start(total, done, payload);
    active.add(shown);
    if (done < total) return;
    shown.stop();
    active.delete(shown);
  };
}

/** Makes room for a line of output; the bar comes back below it with its next update. */
export function aboveBars(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

/** Ends bars that an error has left half full: they redraw by a timer, and the process would never end. */
export function stopBars(): void {
  for (const shown of active) shown.stop();
  active.clear();
}
