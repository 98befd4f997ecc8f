import type { Job, Queue, Worker } from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import { TtsError } from '../base/errors.js';
import { readWholeFileSync } from '../base/whole_file.js';
import { jobsQueue, prefix } from './names.js';

/** Where the queue is, and who we are to it. */
export interface ClusterAddress {
  /** `redis://HOST[:PORT][/DB]`, or `rediss://…` for TLS; a user may stand before the host, a password may not. */
  readonly url: string;
  /** File whose first line is the password; else TTS_CLUSTER_PASSWORD in the environment, else there is none. */
  readonly passwordFile?: string;
  /** File of the certificate authority that signed the server's certificate; default: those that the system trusts. */
  readonly ca?: string;
}

/** Seconds for which a job belongs to the worker that took it, unless said; a living worker renews it all the time. */
export const jobLock = 30;

/** Milliseconds to wait for an answer to the first word. */
const patience = 10_000;

/** Connections to Redis or Valkey. They come back by themselves when the server was away. */
export interface Link {
  readonly redis: Redis;
  /** Another connection, for commands that wait. */
  readonly waiting: Redis;
  readonly queue: Queue;
  /** Takes one job at a time, and hands it to `work`. @param lock seconds, see `jobLock` */
  takeJobs(work: (job: Job) => Promise<void>, lock?: number): Worker;
  close(): Promise<void>;
}

/**
 * Connects to the queue.
 * @throws {TtsError} ERR_ARGUMENT for an address that is none, or has a password in it; ERR_QUEUE for a server that
 * cannot be reached, does not know us, or is not whom it should be, and where the packages for it are not installed
 */
export async function connect(address: ClusterAddress): Promise<Link> {
  const options = optionsOf(address);
  const { bullmq, ioredis } = await packages();
  await greet(
    new ioredis.Redis({ ...options, lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 }),
    address,
  );
  const connections: Redis[] = [];
  const connection = (): Redis => {
    const redis = new ioredis.Redis({
      ...options,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(100 * times, 1000),
    });
    // It tries again by itself.
    redis.on('error', () => undefined);
    connections.push(redis);
    return redis;
  };
  const [redis, waiting, forQueue] = [connection(), connection(), connection()];
  const common = { prefix, skipVersionCheck: true, skipMetasUpdate: true };
  const queue = new bullmq.Queue(jobsQueue, { ...common, connection: forQueue });
  queue.on('error', () => undefined);
  const workers: Worker[] = [];
  return {
    redis,
    waiting,
    queue,
    takeJobs(work, lock = jobLock) {
      const worker = new bullmq.Worker(jobsQueue, work, {
        prefix,
        skipVersionCheck: true,
        connection: connection(),
        concurrency: 1,
        lockDuration: 1000 * lock,
        stalledInterval: 500 * lock,
        // A job may be dropped by any number of workers before one ends it: it is of use until its run says otherwise.
        maxStalledCount: 1_000_000,
        drainDelay: 1,
        autorun: false,
      });
      worker.on('error', () => undefined);
      void worker.run().catch(() => undefined);
      workers.push(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) await worker.close(true);
      await queue.close();
      for (const each of connections) each.disconnect();
    },
  };
}

/** Both are optional: who works on one machine has no need of them. */
async function packages() {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, ioredis };
  } catch (cause) {
    throw new TtsError('ERR_QUEUE', 'the packages for many machines are not installed: npm install bullmq ioredis', {
      cause,
    });
  }
}

/** @throws {TtsError} see `connect` */
export function optionsOf({ url, passwordFile, ca }: ClusterAddress): RedisOptions {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new TtsError('ERR_ARGUMENT', `${url} is no address of a queue, expected redis://HOST or rediss://HOST`, {
      cause,
    });
  }
  const { protocol, hostname, port, username, password, pathname, search, hash } = parsed;
  // Arguments are seen by everyone on a machine.
  if (password !== '')
    throw new TtsError(
      'ERR_ARGUMENT',
      `the address of the queue at ${hostname} has a password in it; expected it in a file (--password-file) or in ` +
        'TTS_CLUSTER_PASSWORD in the environment',
    );
  const [, database] = /^\/?(\d{0,4})$/.exec(pathname) ?? [];
  if (
    !['redis:', 'rediss:'].includes(protocol) ||
    hostname === '' ||
    database === undefined ||
    search !== '' ||
    hash !== ''
  )
    throw new TtsError('ERR_ARGUMENT', `${url} is no address of a queue, expected redis://HOST or rediss://HOST`);
  if (ca !== undefined && protocol !== 'rediss:')
    throw new TtsError('ERR_ARGUMENT', `--ca goes with rediss://, and the queue is ${url}`);
  const secret =
    passwordFile === undefined
      ? process.env.TTS_CLUSTER_PASSWORD
      : readWholeFileSync(passwordFile).toString('utf8').split(/\r?\n/)[0];
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: port === '' ? 6379 : Number(port),
    db: Number(database),
    connectTimeout: patience,
    keepAlive: 5000,
    // The user of scripts/make-queue.sh may not say which client it has.
    disableClientInfo: true,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(secret !== undefined && secret !== '' && { password: secret }),
    ...(protocol === 'rediss:' && { tls: ca === undefined ? {} : { ca: readWholeFileSync(ca) } }),
  };
}

/** The first word: what is wrong for good is told at once, and not tried for ever. */
async function greet(redis: Redis, { url }: ClusterAddress): Promise<void> {
  let failure: unknown;
  redis.on('error', (error) => (failure ??= error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    const cause = failure ?? error;
    throw new TtsError('ERR_QUEUE', `the queue ${url} ${whyNot(cause)}`, { cause });
  } finally {
    redis.disconnect();
  }
}

function whyNot(error: unknown): string {
  const { message, code } = error as { message: string; code?: string };
  if (/^(WRONGPASS|NOAUTH|NOPERM)|without any password|AUTH.*failed/i.test(message))
    return `does not let us in (${message}); check the user in the address, and the password`;
  if (code !== undefined && /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code))
    return `cannot prove who it is (${code}); give --ca the certificate of the authority that signed its own`;
  return `cannot be reached (${message})`;
}
