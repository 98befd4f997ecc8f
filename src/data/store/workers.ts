import { parentPort, Worker } from 'node:worker_threads';
import { TtsError } from '../../base/errors.js';
import type { Clip } from '../corpora/corpus.js';

/** What a worker gets for each clip. */
interface Task {
  readonly index: number;
  readonly path: string;
}

type Answer<Result> =
  { readonly index: number; readonly result: Result } | { readonly index: number; readonly error: string };

export interface SharedWork<Result> {
  /** The module that workers run; it calls `answerTasks`. */
  readonly worker: URL;
  /** What each worker gets at its start, as `workerData`. */
  readonly data: unknown;
  readonly threads: number;
  /** Called in the main thread for each clip that could be used; the next one waits for it. */
  readonly onResult: (index: number, result: Result) => Promise<void> | void;
  /** Called after each clip. */
  readonly onDone: () => void;
}

/**
 * Has worker threads go through clips, those at `indices`. Clips that cannot be used do not stop the others: they are
 * refused together at the end.
 * @throws {TtsError} ERR_CORPUS with the number of clips that cannot be used, and what is wrong with the first
 */
export async function shareOut<Result>(
  clips: readonly Clip[],
  indices: readonly number[],
  { worker: url, data, threads, onResult, onDone }: SharedWork<Result>,
): Promise<void> {
  const failures: { index: number; error: string }[] = [];
  const onAnswer = async (answer: Answer<Result>) => {
    if ('error' in answer) failures.push(answer);
    else await onResult(answer.index, answer.result);
    onDone();
  };
  const queue = indices.values();
  const workers: Worker[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      // Without the flags of this process: some, such as --input-type, would be taken for those of the worker's file.
      const worker = new Worker(url, { workerData: data, execArgv: [] });
      workers.push(worker);
      const next = () => {
        const { done, value: index } = queue.next();
        if (done) resolve();
        else worker.postMessage({ index, path: clips[index].path } satisfies Task);
      };
      worker.on('message', (answer: Answer<Result>) => void onAnswer(answer).then(next, reject));
      worker.on('error', reject);
      worker.on('exit', (status) => reject(new Error(`a worker of the feature store stopped with status ${status}`)));
      next();
    });
  try {
    await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, indices.length)) }, work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  if (failures.length === 0) return;
  const first = failures.reduce((a, b) => (a.index < b.index ? a : b));
  const { path } = clips[first.index];
  const what = first.error.includes(path) ? first.error : `${path}: ${first.error}`;
  throw new TtsError(
    'ERR_CORPUS',
    `${failures.length} of ${clips.length} recordings cannot be used; the first: ${what}`,
  );
}

/**
 * In a worker: answers with what `work` makes of each recording.
 * @param buffers those of a result that are moved to the main thread, not copied
 */
export function answerTasks<Result>(
  work: (path: string) => Promise<Result>,
  buffers: (result: Result) => ArrayBufferLike[],
): void {
  parentPort?.on('message', ({ index, path }: Task) => {
    work(path).then(
      (result) => parentPort?.postMessage({ index, result } satisfies Answer<Result>, buffers(result) as ArrayBuffer[]),
      (error: unknown) =>
        parentPort?.postMessage({
          index,
          error: error instanceof Error ? error.message : String(error),
        } satisfies Answer<Result>),
    );
  });
}
