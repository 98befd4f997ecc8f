import { Worker } from 'node:worker_threads';
import type { RenderedResults, ResultsInput } from '../analysis/results_worker.js';
import type { LiveStudy } from '../study/live_study.js';

/** The results so far, computed in a thread of their own and kept until an answer changes them. */
export class ResultsCache {
  private done: { readonly version: string; readonly results: RenderedResults } | undefined;
  private running: { readonly version: string; readonly results: Promise<RenderedResults> } | undefined;
  private worker: Worker | undefined;

  constructor(private readonly live: LiveStudy) {}

  /** The results with every answer that was acknowledged before the call. */
  async get(): Promise<RenderedResults> {
    const version = this.live.store.version();
    if (this.done?.version === version) return this.done.results;
    if (this.running !== undefined) {
      if (this.running.version === version) return this.running.results;
      // It was begun before the newest answer. One more is made, for all who wait.
      await this.running.results.catch(() => undefined);
      return this.get();
    }
    const results = this.compute();
    this.running = { version, results };
    try {
      this.done = { version, results: await results };
      return this.done.results;
    } finally {
      this.running = undefined;
    }
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private compute(): Promise<RenderedResults> {
    const { store, answers: path, preview } = this.live;
    const input: ResultsInput = preview
      ? { settings: store.settings(), listeners: store.listeners(), answers: store.answers() }
      : { path };
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('../analysis/results_worker.js', import.meta.url), { workerData: input });
      this.worker = worker;
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the analysis ended without results')));
    });
  }
}
