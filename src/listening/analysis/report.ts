import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { writeWholeFile } from '../../base/whole_file.js';
import { AnswerStore } from '../server/store.js';
import { answersPath } from '../study/live_study.js';
import { analyse, type Results, type Unit } from './analysis.js';
import { htmlReport } from './html_report.js';
import { ratingsCsv } from './scores.js';

/**
 * Analyses the answers in a study's folder, also while it is being served, and writes report.html, report.json and
 * ratings.csv.
 * @throws {TtsError} ERR_LISTENING_TEST if there are no answers
 */
export async function writeReport(
  folder: string,
  options: { out?: string; unit?: Unit } = {},
): Promise<{ results: Results; files: string[] }> {
  const { out = folder, unit } = options;
  const path = answersPath(folder);
  if (!existsSync(path))
    throw new TtsError(
      'ERR_LISTENING_TEST',
      `${path}: no such file; expected the answers of a test that tts-listen serve has run`,
    );
  const store = AnswerStore.read(path);
  if (store.settings() === null)
    throw new TtsError(
      'ERR_LISTENING_TEST',
      store.damage.length > 0
        ? `${path} is damaged and no longer says which test it is of (${store.damage[0]}); tts-listen serve mends it`
        : `${path} is empty; expected the answers of a test that tts-listen serve has run`,
    );
  const results = analyse(store, unit);
  await mkdir(out, { recursive: true });
  const texts = {
    'report.html': htmlReport(results),
    'report.json': `${JSON.stringify(results, null, 1)}\n`,
    'ratings.csv': ratingsCsv(results),
  };
  for (const [name, text] of Object.entries(texts)) await writeWholeFile(join(out, name), Buffer.from(text));
  return { results, files: Object.keys(texts).map((name) => join(out, name)) };
}

/** The results in a few lines, for a terminal. */
export function summaryLines({ listeners, systems, comparisons, choices, damage }: Results): string[] {
  const excluded = listeners.filter((listener) => listener.excluded.length > 0);
  const interval = (low: number | null, high: number | null, factor = 1) =>
    low === null || high === null ? '' : ` (95% ${(factor * low).toFixed(2)} to ${(factor * high).toFixed(2)})`;
  return [
    `${listeners.length} listeners, ${listeners.filter(({ finished }) => finished).length} finished, ` +
      `${excluded.length} excluded`,
    ...damage.map((what) => `damaged and left out: ${what}`),
    ...systems.map(
      ({ signal, ratings, mean, low, high }) =>
        `${signal}: ${mean.toFixed(2)}${interval(low, high)}, ${ratings} ratings`,
    ),
    ...comparisons.map(
      ({ a, b, mean, low, high, pAdjusted }) =>
        `${b} - ${a}: ${mean.toFixed(2)}${interval(low, high)}, adjusted p = ${pAdjusted.toFixed(4)}`,
    ),
    ...choices.map(
      ({ a, b, votes, low, high, pAdjusted }) =>
        `${b} against ${a}: ${votes[1]} of ${votes[0] + votes[1]}${interval(low, high, 100)} %, adjusted p = ` +
        `${pAdjusted.toFixed(4)}`,
    ),
  ];
}
