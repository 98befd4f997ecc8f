import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TtsError } from '../../base/errors.js';
import { writeWholeFile } from '../../base/whole_file.js';
import { AnswerStore } from '../server/store.js';
import { answersPath } from '../study/live_study.js';
import { analyse, type Results, type Unit } from './analysis.js';
import { ratingsCsv } from './export.js';
import { reportHtml } from './report_html.js';

/**
 * Analyses the answers in a test's folder, also while it is being served, and writes report.html, report.json and
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
  try {
    if (store.settings() === null)
      throw new TtsError(
        'ERR_LISTENING_TEST',
        `${path} is empty; expected the answers of a test that tts-listen serve has run`,
      );
    const results = analyse(store, unit);
    await mkdir(out, { recursive: true });
    const texts = {
      'report.html': reportHtml(results),
      'report.json': `${JSON.stringify(results, null, 1)}\n`,
      'ratings.csv': ratingsCsv(results),
    };
    for (const [name, text] of Object.entries(texts)) await writeWholeFile(join(out, name), Buffer.from(text));
    return { results, files: Object.keys(texts).map((name) => join(out, name)) };
  } finally {
    store.close();
  }
}
