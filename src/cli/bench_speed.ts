import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { SamplingFigures } from '../bench/sampling.js';
import type { Precision } from '../kernels/index.js';
import { kernelsHelp, positiveNumber } from './options.js';
import { examples } from './program.js';
import { bar } from './progress.js';

interface Row {
  readonly model: string;
  readonly size: string;
  readonly precision: Precision;
  readonly block: string;
  /** A change of the recipe. */
  readonly set?: string;
}

/** Sizes of recipes/ljspeech, with the two bytes of 16-bit audio as symbols. */
const models: readonly Row[] = [
  { model: 'GRU 1024, all five matrices 95% zero', size: 'medium' },
  { model: 'GRU 1792, 97%', size: 'large' },
  { model: 'GRU 384, 90%', size: 'small' },
].flatMap((model) => [
  { ...model, precision: 'int8', block: '[16, 4]' } as const,
  ...(['int8', 'bf16', 'float32'] as const).map((precision) => ({ ...model, precision, block: '[16, 1]' })),
]);

/** Each with as many non-zeros: blocks of every shape, and at last one of twice the width. */
const shapes: readonly Row[] = (['int8', 'bf16', 'float32'] as const).flatMap((precision) => [
  ...['[16, 1]', '[8, 4]', '[16, 4]', '[4, 4]'].map((block) => ({
    model: 'GRU 1024, 95%',
    size: 'medium',
    precision,
    block,
  })),
  {
    model: 'GRU 2048, 98.75%',
    size: 'medium',
    precision,
    block: '[16, 1]',
    set: 'sizes.medium={ hidden: 2048, projection: 1024, density: { recurrent: 0.0125, output: 0.0125 } }',
  },
]);

interface Options {
  seconds: number;
  kernels?: string;
  json?: boolean;
}

/** Sampling in a process of its own, on the last core alone where `taskset` can see to that. */
function measure({ size, precision, block, set }: Row, { seconds, kernels }: Options): SamplingFigures {
  const bench = fileURLToPath(new URL('bench.js', import.meta.url));
  const args = [
    bench,
    'sample',
    '--size',
    size,
    '--precision',
    precision,
    '--set',
    'model.encoding=linear16',
    '--set',
    `model.block=${block}`,
    '--seconds',
    String(seconds),
    '--json',
  ];
  if (set !== undefined) args.push('--set', set);
  if (kernels !== undefined) args.push('--kernels', kernels);
  const pinned =
    spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', String(availableParallelism() - 1)] : [];
  const [program, ...rest] = [...pinned, process.execPath, ...args];
  const { stdout, stderr, status } = spawnSync(program, rest, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the benchmark of ${size}, ${precision} failed: ${stderr}`);
  return (JSON.parse(stdout) as SamplingFigures[])[0];
}

function table(name: string, description: string, rows: readonly Row[]): Command {
  return new Command(name)
    .description(description)
    .option('--kernels <name>', kernelsHelp)
    .option('--seconds <n>', 'time spent on each row', positiveNumber, 5)
    .option('--json', 'print JSON')
    .addHelpText('after', examples(`tts-bench ${name}`, `tts-bench ${name} --seconds 1 --kernels generic`))
    .action((options: Options) => {
      const show = bar(name);
      const figures = rows.map((row, i) => {
        show(i, rows.length, `${row.model}, ${row.precision}`);
        return { model: row.model, ...measure(row, options) };
      });
      show(rows.length, rows.length);
      if (options.json) return console.log(JSON.stringify(figures, null, 2));
      console.log(
        `${figures[0].processor}, kernels ${figures[0].kernels}, one stream on one core, linear16, medians\n`,
      );
      console.log(
        '| model | blocks | precision | samples/s (quiet, busy, best) | × real time at 24 kHz | four side by side | ' +
          'weights, kB | share of the limit |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
      );
      const whole = (value: number) => Math.round(value).toLocaleString('en-US');
      const phase = (value: number | undefined) => (value === undefined ? '–' : whole(value));
      for (const {
        model,
        block,
        precision,
        samplesPerSecond,
        bestSamplesPerSecond,
        quietSamplesPerSecond,
        busySamplesPerSecond,
        sideBySidePerSecond,
        sideBySideGain,
        weightKilobytes,
        shareOfLimit,
      } of figures)
        console.log(
          `| ${model} | ${block} | ${precision} | ${whole(samplesPerSecond)} ` +
            `(${phase(quietSamplesPerSecond)}, ${phase(busySamplesPerSecond)}, ${whole(bestSamplesPerSecond)}) | ${(samplesPerSecond / 24000).toFixed(1)} | ` +
            `${whole(sideBySidePerSecond)} (${sideBySideGain.toFixed(2)} ×) | ${whole(weightKilobytes)} | ` +
            `${shareOfLimit?.toFixed(2) ?? ''} |`,
        );
      const growth = figures
        .filter(({ hidden }) => hidden === 2048)
        .map(({ precision, block, samplesPerSecond }) => {
          const narrow = figures.find((each) => each.precision === precision && each.block === block);
          return `${((narrow?.samplesPerSecond ?? NaN) / samplesPerSecond).toFixed(2)} × in ${precision}`;
        });
      if (growth.length > 0)
        console.log(`\nHow cost grows: time of as many non-zeros at twice the width, by medians: ${growth.join(', ')}`);
    });
}

/** `tts-bench speed` and `tts-bench blocks`. */
export const speedCommand = table(
  'speed',
  'the sampler’s speed for the models that others publish figures of, in each precision',
  models,
);
export const blocksCommand = table(
  'blocks',
  'the sampler’s speed with each block shape, and at twice the width, at equal non-zeros',
  shapes,
);
