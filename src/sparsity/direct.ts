import { fillNormals, streams } from '../kernels/random.js';
import { budgetGroups, selectHighest, type BudgetGroup, type BudgetKind } from './budget.js';
import type { ChooserState, MaskChooser, MaskedMatrix } from './chooser.js';
import { randomMask } from './fixed.js';
import type { Mask } from './mask.js';
import { PopulationChooser, type MaskDistribution, type PopulationSettings } from './population.js';
import { Snes } from './snes.js';

export interface DirectSettings extends PopulationSettings {
  /** Deviation of the members' scores at the start, where the mean scores have a variance of 1. */
  readonly sigma: number;
  /** Step of the mean scores, in units of sigma. */
  readonly meanStep: number;
  /** Which blocks compete. */
  readonly budget: BudgetKind;
}

/** Index in the stream of masks from which the scores at the start are drawn; the mask itself comes from the beginning of the stream. */
const scoresIndex = 2 ** 40;

/** Direct search: ES learns a score per block. `steps`: length of the run. Throws RangeError for a population that does not split into pairs on every worker. */
export function directSearch(matrices: readonly MaskedMatrix[], seed: number, steps: number, settings: DirectSettings): MaskChooser {
  return new PopulationChooser(matrices, seed, steps, settings, new ScoredMasks(matrices, seed, settings));
}

/**
 * A score per block, drawn by SNES with a sigma that the caller lowers; a member's mask is its K highest scores, the deployed mask the K highest mean
 * scores (Lenc et al. 2019, arXiv 1906.03139, section 4). The scores are of no scale but that of their own spread, so sigma does not adapt: only
 * its ratio to that spread, which says how many blocks change hands, has a meaning.
 */
class ScoredMasks implements MaskDistribution {
  deployed: Mask;
  private readonly groups: BudgetGroup[];
  private readonly search: Snes;

  constructor(
    matrices: readonly MaskedMatrix[],
    seed: number,
    private readonly settings: DirectSettings,
  ) {
    this.groups = budgetGroups(matrices, settings.budget);
    this.deployed = randomMask(matrices, seed, settings.budget);
    const mean = scoresAround(this.deployed, this.groups, seed);
    const { population, meanStep, workers } = settings;
    this.search = new Snes(mean, new Float32Array(mean.length).fill(settings.sigma), { population, meanStep, sigmaStep: 0, workers }, seed, streams.es);
  }

  get generation(): number {
    return this.search.generation;
  }

  sample(scale: number): Mask[] {
    const { search, groups, settings } = this;
    search.sigma.fill(settings.sigma * scale);
    const plus = new Float32Array(search.mean.length);
    const minus = new Float32Array(search.mean.length);
    return Array.from({ length: settings.population / 2 }, (_, pair) => {
      search.samplePair(pair, plus, minus);
      return [selectHighest(plus, groups), selectHighest(minus, groups)];
    }).flat();
  }

  learn(fitness: Float64Array): void {
    this.search.update(fitness);
    this.deployed = selectHighest(this.search.mean, this.groups);
  }

  settle(): void {}

  save(): ChooserState {
    return { arrays: this.search.toArrays(), state: { generation: this.search.generation } };
  }

  restore({ arrays, state }: ChooserState): void {
    this.search.fromArrays(arrays, state.generation as number);
    this.deployed = selectHighest(this.search.mean, this.groups);
  }

  figures(): Record<string, number> {
    return {};
  }
}

/** Standard normal scores, dealt so that the highest of each group fall to the blocks of the mask, and otherwise independent of it. */
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
