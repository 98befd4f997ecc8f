/**
 * What a call rejects with when its signal says stop; like those of Node it has the name AbortError, the code ABORT_ERR
 * and, as its cause, the reason that was given to `abort`.
 */
export class AbortError extends Error {
  readonly code = 'ABORT_ERR';

  constructor(signal: AbortSignal) {
    super('The operation was aborted', { cause: signal.reason });
    this.name = 'AbortError';
  }
}

/** @throws {AbortError} if the signal has said stop */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError(signal);
}

/**
 * What the promise gives, unless the signal says stop first: then the wait is over at once, and what the promise gives
 * later is let go of. The signal holds nothing of it after that.
 * @throws {AbortError}
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => undefined);
  checkSignal(signal);
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new AbortError(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
