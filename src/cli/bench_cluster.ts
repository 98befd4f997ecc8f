import { Command } from 'commander';
import { openStore } from '../bench/sparsity/vocoder.js';
import { connect } from '../cluster/link.js';
import { forecast, measureGeneration } from '../cluster/measure.js';
import { chooseKernels } from '../kernels/index.js';
import { markdownTable } from '../report/markdown.js';
import { loadRecipe } from '../training/recipe/recipe.js';
import { addressOf, type ClusterOptions, withCredentials } from './cluster_options.js';
import { collect, kernelsHelp, wholeNumber } from './options.js';
import { examples } from './program.js';

interface Options extends ClusterOptions {
  size?: string;
  data: string;
  set: string[];
  parts: number;
  repetitions: number;
  threads?: number;
  kernels?: string;
  json?: boolean;
}

const workers = [1, 2, 4, 8, 16, 32, 64];

/** `tts-bench cluster`: what a generation of a training takes by phase, and a forecast. */
export const clusterCommand = withCredentials(
  new Command('cluster').description(
    'measure a generation of a training by phase, from this machine through a queue, and forecast it for more workers',
  ),
)
  .argument('<url>', 'the queue: redis://HOST[:PORT], or rediss://… for TLS')
  .argument('[recipe]', 'a recipe.yaml of a voice, or a folder with one', 'recipes/ljspeech')
  .option('--size <name>', 'one of the sizes that the recipe lists')
  .option('--data <dir>', 'recordings to train on', 'data/ljspeech-mini')
  .option('--set <key=value>', 'change a value of the recipe; may be repeated', collect, [])
  .option('--parts <n>', 'parts of a generation', wholeNumber, 2)
  .option('--repetitions <n>', 'generations to measure', wholeNumber, 3)
  .option('--threads <n>', 'threads of a worker (default: one per core)', wholeNumber)
  .option('--kernels <name>', kernelsHelp)
  .option('--json', 'print the figures as JSON')
  .addHelpText(
    'after',
    examples(
      'tts-bench cluster redis://10.0.0.1 --parts 2',
      'tts-bench cluster redis://10.0.0.1 --size medium --set sparsity.method=fixed --parts 8',
    ),
  )
  .action(
    async (
      url: string,
      path: string,
      { size, data, set, parts, repetitions, threads, kernels: name, json, ...credentials }: Options,
    ) => {
      const recipe = loadRecipe(path, { size, data, set: [...set, `training.parts=${parts}`] });
      const kernels = chooseKernels({ name, threads });
      const link = await connect(addressOf(url, credentials));
      try {
        const store = await openStore(recipe, kernels.threads);
        const phases = await measureGeneration(link, recipe, store, kernels, Math.max(1, repetitions));
        const later = forecast(
          phases,
          workers.filter((count) => count <= parts),
        );
        if (json) return console.log(JSON.stringify({ phases, forecast: later }, null, 2));
        const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
        const rows = [
          ['begin', 'coordinator', phases.begin],
          [`state to the queue, ${megabytes(phases.stateBytes)}`, 'coordinator', phases.putState],
          ['state to a worker', 'each worker', phases.getState],
          [`train a part for ${phases.steps} steps`, 'each part', phases.train],
          [`part to the queue, ${megabytes(phases.partBytes)}`, 'each part', phases.putPart],
          ['part to the coordinator', 'each part', phases.getPart],
          ['bring the parts together', 'coordinator', phases.merge],
        ] as const;
        console.log(
          `${markdownTable([['phase', 'at', 'ms'], ...rows.map(([phase, at, ms]) => [phase, at, ms.toFixed(1)])])}\n`,
        );
        console.log(
          markdownTable([
            ['workers', 'ms of a generation', 'times as fast', 'time that trains'],
            ...later.map((each) => [
              String(each.workers),
              each.milliseconds.toFixed(0),
              each.speedup.toFixed(2),
              `${(100 * each.efficiency).toFixed(0)}%`,
            ]),
          ]),
        );
        console.log(`\nkernels ${kernels.name}, ${kernels.threads} threads; a forecast for workers like this machine`);
      } finally {
        await link.close();
      }
    },
  );
