import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { type FileKind, makeFolder, targetOf } from '../../base/output.js';
import { writeWholeFile } from '../../base/whole_file.js';
import { reportKind } from '../../report/page.js';
import { AnswerStore } from '../server/store.js';
import { answersPath } from '../study/live_study.js';
import { analyse, type Results, type Unit } from './analysis.js';
import { htmlReport } from './html_report.js';
import { ratingColumns, ratingsCsv } from './scores.js';

/** What may be replaced without asking. */
const kinds = {
  'report.html': reportKind,
  'report.json': {
    name: 'the report of a listening test',
    is: (head) => /^\{\s*"test": \{/.test(head.toString('latin1')),
  },
  'ratings.csv': {
    name: 'the ratings of a listening test',
    is: (head) => head.toString('latin1').startsWith(`${ratingColumns.slice(0, 3).join(',')},`),
  },
} satisfies Record<string, FileKind>;

/**
 * Analyses the answers in a study's folder, also while it is being served, and writes report.html, report.json and
 * ratings.csv.
 * @param options.force replaces files of these names even if they are something else
 * @throws {TtsError} ERR_LISTENING_TEST if there are no answers; ERR_FILE_EXISTS for a file of one of these names that
 * is something else, and nothing is written then; ERR_FILE_WRITE
 */
export async function writeReport(
  folder: string,
  options: { out?: string; unit?: Unit; force?: boolean } = {},
): Promise<{ results: Results; files: string[] }> {
  const { out = folder, unit, force } = options;
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
  makeFolder(out);
  const texts = {
    'report.html': htmlReport(results),
    'report.json': `${JSON.stringify(results, null, 1)}\n`,
    'ratings.csv': ratingsCsv(results),
  };
  const entries = Object.entries(texts) as [keyof typeof texts, string][];
  for (const [name] of entries) targetOf(join(out, name), { kind: kinds[name], force });
  for (const [name, text] of entries)
    await writeWholeFile(join(out, name), Buffer.from(text), { kind: kinds[name], force });
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
