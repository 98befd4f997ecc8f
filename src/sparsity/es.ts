import { fillNormals, streams } from '../base/random.js';
import { type BudgetGroup, type BudgetKind, selectHighest, totalBlocks } from './budget.js';
import type { ChooserState, MaskChooser, MaskedMatrix } from './chooser.js';
import { beginning } from './fixed.js';
import type { Mask } from './mask.js';
import { NearbySelection } from './nearby.js';
import { type MaskDistribution, PopulationChooser, type PopulationSettings } from './population.js';
import { Snes } from './snes.js';

export interface DirectSettings extends PopulationSettings {
  /** Deviation of the members' scores at the start, where the mean scores have a variance of 1. */
  readonly sigma: number;
  /** Step of the mean scores, in units of sigma. */
  readonly meanStep: number;
  /** Which blocks compete. */
  readonly budget: BudgetKind;
  /**
   * What gets a number of its own: every block, or every block column of every gate, whose blocks then move together.
   * A generation brings as many losses as it has members; the fewer numbers there are, the more each learns from them.
   */
  readonly unit: 'block' | 'column';
  /** Names of the matrices that are searched; the masks of the others stay. Default: all. */
  readonly matrices?: readonly string[];
}

/**
 * Index in the stream of masks from which the scores at the start are drawn; the mask itself comes from the beginning
 * of the stream.
 */
const scoresIndex = 2 ** 40;

/**
 * Direct search: ES learns a score per block. `steps`: length of the run; `given`: see `beginning`. Throws RangeError
 * for a population that does not split into pairs on every worker.
 */
export function directSearch(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: DirectSettings,
  given?: Mask,
): MaskChooser {
  return new PopulationChooser(matrices, seed, steps, settings, new ScoredMasks(matrices, seed, settings, given));
}

/**
 * A score per block: where it begins, and what SNES has added, drawn with a sigma that the caller lowers. A member's
 * mask is its K highest scores, the deployed mask the K highest mean scores (Lenc et al. 2019, arXiv 1906.03139,
 * section 4). The scores are of no scale but that of their own spread, so sigma does not adapt: only its ratio to that
 * spread, which says how many blocks change hands, has a meaning.
 */
class ScoredMasks implements MaskDistribution {
  deployed: Mask;
  private readonly groups: BudgetGroup[];
  private readonly search: Snes;
  /** Scores at the start. */
  private readonly base: Float32Array;
  /** For each block the number that is added to its score; -1 for none. */
  private readonly unitOf: Int32Array;

  constructor(
    matrices: readonly MaskedMatrix[],
    seed: number,
    private readonly settings: DirectSettings,
    given?: Mask,
  ) {
    ({ mask: this.deployed, groups: this.groups } = beginning(matrices, seed, settings.budget, given));
    this.base = scoresAround(this.deployed, this.groups, seed);
    const { unitOf, count } = units(matrices, settings);
    this.unitOf = unitOf;
    const { population, meanStep, workers } = settings;
    this.search = new Snes(
      new Float32Array(count),
      new Float32Array(count).fill(settings.sigma),
      { population, meanStep, sigmaStep: 0, workers },
      seed,
      streams.es,
    );
  }

  get generation(): number {
    return this.search.generation;
  }

  sample(scale: number): Mask[] {
    const { search, settings } = this;
    search.sigma.fill(settings.sigma * scale);
    const samples = Array.from({ length: settings.population / 2 }, (_, pair) => {
      const [plus, minus] = [new Float32Array(search.mean.length), new Float32Array(search.mean.length)];
      search.samplePair(pair, plus, minus);
      return [plus, minus];
    }).flat();
    let reach = 0;
    for (const sample of samples)
      for (let i = 0; i < sample.length; i++) reach = Math.max(reach, Math.abs(sample[i] - search.mean[i]));
    const nearby = new NearbySelection(this.scores(search.mean), this.deployed, this.groups, reach);
    return samples.map((sample) => nearby.select((block) => this.score(block, sample)));
  }

  learn(fitness: Float64Array): void {
    this.search.update(fitness);
    this.deployed = this.highest();
  }

  save(): ChooserState {
    return { arrays: this.search.toArrays(), state: { generation: this.search.generation } };
  }

  restore({ arrays, state }: ChooserState): void {
    this.search.fromArrays(arrays, state.generation);
    this.deployed = this.highest();
  }

  /** The mask of the highest mean scores. */
  private highest(): Mask {
    return selectHighest(this.scores(this.search.mean), this.groups);
  }

  private scores(added: Float32Array): Float32Array {
    const scores = new Float32Array(this.base.length);
    for (let block = 0; block < scores.length; block++) scores[block] = this.score(block, added);
    return scores;
  }

  private score(block: number, added: Float32Array): number {
    const unit = this.unitOf[block];
    return unit < 0 ? this.base[block] : this.base[block] + added[unit];
  }
}

/**
 * The number of each block's unit, counted over all searched matrices. Throws RangeError for a matrix that there is
 * not.
 */
function units(
  matrices: readonly MaskedMatrix[],
  { unit, matrices: searched }: DirectSettings,
): { unitOf: Int32Array; count: number } {
  const unknown = searched?.find((name) => matrices.every((matrix) => matrix.name !== name));
  if (unknown !== undefined)
    throw new RangeError(
      `no masked matrix ${unknown} to search, expected some of ${matrices.map(({ name }) => name).join(', ')}`,
    );
  const unitOf = new Int32Array(totalBlocks(matrices)).fill(-1);
  let count = 0;
  let first = 0;
  for (const { name, rows, columns, block, gates = 1 } of matrices) {
    const [height, width] = [rows / block.rows, columns / block.columns];
    if (searched === undefined || searched.includes(name)) {
      for (let i = 0; i < height * width; i++)
        unitOf[first + i] =
          count + (unit === 'block' ? i : Math.floor((Math.floor(i / width) * gates) / height) * width + (i % width));
      count += unit === 'block' ? height * width : gates * width;
    }
    first += height * width;
  }
  return { unitOf, count };
}

/**
 * Standard normal scores, dealt so that the highest of each group fall to the blocks of the mask, and otherwise
 * independent of it.
 */
function scoresAround(mask: Mask, groups: readonly BudgetGroup[], seed: number): Float32Array {
  const drawn = new Float32Array(mask.length);
  fillNormals(drawn, seed, streams.masks, scoresIndex);
  const high = selectHighest(drawn, groups);
  const scores = new Float32Array(mask.length);
  for (const { start, end } of groups) {
    // Where the search for the next low score goes on, and for the next high one.
    const next = [start, start];
    for (let block = start; block < end; block++) {
      const kept = mask[block];
      while (high[next[kept]] !== kept) next[kept]++;
      scores[block] = drawn[next[kept]++];
    }
  }
  return scores;
}
