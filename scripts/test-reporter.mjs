// What npm test prints: each file as it ends, slow ones with their time, failures in full, and at the end the tests that
// were skipped, by name, with their reasons. The last lines are those of Node's own reporters.
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** Where a test is written; without source maps Node names the compiled file. */
const source = (file) => relative('.', file ?? '').replace(/^dist\/(.*)\.js$/, '$1.ts');
const isTotal = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

export default async function* report(events) {
  const errors = new Map();
  const failed = [];
  const skipped = new Map();
  const totals = [];
  for await (const { type, data } of events) {
    const file = source(data.file);
    // Node runs each file as one test, named like the file.
    const isFile = source(data.name) === file;
    if (type === 'test:stderr') errors.set(file, (errors.get(file) ?? '') + data.message);
    else if (type === 'test:complete' && isFile) {
      const seconds = Math.round(data.details.duration_ms / 1000);
      yield `${data.details.passed === false ? 'not ok' : 'ok'} ${file}${seconds < 5 ? '' : ` (${seconds} s)`}\n`;
    } else if (type === 'test:diagnostic' && isTotal.test(data.message)) totals.push(`# ${data.message}\n`);
    else if (type === 'test:fail') {
      const { error } = data.details;
      if (error.failureType === 'subtestsFailed') continue;
      failed.push(`${file}: ${isFile ? 'the file itself' : data.name}`);
      yield `\nFAILED ${failed.at(-1)}\n${isFile ? (errors.get(file) ?? '') : inspect(error.cause ?? error)}\n\n`;
    } else if (type === 'test:pass' && data.skip !== undefined) {
      const reason = data.skip || 'no reason given';
      skipped.set(reason, [...(skipped.get(reason) ?? []), `${file}: ${data.name}`]);
    }
  }
  for (const [reason, names] of skipped) yield `\n${names.length} skipped, ${reason}:\n  ${names.join('\n  ')}\n`;
  if (failed.length > 0) yield `\n${failed.length} failed:\n  ${failed.join('\n  ')}\n`;
  yield `\n${totals.join('')}`;
}
