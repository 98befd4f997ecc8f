#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { endingSignals } from '../base/temporary.js';
import { connect } from '../cluster/link.js';
import { type ClusterStatus, clusterStatus } from '../cluster/status.js';
import { markdownTable } from '../report/markdown.js';
import { addressOf, type ClusterOptions, withCredentials } from './cluster_options.js';
import { positiveNumber } from './options.js';
import { createCommand, examples, runCommand } from './program.js';

interface Options extends ClusterOptions {
  json?: boolean;
  every?: number;
}

const seconds = (milliseconds: number | null) => (milliseconds === null ? '' : (milliseconds / 1000).toFixed(2));
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Tables of runs and workers, for people. */
function asText({ runs, workers, waiting, active }: ClusterStatus): string {
  const ofRuns = [
    ['run', 'doing', 'done', 'parts', 'publish, s', 'wait, s', 'MB sent', 'MB received', 'coordinator', 'updated'],
    ...runs.map((run) => [
      run.run,
      run.doing,
      `${run.done} of ${run.all} ${run.unit}`,
      String(run.parts),
      seconds(run.publish),
      seconds(run.wait),
      megabytes(run.sent),
      megabytes(run.received),
      `${run.host}, ${run.pid}`,
      run.updated,
    ]),
  ];
  const ofWorkers = [
    ['worker', 'threads', 'kernels', 'jobs done', 'at', 'since'],
    ...workers.map((each) => [
      each.worker,
      String(each.threads),
      each.kernels,
      String(each.done),
      each.at ?? 'idle',
      each.since,
    ]),
  ];
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  return [
    `${count(runs.length, 'run')}, ${count(workers.length, 'worker')}, ${waiting} jobs wait, ${active} are being done`,
    ...(runs.length > 0 ? ['', markdownTable(ofRuns)] : []),
    ...(workers.length > 0 ? ['', markdownTable(ofWorkers)] : []),
  ].join('\n');
}

const command = createCommand('tts-cluster', 'Look at the queue that many machines work for.');
command.addCommand(
  withCredentials(new Command('status').description('runs, workers, parts, times of generations, bytes'))
    .argument('<url>', 'the queue: redis://HOST[:PORT], or rediss://… for TLS')
    .option('--every <seconds>', 'look again and again, until Ctrl-C', positiveNumber)
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      examples('tts-cluster status redis://10.0.0.1', 'tts-cluster status redis://10.0.0.1 --every 5'),
    )
    .action(async (url: string, { json, every, ...credentials }: Options) => {
      const link = await connect(addressOf(url, credentials));
      const stop = new AbortController();
      for (const signal of endingSignals) process.once(signal, () => stop.abort());
      try {
        do {
          const status = await clusterStatus(link);
          console.log(json ? JSON.stringify(status) : asText(status));
          if (every !== undefined) await sleep(1000 * every, undefined, { signal: stop.signal }).catch(() => undefined);
        } while (every !== undefined && !stop.signal.aborted);
      } finally {
        await link.close();
      }
    }),
);
command.addHelpText(
  'after',
  examples('tts-cluster status redis://10.0.0.1', 'tts-cluster status rediss://tts@10.0.0.1 --ca ca.crt --json'),
);

await runCommand(command);
