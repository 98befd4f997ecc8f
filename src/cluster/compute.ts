// The thread of a worker that computes. The main thread speaks to the queue meanwhile, and keeps what was taken: where
// both were one, a job would be lost whenever it takes longer than its lock, and begun again and again.
import { parentPort, workerData } from 'node:worker_threads';
import { limits } from '../base/limits.js';
import { doEvaluate } from './do_evaluate.js';
import { doFeatures } from './do_features.js';
import { doPart } from './do_part.js';
import { doSpeak } from './do_speak.js';
import { doSynthesize } from './do_synthesize.js';
import { doTrial } from './do_trial.js';
import type { JobName, KnownJob } from './protocol.js';
import type { ComputeData, FromThread, ThreadError, ToThread, Workshop } from './thread_messages.js';

const pending = new Map<string, { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void }[]>();

const workshop: Workshop = {
  ...(workerData as ComputeData),
  blob: (hash) =>
    new Promise((resolve, reject) => {
      const others = pending.get(hash);
      pending.set(hash, [...(others ?? []), { resolve, reject }]);
      if (!others) send({ kind: 'wanted', hash });
    }),
};

const send = (message: FromThread, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

type Do = (job: never, workshop: Workshop) => Promise<Uint8Array>;
const handlers: Readonly<Record<JobName, Do>> = {
  part: doPart,
  trial: doTrial,
  synthesize: doSynthesize,
  speak: doSpeak,
  features: doFeatures,
  evaluate: doEvaluate,
};

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'job') return void run(message.job);
  const { hash, bytes, error } = message;
  const waiting = pending.get(hash) ?? [];
  pending.delete(hash);
  for (const { resolve, reject } of waiting)
    if (bytes) resolve(bytes);
    else reject(Object.assign(new Error(error?.message), { code: error?.code }));
});

async function run({ name, data }: KnownJob): Promise<void> {
  const begun = performance.now();
  try {
    const bytes = await handlers[name](data as never, workshop);
    send({ kind: 'done', bytes, milliseconds: performance.now() - begun });
  } catch (error) {
    const { code, message } = error as ThreadError;
    const short = message.slice(0, limits.text.most);
    send({ kind: 'failed', error: { code, message: short }, milliseconds: performance.now() - begun });
  }
}
