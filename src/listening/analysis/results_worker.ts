import { parentPort, workerData } from 'node:worker_threads';
import type { Listener, StoredAnswer } from '../server/records.js';
import { AnswerStore } from '../server/store.js';
import { analyse } from './analysis.js';
import { htmlReport } from './html_report.js';
import { ratingsCsv } from './scores.js';

// A thread that reads and analyses the answers, which takes seconds where there are many, and ends.

/** The file of answers, or what is in it where there is none. */
export type ResultsInput =
  | { readonly path: string }
  | { readonly settings: unknown; readonly listeners: readonly Listener[]; readonly answers: readonly StoredAnswer[] };

/** The results as they are served, in UTF-8. */
export interface RenderedResults {
  readonly html: Uint8Array;
  readonly json: Uint8Array;
  readonly csv: Uint8Array;
}

const input = workerData as ResultsInput;
const results = analyse(
  'path' in input
    ? AnswerStore.read(input.path)
    : {
        settings: () => input.settings,
        listeners: () => input.listeners,
        answers: () => input.answers,
        damage: [],
      },
);
const bytes = (text: string) => new TextEncoder().encode(text);
const rendered: RenderedResults = {
  html: bytes(htmlReport(results, { csv: 'results/ratings.csv', json: 'results/report.json' })),
  json: bytes(JSON.stringify(results)),
  csv: bytes(ratingsCsv(results)),
};
parentPort?.postMessage(rendered, [rendered.html.buffer, rendered.json.buffer, rendered.csv.buffer] as ArrayBuffer[]);
