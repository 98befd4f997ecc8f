import type { Link } from './link.js';
import { keys } from './names.js';
import { readJson, type RunStatus, statusSchema, workerSchema, type WorkerStatus } from './protocol.js';

/** What is at work on a queue. */
export interface ClusterStatus {
  readonly runs: readonly RunStatus[];
  readonly workers: readonly WorkerStatus[];
  /** Jobs that wait for a worker, and those that are done now. */
  readonly waiting: number;
  readonly active: number;
}

/** Looks at a queue. Names of runs and workers that are gone are removed from its lists. */
export async function clusterStatus({ redis, queue }: Link): Promise<ClusterStatus> {
  const all = async <T>(set: string, keyOf: (name: string) => string, read: (text: string) => T): Promise<T[]> => {
    const names = (await redis.smembers(set)).sort();
    const found: T[] = [];
    for (const name of names) {
      const text = await redis.get(keyOf(name));
      if (text === null) await redis.srem(set, name);
      else found.push(read(text));
    }
    return found;
  };
  const { waiting, active } = await queue.getJobCounts('waiting', 'active');
  return {
    runs: await all(keys.runs, keys.status, (text) => readJson(statusSchema, text, 'the status of a run')),
    workers: await all(keys.workers, keys.worker, (text) => readJson(workerSchema, text, 'the status of a worker')),
    waiting,
    active,
  };
}
