import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, TtsError } from '../base/errors.js';
import { median } from '../base/statistics.js';
import { Lease } from './lease.js';
import type { Link } from './link.js';
import { expiry, keys, mostBytes } from './names.js';
import {
  endedSchema,
  hashSchema,
  type JobName,
  readJson,
  type RunStatus,
  workerSchema,
  type WorkerStatus,
} from './protocol.js';
import { sha256, unseal } from './sealed.js';

/** Something that a worker is to do. */
export interface Task {
  /** The same for the same work, whoever asks for it and how often; other work has another one. */
  readonly id: string;
  readonly name: JobName;
  /** Its data, apart from what all jobs have in common. */
  readonly data: object;
  /** Bytes that its result may have. */
  readonly mostBytes: number;
}

export interface ComputeOptions {
  readonly signal?: AbortSignal;
  /** Takes what came of a task; where it throws, the task is done once more. */
  readonly onResult: (index: number, bytes: Buffer) => void | Promise<void>;
}

/** Milliseconds between two looks at what is there and what is missing. */
const lookEvery = 500;

/** Milliseconds after which something is lost that neither waits nor has a worker: those tell where they are at once. */
const lostAfter = 3000;

/** Jobs that wait in Redis at a time: enough for all workers to be at work. */
const mostWaiting = 256;

/** Times that one task may fail before the run stops. */
const mostFailures = 5;

/** Bytes that workers asked for and Redis holds for them, at most. */
const mostWanted = 256 * 2 ** 20;

/** What a worker fails with that cannot work for this run at all: it leaves, and others do the work. */
export const unfit: readonly string[] = ['ERR_KERNELS'] satisfies ErrorCode[];

/**
 * Leads a run: says what is to be done, waits for it, and keeps nothing in Redis that it could not say again. What is
 * there is the truth; messages are only a hint to look.
 */
export class Coordinator {
  sent = 0;
  received = 0;
  /** Of the last tasks, in the threads that computed them. */
  private times: number[] = [];
  /** What workers may ask for, by hash. */
  private readonly offered = new Map<string, () => Uint8Array>();
  /** What is there for them before they ask. */
  private readonly kept = new Set<string>();
  private readonly noted = new Set<string>();
  private closed = false;
  private serving: Promise<void>;

  private constructor(
    private readonly link: Link,
    readonly run: string,
    private readonly lease: Lease,
    private readonly note: (text: string) => void,
  ) {
    this.serving = this.serve();
  }

  /**
   * @param note tells people what they may want to know
   * @throws {TtsError} ERR_IN_USE where another coordinator leads this run
   */
  static async lead(link: Link, run: string, note: (text: string) => void): Promise<Coordinator> {
    const lease = await Lease.take(link.redis, run);
    await link.redis.sadd(keys.runs, run);
    return new Coordinator(link, run, lease, note);
  }

  get fence(): number {
    return this.lease.fence;
  }

  /** Has bytes ready for workers that ask. @param hash their SHA-256 */
  offer(hash: string, bytes: () => Uint8Array): void {
    this.offered.set(hash, bytes);
  }

  /** Keeps bytes in Redis until they are dropped. @returns their SHA-256 */
  async keep(bytes: Uint8Array): Promise<string> {
    if (bytes.length > mostBytes)
      throw new TtsError(
        'ERR_CLUSTER',
        `${bytes.length} bytes are more than the queue takes, expected at most ${mostBytes}`,
      );
    const hash = sha256(bytes);
    this.offered.set(hash, () => bytes);
    this.kept.add(hash);
    await this.put(hash, expiry.state);
    return hash;
  }

  async drop(hash: string): Promise<void> {
    this.offered.delete(hash);
    this.kept.delete(hash);
    await this.link.redis.unlink(keys.blob(hash));
  }

  /** How many workers have said lately that they are there. */
  async workers(): Promise<number> {
    return (await this.living()).length;
  }

  /** Says for others how the run is. */
  async tell(status: Pick<RunStatus, 'doing' | 'done' | 'all' | 'unit' | 'parts' | 'publish' | 'wait'>): Promise<void> {
    const { run, fence, sent, received } = this;
    const own = { run, host: hostname(), pid: process.pid, fence, sent, received, updated: new Date().toISOString() };
    await this.link.redis
      .multi()
      .sadd(keys.runs, run)
      .set(keys.status(run), JSON.stringify({ ...own, ...status } satisfies RunStatus), 'EX', expiry.status)
      .exec();
  }

  /**
   * Has tasks done by whoever is there, and waits for all. What Redis has lost is said again, what lost its worker
   * or takes much longer than the others is given out a second time, what is damaged or fails for reasons of its machine
   * is tried again.
   * @param spec blob of what they have in common; kept
   * @throws {TtsError} ERR_IN_USE where another coordinator has taken over; the error of a task that failed five times
   */
  async compute(tasks: readonly Task[], spec: string, { signal, onResult }: ComputeOptions): Promise<void> {
    const round = new Round(tasks);
    const stopped = new Promise<never>((_, reject) => {
      const stop = () => reject(signal?.reason as Error);
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
    stopped.catch(() => undefined);
    try {
      let looked = 0;
      const begun = performance.now();
      let alone = false;
      while (!round.done) {
        await Promise.race([stopped, this.publish(round.fill(mostWaiting), spec)]);
        const ended = await Promise.race([stopped, this.listen()]);
        for (const { id, milliseconds, error, worker } of ended) {
          const open = round.open.get(id);
          if (!open) continue;
          if (error) this.fail(round, id, worker, error);
          else {
            round.times.push(milliseconds);
            this.times = [...this.times.slice(-63), milliseconds];
            await Promise.race([stopped, this.collect(round, id, onResult)]);
          }
        }
        if (performance.now() - looked < lookEvery) continue;
        looked = performance.now();
        this.lease.check();
        await Promise.race([stopped, this.look(round, spec, onResult)]);
        if (!alone && performance.now() - begun > 10_000 && (await Promise.race([stopped, this.workers()])) === 0) {
          alone = true;
          this.note('no worker is there; start tts-worker with the same address');
        }
      }
    } finally {
      // Copies that nobody needs any more.
      await Promise.race([this.withdraw(round), sleep(1000)]);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const gone = [...this.kept].map(keys.blob);
    await Promise.race([
      Promise.all([
        this.serving,
        this.lease.release(),
        this.link.redis.unlink(keys.wanted(this.run), keys.ended(this.run), ...gone),
      ]),
      sleep(3000),
    ]);
  }

  /** The workers that have said lately that they are there. */
  private async living(): Promise<WorkerStatus[]> {
    const { redis } = this.link;
    const names = await redis.smembers(keys.workers);
    const said = names.length === 0 ? [] : await redis.mget(...names.map(keys.worker));
    return said.flatMap((text) => {
      try {
        return text === null ? [] : [readJson(workerSchema, text, 'the status of a worker')];
      } catch (error) {
        this.noteOnce((error as Error).message);
        return [];
      }
    });
  }

  /** Puts bytes into Redis. */
  private async put(hash: string, seconds: number): Promise<number> {
    const bytes = this.offered.get(hash)?.();
    if (!bytes) return 0;
    await this.link.redis.set(
      keys.blob(hash),
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      'EX',
      seconds,
    );
    this.sent += bytes.length;
    return bytes.length;
  }

  private async publish(tasks: readonly Open[], spec: string, copy = ''): Promise<void> {
    for (const { task } of tasks) {
      const data = { ...task.data, id: task.id, run: this.run, fence: this.fence, spec };
      await this.link.queue.add(task.name, data, { jobId: task.id + copy, removeOnComplete: true, removeOnFail: true });
    }
  }

  /** What workers say, after half a second at most. */
  private async listen() {
    const key = keys.ended(this.run);
    const first = await this.link.waiting.blpop(key, lookEvery / 1000);
    if (!first) return [];
    const more = (await this.link.redis.lpop(key, 100)) ?? [];
    return [first[1], ...more].flatMap((text) => {
      try {
        return [readJson(endedSchema, text, 'what a worker said')];
      } catch (error) {
        this.noteOnce((error as Error).message);
        return [];
      }
    });
  }

  /** Fetches a result, checks it, and hands it on. */
  private async collect(round: Round, id: string, onResult: ComputeOptions['onResult']): Promise<void> {
    const { redis } = this.link;
    const open = round.open.get(id);
    if (!open) return;
    const key = keys.result(id);
    const length = await redis.strlen(key);
    if (length === 0) return;
    try {
      if (length > open.task.mostBytes)
        throw new TtsError(
          'ERR_CLUSTER',
          `the result ${id} has ${length} bytes, expected at most ${open.task.mostBytes}`,
        );
      const sealed = await redis.getBuffer(key);
      if (!sealed) return;
      this.received += sealed.length;
      await onResult(open.index, unseal(sealed, `the result ${id}`));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      await redis.unlink(key);
      const { code, message } = error as { code?: string; message: string };
      this.fail(round, id, 'a worker', { code, message });
      return;
    }
    round.open.delete(id);
    await redis.unlink(key);
  }

  /** Notes that a task failed; the next look says it again. */
  private fail(round: Round, id: string, worker: string, { code, message }: { code?: string; message: string }): void {
    this.noteOnce(`${worker} failed: ${code ?? 'error'}: ${message}`);
    const open = round.open.get(id);
    if (!open || unfit.includes(code ?? '')) return;
    // What is wrong with the work itself is so for every worker.
    if (code?.startsWith('ERR_') && code !== 'ERR_CLUSTER') throw new TtsError(code as ErrorCode, message);
    if (++open.failures < mostFailures) return;
    throw code === 'ERR_CLUSTER' ? new TtsError(code, message) : new Error(message);
  }

  /** Looks at what is there, and says again what is not. */
  private async look(round: Round, spec: string, onResult: ComputeOptions['onResult']): Promise<void> {
    const { redis, queue } = this.link;
    const open = [...round.open.values()];
    const asked = redis.pipeline();
    for (const { task } of open) asked.exists(keys.result(task.id)).exists(queue.toKey(task.id));
    for (const hash of this.kept) asked.exists(keys.blob(hash));
    const answers = (await asked.exec()) ?? [];
    const there = answers.map(([error, value]) => {
      if (error) throw error;
      return value === 1;
    });
    for (const [i, hash] of [...this.kept].entries())
      if (!there[2 * open.length + i]) await this.put(hash, expiry.state);
    for (const [i, { task }] of open.entries()) if (there[2 * i]) await this.collect(round, task.id, onResult);
    const unknown = open.filter((each, i) => !there[2 * i] && !there[2 * i + 1] && round.open.has(each.task.id));
    await this.publish(unknown, spec);
    await this.copyStragglers(round, spec);
    await this.lease.renew();
  }

  /**
   * Gives out a second time what is no longer waiting and what no living worker says to be at; and, where a worker is
   * idle, what takes three times as long as the others of its round did: its worker may be slow.
   */
  private async copyStragglers(round: Round, spec: string): Promise<void> {
    const now = performance.now();
    // Behind a worker others wait their turn; only when all have begun is one late.
    if (round.waiting > 0 || (await this.link.queue.getWaitingCount()) > 0) {
      for (const open of round.open.values()) open.seen = now;
      return;
    }
    const workers = await this.living();
    const held = new Set(workers.map(({ at }) => at));
    const times = round.times.length > 0 ? round.times : this.times;
    const late = held.has(null) && times.length > 0 ? 2 * lookEvery + 3 * median(times) : Infinity;
    for (const open of round.open.values()) {
      if (held.has(open.task.id)) open.seen = now;
      if (now - open.seen <= lostAfter && now - open.since <= late) continue;
      open.since = open.seen = now;
      open.copies++;
      await this.publish([open], spec, `-copy${open.copies}`);
    }
  }

  /** Removes the jobs of a round that has ended: those that no worker has begun. */
  private async withdraw(round: Round): Promise<void> {
    const begun = round.published.filter(({ task, copies }) => copies > 0 || round.open.has(task.id));
    for (const { task, copies } of begun)
      for (let copy = 0; copy <= copies; copy++) {
        const job = await this.link.queue.getJob(copy === 0 ? task.id : `${task.id}-copy${copy}`);
        await job?.remove().catch(() => undefined);
      }
  }

  /** Brings workers what they ask for, as long as the run lasts. */
  private async serve(): Promise<void> {
    let recent: { at: number; bytes: number }[] = [];
    while (!this.closed) {
      try {
        recent = recent.filter(({ at }) => performance.now() - at < 1000 * expiry.wanted);
        const room = mostWanted - recent.reduce((sum, { bytes }) => sum + bytes, 0);
        const wanted = room > 0 ? await this.link.redis.spop(keys.wanted(this.run), 16) : [];
        for (const hash of wanted) {
          if (!hashSchema.safeParse(hash).success) continue;
          recent.push({ at: performance.now(), bytes: await this.put(hash, expiry.wanted) });
        }
        if (wanted.length === 0) await sleep(100);
      } catch {
        await sleep(500);
      }
    }
  }

  private noteOnce(text: string): void {
    if (this.noted.has(text)) return;
    this.noted.add(text);
    this.note(text);
  }
}

/** A task that is given out. */
interface Open {
  readonly task: Task;
  readonly index: number;
  /** When it was given out last. */
  since: number;
  /** When it was last seen to wait, or a worker to be at it. */
  seen: number;
  copies: number;
  failures: number;
}

/** Tasks that are done together. */
class Round {
  readonly open = new Map<string, Open>();
  readonly published: Open[] = [];
  /** Milliseconds of those that are done. */
  readonly times: number[] = [];
  private next = 0;

  constructor(private readonly tasks: readonly Task[]) {}

  get waiting(): number {
    return this.tasks.length - this.next;
  }

  get done(): boolean {
    return this.waiting === 0 && this.open.size === 0;
  }

  /** The next tasks to give out, until so many are. */
  fill(most: number): Open[] {
    const added: Open[] = [];
    while (this.open.size < most && this.waiting > 0) {
      const index = this.next++;
      const now = performance.now();
      const open: Open = { task: this.tasks[index], index, since: now, seen: now, copies: 0, failures: 0 };
      this.open.set(open.task.id, open);
      this.published.push(open);
      added.push(open);
    }
    return added;
  }
}
