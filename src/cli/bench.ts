#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { drawCurves } from '../bench/curves.js';
import { machineInfo } from '../bench/measure.js';
import { benchSampling } from '../bench/sampling.js';
import { benchTraining } from '../bench/training.js';
import { chooseKernels, type Precision, precisions } from '../kernels/index.js';
import { loadRecipe } from '../training/recipe/recipe.js';
import { readCurve } from '../training/run_folder/curve.js';
import { vocoderCurve } from '../training/vocoder/task.js';
import { clusterCommand } from './bench_cluster.js';
import { precisionCommand } from './bench_precision.js';
import { sparsityCommand } from './bench_sparsity.js';
import { blocksCommand, speedCommand } from './bench_speed.js';
import { collect, kernelsHelp, positiveNumber, trainingKernelsHelp, wholeNumber } from './options.js';
import { createCommand, examples, runCommand, version } from './program.js';
import { bar } from './progress.js';

interface Options {
  recipe: string;
  size?: string;
  set: string[];
  threads?: number;
  kernels?: string;
  seconds: number;
  json?: boolean;
}

interface SampleOptions extends Options {
  precision: Precision;
  profile?: boolean;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Whole numbers with separators, the rest with three digits. */
function shown(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(3));
}

/** `samplesPerSecond` as `samples per second`. */
function words(name: string): string {
  return name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A list of objects as a table, the longest part of a name deciding its column's width. */
function printTable(rows: readonly object[]): void {
  const heads = Object.keys(Object.assign({}, ...rows) as object);
  const cells = [
    heads.map(words),
    ...rows.map((row) =>
      heads.map((head) => {
        const value = (row as Record<string, unknown>)[head];
        return value === undefined ? '' : String(shown(value));
      }),
    ),
  ];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const row of cells)
    console.log(
      '    ' +
        `${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`,
    );
}

function print(figures: object[], json: boolean | undefined): void {
  if (json) return console.log(JSON.stringify(figures, null, 2));
  for (const figure of figures) {
    console.log('');
    for (const [name, value] of Object.entries(figure)) {
      if (Array.isArray(value)) printTable(value as object[]);
      else console.log(`  ${words(name).padEnd(24)} ${String(shown(value))}`);
    }
  }
}

function withOptions(command: Command, kernels = kernelsHelp): Command {
  return command
    .option('--recipe <path>', 'the recipe that lists the sizes', join(root, 'recipes', 'ljspeech'))
    .option('--size <name>', 'one size only (default: all sizes of the recipe, each in a process of its own)')
    .option('--set <key=value>', 'change a value of the recipe; may be repeated', collect, [])
    .option('--kernels <name>', kernels)
    .option('--seconds <n>', 'time spent on each size', positiveNumber, 15)
    .option('--json', 'print JSON');
}

/** Runs this command once per size, each in a fresh process, so that the peak memory is its own. */
function eachSize(name: string, options: Options, more: readonly string[] = []): void {
  const { sizes } = loadRecipe(options.recipe, { set: options.set });
  const names = Object.keys(sizes);
  const show = bar(name);
  const figures = names.flatMap((size, i) => {
    show(i, names.length, size);
    const args = [
      name,
      '--size',
      size,
      '--recipe',
      options.recipe,
      '--seconds',
      String(options.seconds),
      '--json',
      ...more,
      ...options.set.flatMap((assignment) => ['--set', assignment]),
    ];
    if (options.kernels !== undefined) args.push('--kernels', options.kernels);
    if (options.threads !== undefined) args.push('--threads', String(options.threads));
    const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the benchmark of size ${size} failed`);
    return JSON.parse(stdout) as object[];
  });
  show(names.length, names.length);
  print(figures, options.json);
}

const command = createCommand(
  'tts-bench',
  'Measure speeds on this machine (medians of many repetitions; compare only figures from one run), and ' +
    'methods against each other.',
).addHelpText('after', examples('tts-bench info', 'tts-bench sample --size small --precision int8'));

withOptions(command.command('train'), trainingKernelsHelp)
  .description('whole training steps on the speech that ships with the toolkit')
  .option('--threads <n>', 'threads (default: one per core)', wholeNumber)
  .addHelpText(
    'after',
    examples('tts-bench train --set sparsity.method=fixed', 'tts-bench train --size small --threads 1 --seconds 5'),
  )
  .action(async (options: Options) => {
    if (options.size === undefined) return eachSize('train', options);
    const recipe = loadRecipe(options.recipe, { size: options.size, set: options.set });
    const kernels = chooseKernels({ name: options.kernels, threads: options.threads });
    return print(
      [
        await benchTraining(
          recipe,
          join(root, 'data', 'ljspeech-mini'),
          join('runs', 'cache'),
          kernels,
          options.seconds,
        ),
      ],
      options.json,
    );
  });

withOptions(command.command('sample'))
  .description('the sampler: one stream, and several side by side')
  .option('--threads <n>', 'threads that one stream may use (default: 1)', wholeNumber)
  .addOption(new Option('--precision <name>', 'of the weights').choices(precisions).default('float32'))
  .option('--profile', 'say where the time goes')
  .addHelpText(
    'after',
    examples(
      'tts-bench sample --size small --profile',
      'tts-bench sample --precision int8 --set "model.block=[16, 4]"',
    ),
  )
  .action(async (options: SampleOptions) => {
    if (options.size === undefined)
      return eachSize('sample', options, ['--precision', options.precision, ...(options.profile ? ['--profile'] : [])]);
    const recipe = loadRecipe(options.recipe, { size: options.size, set: options.set });
    return print(
      [await benchSampling(recipe, chooseKernels({ name: options.kernels, threads: 1 }), options)],
      options.json,
    );
  });

command
  .command('info')
  .description(
    'what this machine has: kernels in the order in which they are chosen, instruction sets, threads, versions',
  )
  .option('--json', 'print JSON')
  .addHelpText('after', examples('tts-bench info', 'tts-bench info --json'))
  .action(async ({ json }: { json?: boolean }) => {
    const info = await machineInfo(version);
    if (json) return console.log(JSON.stringify(info, null, 2));
    return print(
      [
        {
          ...info,
          instructionSets: info.instructionSets.join(', ') || 'no native kernels',
          kernels: info.kernels.join(' → '),
        },
      ],
      false,
    );
  });

command
  .command('curve')
  .description('draw the curve of a run over the one that ships with the recipe')
  .argument('<run>', 'folder of a run, or its curve.csv')
  .option('--reference <file>', 'the curve to compare with', join(root, 'recipes', 'ljspeech', 'curve.csv'))
  .addHelpText(
    'after',
    examples('tts-bench curve runs/my-voice', 'tts-bench curve runs/my-voice --reference runs/another/curve.csv'),
  )
  .action((path: string, { reference }: { reference: string }) => {
    console.log(
      drawCurves(
        readCurve(path.endsWith('.csv') ? path : join(path, 'curve.csv'), vocoderCurve),
        readCurve(reference, vocoderCurve),
      ),
    );
  });

command.addCommand(sparsityCommand);
command.addCommand(clusterCommand);
command.addCommand(precisionCommand);
command.addCommand(speedCommand);
command.addCommand(blocksCommand);

await runCommand(command);
