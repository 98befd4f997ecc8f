import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, TtsError } from '../../base/errors.js';
import { takeLock } from '../../base/lock.js';
import { appendLine, readWholeFileSync, writeWholeFileSync } from '../../base/whole_file.js';
import { hashOf } from '../../data/store/files.js';
import { type AnyRecipe, loadAnyRecipe, type RecipeOptions } from '../../training/recipe/recipe.js';
import type { SparsityMethod } from './methods.js';
import type { SparsityFigures } from './task.js';
import { sparsityTask } from './tasks.js';
import type { SparsityAnswer, SparsityJob } from './worker.js';

/** One run of the comparison, as a line of `results.jsonl` holds it. */
export interface SparsityResult extends SparsityFigures {
  /** Hash of the whole recipe and of the kernels: what is found under it need not be run again. */
  readonly key: string;
  readonly recipe: string;
  readonly method: string;
  readonly seed: number;
  readonly steps: number;
  readonly peakMegabytes: number;
  readonly kernels: string;
}

/** Figures of a run, and what they were measured with. */
export type TrialFigures = SparsityFigures & Pick<SparsityResult, 'peakMegabytes' | 'kernels'>;

/** Runs recipes on other machines, and tells of each as it ends. */
export type RunElsewhere = (
  trials: readonly { readonly key: string; readonly recipe: AnyRecipe }[],
  onFigures: (index: number, figures: TrialFigures) => void,
) => Promise<void>;

export interface SparsityBench {
  /** A recipe.yaml, or a folder with one, and what is changed in it for all runs. */
  readonly recipe: string;
  readonly options: RecipeOptions;
  readonly methods: readonly SparsityMethod[];
  readonly seeds: readonly number[];
  /** Runs side by side. */
  readonly jobs: number;
  readonly kernels: string | undefined;
  /** Who runs them; processes of this machine unless given. */
  readonly elsewhere?: RunElsewhere;
  /** Folder of `results.jsonl`. */
  readonly out: string;
  /** Told of each run that is done, those of an earlier call too. */
  readonly onResult: (result: SparsityResult, done: number, all: number) => void;
}

/**
 * Runs every method with every seed, each in a process of its own, `jobs` at a time, and returns the results, method by
 * method. Each is written down as it comes; those that are there are not run again, so that a comparison that was
 * interrupted goes on.
 * @throws {TtsError} ERR_IN_USE where another process works on it; what reading the recipe and opening its data throw;
 * what a run throws, when the others that are under way have ended
 */
export async function benchSparsity(bench: SparsityBench): Promise<SparsityResult[]> {
  const { out } = bench;
  const lock = takeLock(join(out, 'results.lock'), `the comparison in ${out}`);
  try {
    return await runAll(bench);
  } finally {
    lock.release();
  }
}

async function runAll({
  recipe: path,
  options,
  methods,
  seeds,
  jobs,
  kernels,
  elsewhere,
  out,
  onResult,
}: SparsityBench): Promise<SparsityResult[]> {
  const file = join(out, 'results.jsonl');
  const earlier = readResults(file);
  const plan = seeds.flatMap((seed) =>
    methods.map((method) => {
      const recipe = recipeOf(path, options, method, seed);
      return { method: method.name, seed, recipe, key: hashOf({ recipe, kernels: kernels ?? 'fastest' }).slice(0, 16) };
    }),
  );
  const results: SparsityResult[] = [];
  const finish = (result: SparsityResult) => {
    results.push(result);
    onResult(result, results.length, plan.length);
  };
  const waiting = plan.filter(({ key }) => {
    const found = earlier.get(key);
    if (found) finish(found);
    return !found;
  });
  const keep = ({ method, seed, recipe, key }: (typeof plan)[number], figures: TrialFigures) => {
    const name = `${recipe.name}-${recipe.size}`;
    const result = { key, recipe: name, method, seed, steps: recipe.training.steps, ...figures };
    appendLine(file, JSON.stringify(result));
    finish(result);
  };
  if (elsewhere) {
    const trials = waiting.splice(0);
    await elsewhere(trials, (index, figures) => keep(trials[index], figures));
  }
  let failure: unknown;
  const runner = async () => {
    for (let next = waiting.shift(); next && failure === undefined; next = waiting.shift()) {
      try {
        keep(next, await runInProcess({ recipe: next.recipe, kernels }));
      } catch (error) {
        failure ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, runner));
  if (failure !== undefined) throw failure;
  const order = methods.map(({ name }) => name);
  return results.sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method) || a.seed - b.seed);
}

/** The recipe of one run. */
function recipeOf(path: string, options: RecipeOptions, { name, set }: SparsityMethod, seed: number): AnyRecipe {
  const recipe = loadAnyRecipe(path, {
    ...options,
    set: [...(options.set ?? []), ...(set ?? []), `training.seed=${seed}`],
  });
  const task = sparsityTask(recipe);
  if (set) return recipe;
  return name === 'dense' ? task.dense(recipe) : task.smallDense(recipe);
}

/**
 * The results in a folder of another comparison.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ
 */
export function resultsIn(folder: string): SparsityResult[] {
  const file = join(folder, 'results.jsonl');
  if (!existsSync(file)) throw new TtsError('ERR_FILE_NOT_FOUND', `${file} is not there, expected results of runs`);
  return [...parseResults(file, wholeLinesOf(file).lines).values()];
}

/** The lines of a file, and how much of it they are: the last one may have been cut off. */
function wholeLinesOf(file: string): { readonly lines: string[]; readonly whole: string; readonly cutOff: string } {
  const text = existsSync(file) ? readWholeFileSync(file).toString('utf8') : '';
  const end = text.lastIndexOf('\n') + 1;
  const whole = text.slice(0, end);
  return { lines: whole.split('\n').slice(0, -1), whole, cutOff: text.slice(end) };
}

/** What an earlier call wrote, by key. A last line that was cut off is removed. */
function readResults(file: string): Map<string, SparsityResult> {
  const { lines, whole, cutOff } = wholeLinesOf(file);
  if (cutOff !== '') writeWholeFileSync(file, whole);
  return parseResults(file, lines);
}

function parseResults(file: string, lines: readonly string[]): Map<string, SparsityResult> {
  return new Map(
    lines.map((line, i) => {
      try {
        const result = JSON.parse(line) as SparsityResult;
        return [result.key, result];
      } catch (cause) {
        throw new TtsError(
          'ERR_FILE_READ',
          `${file}, line ${i + 1} is no result: remove the line, or the file to run everything again`,
          { cause },
        );
      }
    }),
  );
}

function runInProcess(job: SparsityJob): Promise<TrialFigures> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.once('message', (answer: SparsityAnswer) => {
      if (!('error' in answer)) return resolve(answer);
      const { code, message } = answer.error;
      reject(code?.startsWith('ERR_') ? new TtsError(code as ErrorCode, message) : new Error(message));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`a run ended without a result (${signal ?? `status ${code}`})`)),
    );
    child.send(job);
  });
}
