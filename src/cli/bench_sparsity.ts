import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { TtsError } from '../base/errors.js';
import { checkOutput } from '../base/output.js';
import { writeWholeFile } from '../base/whole_file.js';
import { chooseMethods, sparsityMethods } from '../bench/sparsity/methods.js';
import { benchSparsity, resultsIn } from '../bench/sparsity/sparsity.js';
import {
  changeRows,
  changes,
  compare,
  comparisonRows,
  summarise,
  summaryCsv,
  summaryKind,
  summaryRows,
} from '../bench/sparsity/table.js';
import { sparsityTask } from '../bench/sparsity/tasks.js';
import { connect } from '../cluster/link.js';
import { trialsByWorkers } from '../cluster/trials.js';
import { chooseKernels } from '../kernels/index.js';
import { markdownTable } from '../report/markdown.js';
import { type AnyRecipe, loadAnyRecipe } from '../training/recipe/recipe.js';
import { addressOf, clusterHelp, type ClusterOptions, withCredentials } from './cluster_options.js';
import { collect, forceHelp, trainingKernelsHelp, wholeNumber } from './options.js';
import { examples, printer } from './program.js';
import { bar } from './progress.js';

interface Options extends ClusterOptions {
  size?: string;
  data?: string;
  seeds?: number[];
  methods?: string;
  set: string[];
  steps?: number;
  jobs?: number;
  kernels?: string;
  out?: string;
  against?: string;
  json?: boolean;
  csv?: string;
  force?: boolean;
}

/** `5` as 1 … 5, `101-105` as 101 … 105. */
function seedRange(text: string): number[] {
  const [, first = '1', last] = /^(?:(\d+)-)?(\d+)$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1))
    throw new InvalidArgumentError('expected a number of seeds from 1, or the first and the last one, such as 101-105');
  return Array.from({ length: count }, (_, i) => Number(first) + i);
}

async function openCluster(url: string, recipe: AnyRecipe, name: string | undefined, options: ClusterOptions) {
  const link = await connect(addressOf(url, options));
  const { threads, name: kernels } = chooseKernels({ name });
  const note = (text: string) => console.error(`note: ${text}`);
  const { run, coordinator } = await trialsByWorkers(link, recipe, { kernels, threads, note });
  return {
    run,
    async close() {
      await coordinator.close();
      await link.close();
    },
  };
}

/** `tts-bench sparsity`: the comparison of methods that choose which weights stay. */
export const sparsityCommand = withCredentials(new Command('sparsity'))
  .description(
    'train a recipe by every method of sparsity, at equal non-zeros, steps and examples, and compare. The ' +
      'same command again goes on where it stopped',
  )
  .argument('<recipe>', 'a recipe.yaml, or a folder with one')
  .option('--size <name>', 'one of the sizes that the recipe lists')
  .option('--data <dir>', 'train on this folder instead of the data of the recipe')
  .option(
    '--seeds <n|n-m>',
    'seeds of each method: 1 to n, or n-m, such as 101-105 for settings that were chosen on others (default: 5)',
    seedRange,
  )
  .option('--methods <list>', `some of ${sparsityMethods.map(({ name }) => name).join(',')} (default: all)`)
  .option('--set <key=value>', 'change a value of the recipe for all methods; may be repeated', collect, [])
  .option('--steps <n>', 'steps of each run', wholeNumber)
  .option('--jobs <n>', 'runs side by side, one thread each (default: one per core)', wholeNumber)
  .option('--kernels <name>', trainingKernelsHelp)
  .option('--cluster <url>', `${clusterHelp}: a run a job`)
  .option('--out <dir>', 'folder of results.jsonl, to which each run is added (default: runs/sparsity/NAME-SIZE)')
  .option(
    '--against <dir>',
    'print also by how much each method differs from its runs in another such folder, seed by seed, with 95% confidence',
  )
  .option('--json', 'print runs, summaries and comparisons as JSON')
  .option('--csv <file>', 'write the summaries as CSV')
  .option('--force', forceHelp)
  .addHelpText(
    'after',
    examples(
      'tts-bench sparsity recipes/mnist --seeds 101-105',
      'tts-bench sparsity recipes/mnist --methods fixed,rigl,es-guided --seeds 3 --csv table.csv',
    ),
  )
  .action(
    async (
      path: string,
      {
        seeds = seedRange('5'),
        jobs = availableParallelism(),
        kernels,
        json,
        csv,
        force,
        size,
        data,
        steps,
        ...rest
      }: Options,
    ) => {
      if (jobs < 1) throw new TtsError('ERR_ARGUMENT', `--jobs is ${jobs}, expected a whole number from 1`);
      const print = printer(csv);
      if (csv !== undefined) checkOutput(csv, { kind: summaryKind, force });
      const methods = chooseMethods(rest.methods);
      const others = rest.against === undefined ? undefined : resultsIn(rest.against);
      const options = { size, data, set: [...rest.set, ...(steps === undefined ? [] : [`training.steps=${steps}`])] };
      const recipe = loadAnyRecipe(path, options);
      const task = sparsityTask(recipe);
      const out = rest.out ?? join('runs', 'sparsity', `${recipe.name}-${recipe.size}`);
      const corpus = await task.prepare(recipe);
      process.stderr.write(`${corpus}\n`);
      const showTrial = bar('trials');
      const cluster = rest.cluster === undefined ? undefined : await openCluster(rest.cluster, recipe, kernels, rest);
      const results = await benchSparsity({
        elsewhere: cluster?.run,
        recipe: path,
        options,
        methods,
        seeds,
        jobs,
        kernels,
        out,
        onResult: ({ method, seed, quality, nonZeros, seconds }, done, all) => {
          const figures = task.quality.map(({ name, digits }) => `${name} ${quality[name].toFixed(digits)}`);
          showTrial(
            done,
            all,
            `${method}, seed ${seed}: ${figures.join(', ')}, ` +
              `${nonZeros.toLocaleString('en-US')} non-zeros, ${seconds.toFixed(0)} s`,
          );
        },
      }).finally(() => cluster?.close());
      const summaries = summarise(results, task.quality);
      const comparisons = compare(results, methods, task.quality);
      if (csv !== undefined)
        await writeWholeFile(csv, Buffer.from(summaryCsv(summaries, task.quality)), { kind: summaryKind, force });
      const differing = others && changes(results, others, task.quality);
      if (json) {
        const found = { data: corpus, runs: results, summaries, comparisons, ...(differing && { changes: differing }) };
        return print(JSON.stringify(found, null, 2));
      }
      print(
        `\n${recipe.name}, size ${recipe.size}, ${recipe.training.steps.toLocaleString('en-US')} steps; mean ` +
          `± standard deviation over seeds\n`,
      );
      print(markdownTable(summaryRows(summaries, task.quality)));
      if (comparisons.length > 0)
        print(
          `\n${markdownTable(comparisonRows(comparisons, task.quality))}\n\np: two-sided paired t tests over the seeds, adjusted for their number (Holm)`,
        );
      if (differing)
        print(
          `\n${markdownTable(changeRows(differing, task.quality))}\n\nagainst ${rest.against}: mean over the seeds, and its 95% confidence interval (Student's t)`,
        );
    },
  );
