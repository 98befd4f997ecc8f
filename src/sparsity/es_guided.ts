import { fillNormals, streams } from '../base/random.js';
import { apportion, type BudgetGroup, checkOneBlockSize } from './budget.js';
import type { BlockView, ChooserState, MaskChooser, MaskedMatrix } from './chooser.js';
import { BlockFacts, standardised, type Statistic, type StatisticName, statistics } from './criteria.js';
import { dropAndGrow } from './drop_grow.js';
import { beginning } from './fixed.js';
import { type Mask, maskFromBits, maskToBits } from './mask.js';
import { type MaskDistribution, PopulationChooser, type PopulationSettings } from './population.js';
import { noiseIndex, Snes } from './snes.js';

export interface GuidedSettings extends PopulationSettings {
  /** Which blocks have coefficients and a budget of their own: those of a layer, or of a gate. */
  readonly groups: 'layer' | 'gate';
  /**
   * Statistics whose coefficients are searched, and where these begin; the others keep the coefficients of the table.
   * Only the ratios of the keeping ones matter, so one of them may stay fixed. Those of growth are relative to the
   * noise.
   */
  readonly learned: Readonly<Partial<Record<StatisticName, number>>>;
  /** Share of a member's blocks that are newly grown in the first generation; falls to zero with the sigmas. */
  readonly drop: number;
  /** Deviation of the noise in the scores by which blocks are grown, where the statistics have a deviation of 1. */
  readonly growthNoise: number;
  /** Deviation of the members' coefficients at the start. */
  readonly coefficientSigma: number;
  /** Deviation of the logarithms of the groups' shares of the budget at the start; 0 leaves budgets as they are. */
  readonly budgetSigma: number;
  /** Step of the mean coefficients and budgets, in units of their sigma. */
  readonly meanStep: number;
  /** Weight of the past in the average of the gradients, 0 for the last one alone. */
  readonly gradientMemory: number;
}

/**
 * Guided search: ES learns how to choose blocks. `steps`: length of the run; `given`: see `beginning`. Throws
 * RangeError for a population that does not split into pairs on every worker.
 */
export function guidedSearch(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: GuidedSettings,
  given?: Mask,
): MaskChooser {
  return new PopulationChooser(matrices, seed, steps, settings, new GuidedMasks(matrices, seed, settings, given));
}

/**
 * Each generation makes its masks from the blocks that the last one trained: a member drops those that score lowest,
 * and grows as many others that score highest. Scores are sums of standardised statistics; SNES learns the few
 * coefficients, and how the budget divides. RigL is a point of this space (keep by magnitude, grow by gradient), so are
 * SET (grow by noise) and magnitude pruning of what was tried. The members of a pair grow with the same noise, so that
 * their coefficients alone tell them apart.
 */
class GuidedMasks implements MaskDistribution {
  deployed: Mask;
  private readonly groups: BudgetGroup[];
  private readonly search: Snes;
  private readonly sigma: Float32Array;
  private readonly facts: BlockFacts;
  /**
   * Statistics in use. The search has per group, in this order: their coefficients, and the logarithm by which its
   * share of the budget differs from that at the start.
   */
  private readonly keep: readonly Statistic[];
  private readonly grow: readonly Statistic[];

  constructor(
    matrices: readonly MaskedMatrix[],
    private readonly seed: number,
    private readonly settings: GuidedSettings,
    given?: Mask,
  ) {
    const { groups, learned, budgetSigma, coefficientSigma, population, meanStep, workers, gradientMemory } = settings;
    if (budgetSigma > 0) checkOneBlockSize(matrices);
    ({ mask: this.deployed, groups: this.groups } = beginning(matrices, seed, groups, given));
    this.facts = new BlockFacts(matrices, gradientMemory, this.deployed);
    const used = statistics.filter(({ name, start }) => start !== 0 || learned[name] !== undefined);
    this.keep = used.filter(({ name }) => name.startsWith('keep_'));
    this.grow = used.filter(({ name }) => name.startsWith('grow_'));
    const each = (values: readonly number[]) => Float32Array.from(this.groups.flatMap(() => values));
    this.sigma = each([...used.map(({ name }) => (learned[name] === undefined ? 0 : coefficientSigma)), budgetSigma]);
    this.search = new Snes(
      each([...used.map(({ name, start }) => learned[name] ?? start), 0]),
      this.sigma.slice(),
      { population, meanStep, sigmaStep: 0, workers },
      seed,
      streams.es,
    );
  }

  get generation(): number {
    return this.search.generation;
  }

  sample(scale: number, view: BlockView): Mask[] {
    const { search, settings, facts } = this;
    this.sigma.forEach((sigma, i) => (search.sigma[i] = sigma * scale));
    facts.look(view);
    const draw = this.drawing();
    this.deployed = draw(search.mean, 0);
    const plus = new Float32Array(search.mean.length);
    const minus = new Float32Array(search.mean.length);
    const noise = new Float32Array(this.deployed.length);
    const masks: Mask[] = [];
    for (let pair = 0; pair < settings.population / 2; pair++) {
      search.samplePair(pair, plus, minus);
      fillNormals(noise, this.seed, streams.blockNoise, noiseIndex(search.generation, pair, noise.length));
      for (const sample of [plus, minus]) masks.push(draw(sample, settings.drop * scale, noise));
    }
    facts.hold(masks);
    return masks;
  }

  learn(fitness: Float64Array): void {
    const { search, keep, grow, groups } = this;
    search.update(fitness);
    const perGroup = keep.length + grow.length + 1;
    groups.forEach((_, g) => {
      for (let i = g * perGroup + keep.length; i < (g + 1) * perGroup - 1; i++) search.mean[i] = capped(search.mean[i]);
    });
  }

  settle(view: BlockView): void {
    this.facts.look(view);
    this.deployed = this.drawing()(this.search.mean, 0);
  }

  save(): ChooserState {
    const { arrays, state } = this.facts.save();
    return {
      arrays: new Map([...arrays, ...this.search.toArrays(), ['deployed', maskToBits(this.deployed)]]),
      state: { ...state, generation: this.generation },
    };
  }

  restore(saved: ChooserState): void {
    this.facts.restore(saved);
    this.search.fromArrays(saved.arrays, saved.state.generation);
    this.deployed = maskFromBits(saved.arrays.get('deployed'), this.deployed.length);
  }

  figures(): Record<string, number> {
    const names = [...this.keep, ...this.grow].map(({ name }) => name as string).concat('budget');
    return Object.fromEntries(
      this.groups.flatMap((group, g) =>
        names.map((name, i) => [`es/${name}/${group.name}`, this.search.mean[g * names.length + i]]),
      ),
    );
  }

  /**
   * How the present facts make a mask of coefficients: the function takes them, the share to drop, and noise for the
   * scores of growth.
   */
  private drawing(): (sample: Float32Array, drop: number, noise?: Float32Array) => Mask {
    const { groups, facts, settings } = this;
    const trained = facts.trained();
    const perGroup = this.keep.length + this.grow.length + 1;
    const keep = this.keep.map((statistic) => standardised(statistic, facts, groups, trained));
    const grow = this.grow.map((statistic) => standardised(statistic, facts, groups));
    const total = groups.reduce((sum, { kept }) => sum + kept, 0);
    const sizes = groups.map(({ start, end }) => end - start);
    const keepScores = new Float32Array(trained.length);
    const growScores = new Float32Array(trained.length);
    return (sample, drop, noise) => {
      keepScores.fill(0);
      growScores.fill(0);
      groups.forEach(({ start, end }, g) => {
        keep.forEach((values, f) => addTo(keepScores, sample[g * perGroup + f], values, start, end));
        grow.forEach((values, f) =>
          addTo(growScores, capped(sample[g * perGroup + keep.length + f]), values, start, end),
        );
      });
      if (noise) addTo(growScores, settings.growthNoise, noise, 0, noise.length);
      const counts = apportion(
        total,
        // A given mask may leave a group empty; here each has at least one block.
        groups.map(({ kept }, g) => Math.max(1, kept) * Math.exp(sample[(g + 1) * perGroup - 1])),
        sizes,
      );
      return dropAndGrow(
        trained,
        groups.map((group, g) => ({ ...group, kept: counts[g] })),
        drop,
        keepScores,
        growScores,
      );
    };
  }
}

/**
 * Coefficients of growth stay within ±1. The search sees what a loss is now, not what trying other blocks brings later:
 * left alone it would raise them until the noise no longer decides anything.
 */
function capped(coefficient: number): number {
  return Math.min(1, Math.max(-1, coefficient));
}

function addTo(scores: Float32Array, coefficient: number, values: Float32Array, start: number, end: number): void {
  if (coefficient !== 0) for (let i = start; i < end; i++) scores[i] += coefficient * values[i];
}
