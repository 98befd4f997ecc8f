#!/usr/bin/env node
import { TtsError } from '../base/errors.js';
import { forceHelp, wholeNumber } from './options.js';
import { createCommand, examples, runCommand } from './program.js';
import { bar } from './progress.js';

interface ServeOptions {
  host: string;
  port: number;
  trustProxy?: boolean;
  preview?: boolean;
}

const command = createCommand('tts-listen', 'Run a listening test in the browser, and report its results.').addHelpText(
  'after',
  examples('tts-listen serve my-test', 'tts-listen report my-test'),
);

command
  .command('serve')
  .description('check a test, give its clips one loudness, and serve it until Ctrl-C')
  .argument('<folder>', 'a folder with systems/NAME/CLIP.wav, a folder for each system, and an optional test.yaml')
  .option('--host <address>', 'address to listen on; 0.0.0.0 for all networks', '127.0.0.1')
  .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber, 8080)
  .option('--trust-proxy', 'limit requests by the address that your own proxy puts into X-Forwarded-For')
  .option('--preview', 'show which system is which, allow everything to be skipped, and keep no answers')
  .addHelpText(
    'after',
    examples('tts-listen serve my-test --preview', 'tts-listen serve my-test --host 0.0.0.0 --port 9000 --trust-proxy'),
  )
  .action(async (folder: string, { host, port, trustProxy, preview }: ServeOptions) => {
    const { startStudy } = await import('../listening/study/live_study.js');
    const { createServer } = await import('../listening/server/server.js');
    const { serve } = await import('./serving.js');
    const onNote = (note: string) => console.error(`note: ${note}`);
    const live = await startStudy(folder, { preview, onProgress: bar('clips'), onNote });
    const server = await createServer(live, { trustProxy });
    const { study, key } = live;
    await serve(server, { host, port }, (address) => {
      console.log(
        `${study.title} (${study.kind}, ${study.systems.length} systems, ${study.clips.length} clips): ${address}/`,
      );
      console.log(`results: ${address}/results (any user name, password ${key})`);
    });
    live.store.close();
  });

interface ReportOptions {
  out?: string;
  force?: boolean;
  unit?: string;
  json?: boolean;
}

command
  .command('report')
  .description('analyse the answers so far: report.html, report.json and ratings.csv')
  .argument('<folder>', 'the folder of the test')
  .option('--out <folder>', 'where to write the report (default: the folder of the test)')
  .option(
    '--unit <unit>',
    'what counts as one observation: listener or rating (default: listener, unless there is only one)',
  )
  .option('--force', forceHelp)
  .option('--json', 'print the results as JSON')
  .addHelpText('after', examples('tts-listen report my-test', 'tts-listen report my-test --out results --unit rating'))
  .action(async (folder: string, { out, unit, force, json }: ReportOptions) => {
    if (unit !== undefined && unit !== 'listener' && unit !== 'rating')
      throw new TtsError('ERR_ARGUMENT', `--unit is ${unit}, expected listener or rating`);
    const { summaryLines, writeReport } = await import('../listening/analysis/report.js');
    const { results, files } = await writeReport(folder, { out, unit, force });
    if (json) for (const what of results.damage) console.error(`note: damaged and left out: ${what}`);
    if (json) return console.log(JSON.stringify(results));
    for (const line of summaryLines(results)) console.log(line);
    console.log(files.join(', '));
  });

await runCommand(command);
