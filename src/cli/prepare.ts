#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { checkOutput } from '../base/output.js';
import { writeWholeFile } from '../base/whole_file.js';
import { checkCorpus } from '../data/check/check.js';
import { checkPage, findingRows, overview, spreadRows } from '../data/check/report.js';
import { markdownTable } from '../report/markdown.js';
import { reportKind } from '../report/page.js';
import { forceHelp, wholeNumber } from './options.js';
import { addAlignCommand } from './prepare_align.js';
import { addFeaturesCommand } from './prepare_features.js';
import { addPhonesCommand } from './prepare_phones.js';
import { createCommand, examples, printer, runCommand } from './program.js';
import { bar } from './progress.js';

const command = createCommand(
  'tts-prepare',
  'Prepare recordings and texts: look a corpus over, align it, compute acoustic features, show how a text is spoken.',
).addHelpText(
  'after',
  examples('tts-prepare check my-recordings --html check.html', 'tts-prepare features recording.wav features.npy'),
);

addFeaturesCommand(command);

command
  .command('check')
  .description(
    'look a corpus over before a training: how much there is, levels, noise, clipping, silence, bandwidth, takes and ' +
      'copies, clips that differ from the rest, and what a training would refuse or leave out',
  )
  .argument('<dir>', 'a folder of recordings, or one like LJSpeech')
  .option('--html <file>', 'write a report in one file')
  .option('--force', forceHelp)
  .option('--threads <n>', 'threads (default: one per core)', wholeNumber)
  .option('--json', 'print all figures of all clips as JSON')
  .addHelpText(
    'after',
    examples('tts-prepare check my-recordings', 'tts-prepare check my-recordings --html check.html'),
  )
  .action(
    async (
      dir: string,
      { html, threads, force, json }: { html?: string; threads?: number; force?: boolean; json?: boolean },
    ) => {
      const print = printer(html);
      // Refuse this now, not after minutes of work.
      if (html !== undefined) checkOutput(html, { kind: reportKind, force });
      const check = await checkCorpus(dir, { threads: threads ?? availableParallelism(), onProgress: bar('clips') });
      if (html !== undefined) await writeWholeFile(html, Buffer.from(checkPage(check)), { kind: reportKind, force });
      if (json) return print(JSON.stringify(check, null, 2));
      print(`${overview(check).join('\n')}\n\n${markdownTable(spreadRows(check))}\n`);
      print(check.findings.length === 0 ? 'nothing to look at was found' : markdownTable(findingRows(check)));
    },
  );

addAlignCommand(command);
addPhonesCommand(command);

await runCommand(command);
