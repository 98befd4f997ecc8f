import type { Command } from 'commander';
import { type ClusterAddress, connect, type Link } from '../cluster/link.js';

/** What the commands take that use a queue. */
export interface ClusterOptions {
  cluster?: string;
  passwordFile?: string;
  ca?: string;
}

/** Adds how we are let into the queue, and by whom it is known. */
export function withCredentials(command: Command): Command {
  return command
    .option(
      '--password-file <file>',
      'file with the password of the queue (default: TTS_CLUSTER_PASSWORD in the environment)',
    )
    .option('--ca <file>', 'certificate of the authority that signed that of the queue, for rediss://');
}

export const clusterHelp = 'use the workers of this queue, redis://HOST or rediss://HOST; see docs/cluster.md';

/** The address that the options give. */
export const addressOf = (url: string, { passwordFile, ca }: ClusterOptions): ClusterAddress => ({
  url,
  passwordFile,
  ca,
});

/** Connects to the queue that the options give, for as long as the work takes. */
export async function withQueue<T>(
  url: string,
  options: ClusterOptions,
  work: (link: Link, note: (text: string) => void) => Promise<T>,
): Promise<T> {
  const link = await connect(addressOf(url, options));
  try {
    return await work(link, (text) => console.error(`note: ${text}`));
  } finally {
    await link.close();
  }
}
