#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TtsError } from '../base/errors.js';
import { limits, within } from '../base/limits.js';
import { endingSignals } from '../base/temporary.js';
import { connect, jobLock } from '../cluster/link.js';
import { work } from '../cluster/worker.js';
import { addressOf, type ClusterOptions, withCredentials } from './cluster_options.js';
import { positiveNumber, wholeNumber } from './options.js';
import { createCommand, examples, runCommand } from './program.js';

interface Options extends ClusterOptions {
  threads?: number;
  data: string;
  lock: number;
}

const command = withCredentials(
  createCommand(
    'tts-worker',
    'Work for the runs of a queue: any number of these, on any machines, at any time. Ctrl-C ends it after the present job',
  )
    .argument('<url>', 'the queue: redis://HOST[:PORT], or rediss://… for TLS')
    .option('--threads <n>', 'threads; results do not depend on it (default: one per core)', wholeNumber)
    .option(
      '--lock <seconds>',
      'a job that is not heard of for so long is given to another worker',
      positiveNumber,
      jobLock,
    )
    .option('--data <dir>', 'folder in which features are kept that were sent once', join('runs', 'worker')),
)
  .addHelpText(
    'after',
    examples('tts-worker redis://10.0.0.1', 'tts-worker rediss://worker@10.0.0.1 --ca ca.crt --password-file secret'),
  )
  .action(async (url: string, options: Options) => {
    const { threads = availableParallelism(), data, lock } = options;
    if (!within(threads, limits.threads))
      throw new TtsError('ERR_ARGUMENT', `--threads is ${threads}, expected 1 to ${limits.threads.most}`);
    const link = await connect(addressOf(url, options));
    const stop = new AbortController();
    for (const signal of endingSignals) process.once(signal, () => stop.abort());
    try {
      await work(link, { threads, folder: data, lock, signal: stop.signal, note: (text) => console.error(text) });
    } finally {
      await link.close();
    }
  });

await runCommand(command);
