import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { Coordinator } from '../src/cluster/coordinator.js';
import { connect } from '../src/cluster/link.js';
import { jobsQueue, keys, prefix } from '../src/cluster/names.js';
import { encodePart } from '../src/cluster/part_files.js';
import { partsByWorkers } from '../src/cluster/parts.js';
import { seal } from '../src/cluster/sealed.js';
import type { FeatureStore } from '../src/data/store/feature_store.js';
import { chooseKernels, type Kernels } from '../src/kernels/index.js';
import { loadTensorFlow } from '../src/model/backend/backend.js';
import { acousticLearner } from '../src/training/acoustic/parts.js';
import { AcousticTrainer } from '../src/training/acoustic/trainer.js';
import type { Learner } from '../src/training/learner.js';
import type { ComputeParts, Generation } from '../src/training/parts/part.js';
import { acousticConfigOf } from '../src/training/recipe/acoustic_schema.js';
import { vocoderLearner, vocoderOfParts } from '../src/training/vocoder/parts.js';
import { VocoderTrainer } from '../src/training/vocoder/trainer.js';
import { tinyAcoustic, tinyAcousticStore } from './support/acoustic.js';
import { root, run, temporaryFolder, tinyTraining } from './support/command_line.js';
import { refused } from './support/files.js';
import { noRedis, startRedis, startWorker, type TestWorker } from './support/redis.js';
import { hashOf, tinyStore, tinyVocoder } from './support/tiny_vocoder.js';

const suite = { skip: noRedis };
const folder = temporaryFolder({ after });
const steps = 8;
const methods: Record<string, string[]> = {
  fixed: ['sparsity.method=fixed'],
  'es-guided': ['sparsity.method=es-guided', 'sparsity.es-guided={ population: 8, every: 2 }'],
};
const recipeOf = (...set: string[]) =>
  tinyVocoder(
    `training.steps=${steps}`,
    'training.warmup=0',
    'training.generation=2',
    'training.parts=4',
    'sparsity.method=fixed',
    ...set,
  );

const kernels = chooseKernels({ threads: 1 });
const { tf } = await loadTensorFlow(kernels);
const recipe = recipeOf();
const store: FeatureStore = await tinyStore(recipe, join(folder, 'cache'));
/** Of the run in this process, by method. */
const expected: Record<string, string> = {};
for (const [method, set] of Object.entries(methods)) expected[method] = hashOf(await toEnd(learnerOf(set)));
// Not in a hook: what a hook registers ends with it.
const redis = noRedis ? (undefined as never) : await startRedis({ after });
const link = noRedis ? (undefined as never) : await connect({ url: redis.url });
if (!noRedis) after(() => link.close());

function learnerOf(set: readonly string[], compute?: ComputeParts): Learner {
  const recipe = recipeOf(...set);
  return vocoderLearner(new VocoderTrainer(recipe, store, kernels, tf), { recipe, store, kernels }, tf, compute);
}

async function toEnd(learner: Learner): Promise<Learner> {
  while (learner.step < steps) await learner.advance();
  return learner;
}

interface RunOptions {
  readonly method?: string;
  /** What happens while the parts of a generation are computed. */
  readonly during?: (generation: Generation) => unknown;
  readonly kernels?: Kernels;
}

let runs = 0;
/** A run by the workers of the queue; gives its hash and what its coordinator said. */
async function runWithWorkers({ method = 'es-guided', during, ...other }: RunOptions = {}) {
  const notes: string[] = [];
  const run = { recipe: recipeOf(...methods[method]), store, kernels, tf, name: `run${runs++}`, identity: { method } };
  const { compute, coordinator } = await partsByWorkers(link, { ...run, ...other }, (text) => notes.push(text));
  try {
    const learner = learnerOf(methods[method], async (generation, ...rest) => {
      const [found] = await Promise.all([compute(generation, ...rest), during?.(generation)]);
      return found;
    });
    return { hash: hashOf(await toEnd(learner)), notes };
  } finally {
    await coordinator.close();
  }
}

async function startWorkers(t: { after: (end: () => void) => void }, count: number): Promise<TestWorker[]> {
  const workers = Array.from({ length: count }, () => startWorker(t, redis.url, join(folder, 'features')));
  await Promise.all(workers.map((worker) => worker.says(/is ready/)));
  return workers;
}

/** Bytes of a key, once it is there. */
async function bytesOf(key: string): Promise<Buffer> {
  for (;;) {
    const bytes = await link.redis.getBuffer(key);
    if (bytes) return bytes;
    await sleep(20);
  }
}

test('one, two and four workers come to the same bits as one process', suite, async (t) => {
  await startWorkers(t, 1);
  for (const more of [0, 1, 2]) {
    await startWorkers(t, more);
    for (const method of Object.keys(methods))
      assert.equal((await runWithWorkers({ method })).hash, expected[method], `${method}, ${more} more`);
  }
});

test('an acoustic model comes to the same bits by workers as in one process', suite, async (t) => {
  const recipe = tinyAcoustic('training.steps=15', 'training.generation=3', 'training.parts=2');
  const { store, data } = await tinyAcousticStore(recipe, join(folder, 'cache'));
  const learner = (compute?: ComputeParts) => {
    const trainer = new AcousticTrainer(acousticConfigOf(recipe), recipe.training, data, kernels);
    return acousticLearner(trainer, { recipe, data, kernels }, compute);
  };
  const toLast = async (learner: Learner) => {
    while (learner.step < 15) await learner.advance();
    return hashOf(learner);
  };
  const here = await toLast(learner());
  await startWorkers(t, 2);
  const run = { recipe, data, store, kernels, name: 'acoustic', identity: {} };
  const { compute, coordinator } = await partsByWorkers(link, run, assert.fail);
  try {
    assert.equal(await toLast(learner(compute)), here);
  } finally {
    await coordinator.close();
  }
});

test('a worker that is killed, all that leave, and one that comes late change nothing', suite, async (t) => {
  let workers = await startWorkers(t, 2);
  const { hash } = await runWithWorkers({
    async during({ step }) {
      if (step === 2) workers[0].process.kill('SIGKILL');
      if (step === 4) {
        workers[1].process.kill('SIGTERM');
        assert.equal(await workers[1].ended, 0);
        workers = await startWorkers(t, 1);
      }
      if (step === 6) await startWorkers(t, 1);
    },
  });
  assert.equal(hash, expected['es-guided']);
});

for (const count of [1, 4])
  test(
    `a worker that takes ${count} of 4 parts and is never heard of again is replaced before its lock ends`,
    suite,
    async (t) => {
      const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null };
      // A lock beyond the patience of any test: only a copy can help, also where no part was ever done in time.
      const own = { skipVersionCheck: true, autorun: false, lockDuration: 3_600_000 };
      const silent = new Worker(jobsQueue, undefined, { prefix, connection, ...own });
      t.after(() => silent.close(true));
      let taken = 0;
      const { hash } = await runWithWorkers({
        async during({ step }) {
          if (step !== 0) return;
          // It is the first; nobody else is there yet.
          while (taken < count) if (await silent.getNextJob(`nobody${taken}`)) taken++;
          await startWorkers(t, 1);
        },
      });
      assert.equal(hash, expected['es-guided']);
      assert.equal(taken, count);
    },
  );

test('a queue that is killed for 3 and for 20 seconds, or emptied, changes nothing', suite, async (t) => {
  await startWorkers(t, 1);
  const { hash } = await runWithWorkers({
    async during({ step }) {
      if (step === 2 || step === 6) await link.redis.flushall();
      if (step !== 0 && step !== 4) return;
      await redis.kill();
      await sleep(step === 0 ? 20_000 : 3000);
      await redis.start();
    },
  });
  assert.equal(hash, expected['es-guided']);
});

test('a state with a flipped byte is refused by workers, and sent again', suite, async (t) => {
  let worker: TestWorker | undefined;
  const { hash, notes } = await runWithWorkers({
    async during({ step }) {
      if (step !== 0) return;
      const [state] = await jobsWaiting();
      await flip(keys.blob(state.state as string));
      [worker] = await startWorkers(t, 1);
    },
  });
  assert.equal(hash, expected['es-guided']);
  assert.match(worker!.said(), /ERR_CLUSTER: a blob is not what was sent/);
  assert.match(notes.join('\n'), /ERR_CLUSTER: a blob is not what was sent/);
});

test('a result with a flipped byte, a result of another part, and a second one do no harm', suite, async (t) => {
  const { hash, notes } = await runWithWorkers({
    async during(generation) {
      if (generation.step !== 0) return;
      const jobs = await jobsWaiting();
      await link.redis.set(keys.result(jobs[0].id as string), Buffer.from('not what a worker would send'.repeat(9)));
      // What one part comes to, given for another, and what is right, before a worker says the same again.
      const trainer = vocoderOfParts({ recipe: recipeOf(...methods['es-guided']), store, kernels }, tf);
      for (const [index, given] of [
        [1, 2],
        [3, 3],
      ]) {
        const share = { index, count: 4 };
        const part = encodePart(trainer.trainPart(generation, share), jobs[given].state as string, share);
        await link.redis.set(keys.result(jobs[given].id as string), seal(part));
      }
      await startWorkers(t, 1);
    },
  });
  assert.equal(hash, expected['es-guided']);
  assert.match(notes.join('\n'), /ERR_CLUSTER: the result .* is not what was sent/);
  assert.match(notes.join('\n'), /ERR_CLUSTER: part 2 of 4 is part 1 of 4/);
});

test('jobs that are none of ours are refused, and the worker lives on', suite, async (t) => {
  const [worker] = await startWorkers(t, 1);
  const before = worker.process.pid;
  for (const [name, data] of [
    ['shell', { command: 'true' }],
    ['part', { id: 'x', run: 'x', fence: 1, spec: '../../etc/passwd', state: 'x', index: 0, count: 1 }],
  ] as const) {
    const job = await link.queue.add(name, data, { removeOnFail: false });
    while ((await job.getState()) !== 'failed') await sleep(50);
    const { failedReason } = (await link.queue.getJob(job.id!)) ?? {};
    assert.match(failedReason!, /expected (one of part|a SHA-256)|spec that does not fit/);
    await job.remove();
  }
  assert.equal((await runWithWorkers()).hash, expected['es-guided']);
  assert.equal(worker.process.exitCode, null);
  assert.equal(worker.process.pid, before);
});

/** The same kernels but for what is changed. */
const changed = (changes: Partial<Kernels>): Kernels =>
  new Proxy(kernels, {
    get(target, name) {
      const value = (Reflect.get(changes, name) ?? Reflect.get(target, name)) as unknown;
      return typeof value === 'function' && !Reflect.has(changes, name) ? (value.bind(target) as unknown) : value;
    },
  });

test('machines whose kernels calculate otherwise leave, and say why', suite, async (t) => {
  const roundsOtherwise = changed({
    adam(settings, gradient, state) {
      kernels.adam(settings, gradient, state);
      state.weights[0] = Math.fround(state.weights[0] * (1 + 2 ** -20));
    },
  });
  for (const [own, pattern] of [
    [roundsOtherwise, /ERR_KERNELS: kernels \w+ of this machine calculate otherwise/],
    [changed({ name: 'avx9' as Kernels['name'] }), /ERR_KERNELS: no kernels "avx9" on this machine/],
  ] as const) {
    const [worker] = await startWorkers(t, 1);
    const stop = new AbortController();
    const run = { recipe: recipeOf(), store, kernels: own, tf, name: `other${runs++}`, identity: {} };
    const { compute, coordinator } = await partsByWorkers(link, run, () => undefined);
    const lead = learnerOf([], (generation, parts) => compute(generation, parts, stop.signal));
    const refusal = assert.rejects(async () => lead.advance(), /enough/);
    assert.equal(await worker.ended, 2);
    assert.match(worker.said(), pattern);
    stop.abort(new Error('enough'));
    await refusal;
    await coordinator.close();
  }
});

test('a second coordinator is refused, and one that was passed by stops', suite, async () => {
  const first = await Coordinator.lead(link, 'contested', () => undefined);
  await assert.rejects(
    Coordinator.lead(link, 'contested', () => undefined),
    refused('ERR_IN_USE', /the run contested is led by process \d+ on .*expected one coordinator/),
  );
  // As if it had been away for longer than its lease.
  await link.redis.del(keys.lease('contested'));
  const second = await Coordinator.lead(link, 'contested', () => undefined);
  assert.ok(second.fence > first.fence);
  const task = { id: 'contested.1', name: 'part', data: {}, mostBytes: 1 } as const;
  await assert.rejects(first.compute([task], '0'.repeat(64), { onResult: () => undefined }), refused('ERR_IN_USE'));
  await first.close();
  await second.close();
});

test('a coordinator that is killed goes on from its checkpoint, and comes to the same bits', suite, async (t) => {
  const set = ['training.parts=2', 'training.generation=3', 'training.steps=15', 'sparsity.method=fixed'];
  const args = [...tinyTraining, ...set.flatMap((assignment) => ['--set', assignment])];
  const arraysOf = (out: string) =>
    createHash('sha256')
      .update(readFileSync(join(out, 'checkpoints', '000000015', 'arrays.safetensors')))
      .digest('hex');
  const here = join(folder, 'runs', 'here');
  assert.equal(run('train', ...args, '--cluster', 'local', '--out', here).status, 0);

  await startWorkers(t, 1);
  const there = join(folder, 'runs', 'there');
  const train = () =>
    spawn(
      process.execPath,
      [join(root, 'dist', 'src', 'cli', 'train.js'), ...args, '--cluster', redis.url, '--out', there],
      { cwd: root, stdio: 'ignore' },
    );
  const first = train();
  while (!existsSync(join(there, 'checkpoints', '000000003'))) await sleep(10);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const [status] = (await once(train(), 'exit')) as [number];
  assert.equal(status, 0);
  assert.equal(arraysOf(there), arraysOf(here));
});

test('features go over the queue once', suite, async (t) => {
  const data = join(folder, 'own');
  mkdirSync(data);
  const worker = startWorker(t, redis.url, data);
  await worker.says(/is ready/);
  const sent = async () => {
    let most = 0;
    const run = { recipe: recipeOf(), store, kernels, tf, name: `sent${runs++}`, identity: {} };
    const { compute, coordinator } = await partsByWorkers(link, run, () => undefined);
    const lead = learnerOf([], compute);
    await lead.advance();
    most = coordinator.sent;
    await coordinator.close();
    return most;
  };
  const clips = store.train.reduce((sum, { samples, frames }) => sum + 2 * samples + 4 * frames * store.bins, 0);
  const first = await sent();
  assert.ok(first > clips, `${first} of ${clips}`);
  assert.equal(readdirSync(data).length, 2 * store.train.length);
  const second = await sent();
  assert.ok(second < first - clips + 1 && second > 0, `${second} after ${first}`);
});

/** Data of the jobs that wait, once there are as many as parts, in their order. */
async function jobsWaiting(): Promise<Record<string, unknown>[]> {
  for (;;) {
    const jobs = await link.queue.getWaiting();
    if (jobs.length === 4)
      return jobs
        .map(({ data }) => data as Record<string, unknown>)
        .sort((a, b) => (a.index as number) - (b.index as number));
    await sleep(20);
  }
}

async function flip(key: string): Promise<void> {
  const bytes = await bytesOf(key);
  bytes[bytes.length - 5] ^= 1;
  await link.redis.set(key, bytes);
}
