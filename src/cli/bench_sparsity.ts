import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { benchSparsity } from '../bench/sparsity.js';
import { chooseMethods, sparsityMethods } from '../bench/sparsity_methods.js';
import { comparisonRows, compare, markdownTable, summarise, summaryCsv, summaryRows } from '../bench/sparsity_table.js';
import { sparsityTask } from '../bench/sparsity_tasks.js';
import { TtsError } from '../errors.js';
import { loadAnyRecipe } from '../training/recipe.js';
import { collect, wholeNumber } from './options.js';

interface Options {
  size?: string;
  data?: string;
  seeds: number;
  methods?: string;
  set: string[];
  steps?: number;
  jobs: number;
  kernels?: string;
  out?: string;
  json?: boolean;
  csv?: string;
}

/** `tts-bench sparsity`: the comparison of methods that choose which weights stay. */
export const sparsityCommand = new Command('sparsity')
  .description('train a recipe by every method of sparsity, at equal non-zeros, steps and examples, and compare. The same command again goes on where it stopped')
  .argument('<recipe>', 'a recipe.yaml, or a folder with one')
  .option('--size <name>', 'one of the sizes that the recipe lists')
  .option('--data <dir>', 'train on this folder instead of the data of the recipe')
  .option('--seeds <n>', 'seeds 1 to n for each method', wholeNumber, 5)
  .option('--methods <list>', `some of ${sparsityMethods.map(({ name }) => name).join(',')} (default: all)`)
  .option('--set <key=value>', 'change a value of the recipe for all methods; may be repeated', collect, [])
  .option('--steps <n>', 'steps of each run', wholeNumber)
  .option('--jobs <n>', 'runs side by side, one thread each (default: one per core)', wholeNumber, availableParallelism())
  .option('--kernels <name>', 'reference, generic, avx2, avx512 or neon (default: the fastest of this machine)')
  .option('--out <dir>', 'folder of results.jsonl, to which each run is added (default: runs/sparsity/NAME-SIZE)')
  .option('--json', 'print runs, summaries and comparisons as JSON')
  .option('--csv <file>', 'write the summaries as CSV')
  .action(async (path: string, { seeds, jobs, kernels, json, csv, size, data, steps, ...rest }: Options) => {
    for (const [name, value] of Object.entries({ seeds, jobs })) if (value < 1) throw new TtsError('ERR_ARGUMENT', `--${name} is ${value}, expected a whole number from 1`);
    const methods = chooseMethods(rest.methods);
    const options = { size, data, set: [...rest.set, ...(steps === undefined ? [] : [`training.steps=${steps}`])] };
    const recipe = loadAnyRecipe(path, options);
    const task = sparsityTask(recipe);
    const out = rest.out ?? join('runs', 'sparsity', `${recipe.name}-${recipe.size}`);
    const corpus = await task.prepare(recipe);
    process.stderr.write(`${corpus}\n`);
    const results = await benchSparsity({
      recipe: path,
      options,
      methods,
      seeds,
      jobs,
      kernels,
      out,
      onResult: ({ method, seed, quality, nonZeros, seconds }, done, all) => {
        const figures = task.quality.map(({ name, digits }) => `${name} ${quality[name].toFixed(digits)}`);
        process.stderr.write(`${done}/${all} ${method}, seed ${seed}: ${figures.join(', ')}, ${nonZeros.toLocaleString('en-US')} non-zeros, ${seconds.toFixed(0)} s\n`);
      },
    });
    const summaries = summarise(results, task.quality);
    const comparisons = compare(results, methods, task.quality);
    if (csv !== undefined) await writeFile(csv, summaryCsv(summaries, task.quality));
    if (json) return console.log(JSON.stringify({ data: corpus, runs: results, summaries, comparisons }, null, 2));
    console.log(`\n${recipe.name}, size ${recipe.size}, ${recipe.training.steps.toLocaleString('en-US')} steps; mean ± standard deviation over seeds\n`);
    console.log(markdownTable(summaryRows(summaries, task.quality)));
    if (comparisons.length > 0) console.log(`\n${markdownTable(comparisonRows(comparisons, task.quality))}\n\np: two-sided paired t test over the seeds`);
  });
