/** All keys in Redis begin with this: a user of the queue needs no others. */
export const prefix = 'tts';

/** The one queue of jobs, of all runs. */
export const jobsQueue = 'jobs';

export const keys = {
  /** Bytes under their SHA-256. */
  blob: (hash: string) => `${prefix}:blob:${hash}`,
  /** What a job came to, with its seal. */
  result: (job: string) => `${prefix}:result:${job}`,
  /** Hashes of blobs that workers miss: a set, which the run's coordinator empties. */
  wanted: (run: string) => `${prefix}:wanted:${run}`,
  /** Jobs of a run that ended: a list, which its coordinator empties. */
  ended: (run: string) => `${prefix}:ended:${run}`,
  lease: (run: string) => `${prefix}:lease:${run}`,
  /** The number of the newest lease. */
  fence: (run: string) => `${prefix}:fence:${run}`,
  /** How a run is: JSON. */
  status: (run: string) => `${prefix}:status:${run}`,
  /** How a worker is: JSON, gone soon after the worker. */
  worker: (worker: string) => `${prefix}:worker:${worker}`,
  /** All runs, and all workers: sets, with some that are gone. */
  runs: `${prefix}:runs`,
  workers: `${prefix}:workers`,
} as const;

/** Seconds that something is kept in Redis, which is never the only place where it is. */
export const expiry = {
  /** What a generation, a trial, a folder begins from. */
  state: 3600,
  result: 3600,
  /** What was asked for, such as the features of a clip: soon fetched. */
  wanted: 10,
  status: 86_400,
  worker: 6,
} as const;

/** Bytes of a value in Redis, at most. */
export const mostBytes = 512 * 2 ** 20;
