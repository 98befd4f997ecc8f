import { z } from 'zod';
import { parseBoundedJson, shortened } from '../base/bounded_json.js';
import { TtsError } from '../base/errors.js';
import { limits, text, whole } from '../base/limits.js';

/** Everything that comes over the queue is checked by one of these: it may come from anyone who can write to it. */
export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal');
const name = z.string().regex(/^[\w.-]{1,160}$/, 'expected letters, digits, dots, dashes and underscores');

/** What every job says. */
const common = {
  /** Under which the result goes, whoever brings it. */
  id: name,
  run: name,
  /** Number of the lease of the coordinator that wants it. */
  fence: z.int().min(1),
  /** Blob of what all jobs of the run have in common. */
  spec: hashSchema,
};

const partOfRun = { index: whole({ ...limits.parts, least: 0 }), count: whole(limits.parts) };

/** All jobs that there are, by name, with their data: keys and numbers, no code and no paths. */
export const jobSchemas = {
  /** A part of a generation. */
  part: z.strictObject({ ...common, state: hashSchema, ...partOfRun }),
  /** A run of `tts-bench sparsity`; `input` is its recipe. */
  trial: z.strictObject({ ...common, input: hashSchema }),
  /** Features to be spoken. */
  synthesize: z.strictObject({ ...common, input: hashSchema }),
  /** A text to be spoken. */
  speak: z.strictObject({ ...common, input: hashSchema }),
  /** A recording of which features are wanted. */
  features: z.strictObject({ ...common, input: hashSchema }),
  /** A clip to be measured, as one of the systems speaks it. */
  evaluate: z.strictObject({ ...common, input: hashSchema, system: whole({ ...limits.workers, least: 0 }) }),
} as const;

export type JobName = keyof typeof jobSchemas;
export type JobData<Name extends JobName = JobName> = z.infer<(typeof jobSchemas)[Name]>;

export const jobNames = Object.keys(jobSchemas) as JobName[];

export type KnownJob = { readonly [Name in JobName]: { name: Name; data: JobData<Name> } }[JobName];

/** A job of the queue, checked. @throws {TtsError} ERR_CLUSTER for a name or data that are none of ours */
export function readJob(jobName: string, data: unknown): KnownJob {
  if (!Object.hasOwn(jobSchemas, jobName))
    throw new TtsError('ERR_CLUSTER', `a job is called ${shortened(jobName)}, expected one of ${jobNames.join(', ')}`);
  const name = jobName as JobName;
  return { name, data: checked<JobData>(jobSchemas[name] as z.ZodType<JobData>, data, `the job ${name}`) } as KnownJob;
}

/** @throws {TtsError} ERR_CLUSTER with what does not fit */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [{ path, message }] = found.error.issues;
  throw new TtsError(
    'ERR_CLUSTER',
    `${what} has ${shortened(path.join('.') || 'something')} that does not fit: ${shortened(message, 200)}`,
  );
}

/** JSON that came over the queue. @throws {TtsError} ERR_CLUSTER */
export function readJson<T>(schema: z.ZodType<T>, bytes: Uint8Array | string, what: string): T {
  let value: unknown;
  try {
    value = parseBoundedJson(
      typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes),
    );
  } catch (cause) {
    throw new TtsError('ERR_CLUSTER', `${what} is not JSON (${shortened((cause as Error).message, 200)})`, { cause });
  }
  return checked(schema, value, what);
}

/** What a worker says of a job that it has done with, over `keys.ended`. */
export const endedSchema = z.strictObject({
  id: name,
  worker: name,
  /** Milliseconds in the thread that computes. */
  milliseconds: z.number().min(0),
  /** Why there is no result. */
  error: z.strictObject({ code: text().optional(), message: text() }).optional(),
});

/** What a worker says of itself. */
export const workerSchema = z.strictObject({
  worker: name,
  host: text(),
  pid: z.int().min(0),
  threads: whole(limits.threads),
  kernels: text(),
  since: text(),
  /** Jobs done. */
  done: z.int().min(0),
  /** The job it is at. */
  at: name.nullable(),
});

/** What a coordinator says of its run. */
export const statusSchema = z.strictObject({
  run: name,
  host: text(),
  pid: z.int().min(0),
  fence: z.int().min(1),
  /** What it does, in words. */
  doing: text(),
  done: z.int().min(0),
  all: z.int().min(0),
  /** Of what `done` and `all` count. */
  unit: text(),
  parts: z.int().min(1),
  /** Of the last generation, milliseconds. */
  publish: z.number().min(0).nullable(),
  wait: z.number().min(0).nullable(),
  /** Bytes that went to Redis, and came from there. */
  sent: z.int().min(0),
  received: z.int().min(0),
  updated: text(),
});

export type WorkerStatus = z.infer<typeof workerSchema>;
export type RunStatus = z.infer<typeof statusSchema>;
