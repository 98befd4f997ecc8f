import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker as Thread } from 'node:worker_threads';
import type { Job } from 'bullmq';
import type { z } from 'zod';
import { type ErrorCode, TtsError } from '../base/errors.js';
import { kernelNames } from '../kernels/index.js';
import { unfit } from './coordinator.js';
import type { Link } from './link.js';
import { expiry, keys, mostBytes } from './names.js';
import type { endedSchema } from './protocol.js';
import { type KnownJob, readJob, type WorkerStatus } from './protocol.js';
import { checkHash, seal } from './sealed.js';
import type { ComputeData, FromThread, ThreadError, ToThread } from './thread_messages.js';

export interface WorkerOptions extends ComputeData {
  /** Seconds after which a job that is not heard of is given to another worker. */
  readonly lock?: number;
  /** Ends the work after the present job. */
  readonly signal: AbortSignal;
  /** Tells people what they may want to know. */
  readonly note: (text: string) => void;
}

/**
 * Works for whatever runs the queue has, until the signal.
 * @throws {TtsError} ERR_KERNELS on a machine that does not calculate as the coordinator of a run does
 */
export async function work(link: Link, options: WorkerOptions): Promise<void> {
  const worker = new ClusterWorker(link, options);
  await worker.untilDone();
}

class ClusterWorker {
  private readonly name = `${hostname()
    .replaceAll(/[^\w.-]+/g, '_')
    .slice(0, 60)}.${process.pid}.${randomBytes(3).toString('hex')}`;
  private readonly since = new Date().toISOString();
  private readonly thread: Thread;
  private readonly stopped: Promise<void>;
  private stop!: (error?: Error) => void;
  private ended: ((answer: Extract<FromThread, { kind: 'done' | 'failed' }>) => void) | undefined;
  private run = '';
  private done = 0;
  private at: string | null = null;

  constructor(
    private readonly link: Link,
    private readonly options: WorkerOptions,
  ) {
    const { threads, folder, signal } = options;
    this.stopped = new Promise((resolve, reject) => (this.stop = (error) => (error ? reject(error) : resolve())));
    this.stopped.catch(() => undefined);
    this.thread = new Thread(new URL('./compute.js', import.meta.url), {
      workerData: { threads, folder } satisfies ComputeData,
      execArgv: [],
    });
    this.thread.on('message', (message: FromThread) => {
      if (message.kind === 'wanted') void this.bring(message.hash);
      else this.ended?.(message);
    });
    this.thread.on('error', (error) => this.stop(error));
    if (signal.aborted) this.stop();
    signal.addEventListener('abort', () => this.stop(), { once: true });
  }

  async untilDone(): Promise<void> {
    const { link, options } = this;
    const jobs = link.takeJobs((job) => this.take(job), options.lock);
    const beat = setInterval(() => void this.tell(), (1000 * expiry.worker) / 3);
    await this.tell();
    options.note(`worker ${this.name} is ready, ${options.threads} threads`);
    try {
      await this.stopped;
    } finally {
      // What was begun is ended.
      await jobs.close();
      clearInterval(beat);
      await Promise.race([link.redis.unlink(keys.worker(this.name)), sleep(1000)]);
      await this.thread.terminate();
    }
  }

  /** Says that we are there. */
  private async tell(): Promise<void> {
    const { name, since, done, at, options } = this;
    const status = {
      worker: name,
      host: hostname(),
      pid: process.pid,
      threads: options.threads,
      kernels: kernelNames()[0],
    };
    const text = JSON.stringify({ ...status, since, done, at } satisfies WorkerStatus);
    await this.link.redis
      .multi()
      .sadd(keys.workers, name)
      .set(keys.worker(name), text, 'EX', expiry.worker)
      .exec()
      .catch(() => undefined);
  }

  /** Does a job, unless it is of no use any more. What is wrong with it is told to its coordinator. */
  private async take(job: Job): Promise<void> {
    const { redis } = this.link;
    const checked = readJob(job.name, job.data);
    const { id, run, fence } = checked.data;
    if (await redis.exists(keys.result(id))) return;
    if (Number((await redis.get(keys.fence(run))) ?? 0) > fence) return;
    if ('state' in checked.data && !(await redis.exists(keys.blob(checked.data.state)))) return;
    this.run = run;
    this.at = id;
    void this.tell();
    const answer = await this.compute(checked);
    this.at = null;
    const { milliseconds } = answer;
    let error: ThreadError | undefined = answer.kind === 'failed' ? answer.error : undefined;
    if (answer.kind === 'done') {
      if (answer.bytes.length > mostBytes - 64)
        error = {
          code: 'ERR_CLUSTER',
          message: `the result has ${answer.bytes.length} bytes, expected at most ${mostBytes - 64}`,
        };
      else {
        await redis.set(keys.result(id), seal(answer.bytes), 'EX', expiry.result, 'NX');
        this.done++;
      }
    }
    const said = { id, worker: this.name, milliseconds, ...(error && { error }) } satisfies z.infer<typeof endedSchema>;
    await redis.multi().rpush(keys.ended(run), JSON.stringify(said)).expire(keys.ended(run), expiry.result).exec();
    if (!error) return;
    this.options.note(`${id}: ${error.code ?? 'error'}: ${error.message}`);
    if (unfit.includes(error.code ?? '')) this.stop(new TtsError(error.code as ErrorCode, error.message));
  }

  private compute(job: KnownJob): Promise<Extract<FromThread, { kind: 'done' | 'failed' }>> {
    return new Promise((resolve) => {
      this.ended = resolve;
      this.thread.postMessage({ kind: 'job', job } satisfies ToThread);
    });
  }

  /** Brings the thread the bytes of a blob. What is not there is asked for; what is not what it should be is removed. */
  private async bring(hash: string): Promise<void> {
    const { redis } = this.link;
    const run = this.run;
    const key = keys.blob(hash);
    const answer = (message: Omit<Extract<ToThread, { kind: 'blob' }>, 'kind' | 'hash'>) =>
      this.thread.postMessage({ kind: 'blob', hash, ...message } satisfies ToThread);
    try {
      // Its coordinator may be away, but not for good: then nobody needs this job.
      for (let tries = 0; tries < 600; tries++) {
        const bytes = await redis.getBuffer(key);
        if (bytes) {
          try {
            checkHash(bytes, hash, 'a blob');
          } catch (error) {
            await redis.unlink(key);
            throw error;
          }
          return answer({ bytes: new Uint8Array(bytes) });
        }
        if (tries % 20 === 0) await redis.sadd(keys.wanted(run), hash);
        await sleep(100);
      }
      throw new TtsError('ERR_CLUSTER', `the run ${run} does not bring what its job needs; its coordinator has gone`);
    } catch (error) {
      const { code, message } = error as ThreadError;
      answer({ error: { code, message } });
    }
  }
}
