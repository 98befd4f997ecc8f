import { fillNormals, streams } from '../base/random.js';
import { apportion, type BudgetGroup, checkOneBlockSize, perMatrix } from './budget.js';
import {
  type BlockView,
  type ChooserState,
  type MaskChooser,
  type MaskedMatrix,
  type Revival,
  underPrefix,
  withPrefix,
} from './chooser.js';
import { BlockFacts, standardised, type Statistic, type StatisticName, statistics } from './criteria.js';
import { MaskRecord } from './diagnostics.js';
import { dropAndGrow } from './drop_grow.js';
import { beginning } from './fixed.js';
import { annealing, countedLoss, Hold, shuffledFitness } from './hold.js';
import type { Mask } from './mask.js';
import { noiseIndex, Snes } from './snes.js';

export interface GuidedSettings {
  /** Members of a generation, which are judged: a multiple of 2. */
  readonly population: number;
  /** Steps between two exchanges of blocks, each of which is a generation: these, or a multiple of them. */
  readonly every: number;
  /**
   * Exchanges at most. A run that is long for its `every` waits several times as long between two, so that blocks have
   * learned something when they are judged.
   */
  readonly exchanges: number;
  /**
   * Share of the run after which the mask stays: budgets, deviations and exchanges have come to their ends with the first
   * exchange from there on, or the last one of the run.
   */
  readonly stop: number;
  /** Power of the fall of deviations and exchanges: 1 is a straight line, 0 keeps them until `stop`. */
  readonly anneal: number;
  /** Density at the start of what ends with less; the surplus falls with the cube of what is left of the search. */
  readonly begin: number;
  /** Share of a mask that the first exchange drops. */
  readonly drop: number;
  /** Which blocks have coefficients and a budget of their own: those of a layer, or of a gate. */
  readonly groups: 'layer' | 'gate';
  /**
   * Statistics whose coefficients are searched, and where these begin; the others keep the coefficients of the table.
   * Only the ratios of the keeping ones matter, so one of them may stay fixed. Those of growth are relative to the
   * noise.
   */
  readonly learned: Readonly<Partial<Record<StatisticName, number>>>;
  /** Deviation of the noise in the scores by which blocks are grown, where the statistics have a deviation of 1. */
  readonly growthNoise: number;
  /** Deviation of the members' coefficients at the start. */
  readonly coefficientSigma: number;
  /** Deviation of the logarithms of the groups' shares of the budget at the start; 0 leaves budgets as they are. */
  readonly budgetSigma: number;
  /** By which factor a group's share of the budget may grow or shrink at most, beside the others. */
  readonly budgetRange: number;
  /** Step of the mean coefficients and budgets, in units of their sigma. */
  readonly meanStep: number;
  /** Weight of the past in the average of the gradients, 0 for the last one alone. */
  readonly gradientMemory: number;
  readonly revive: Revival;
  /** Whose mask an exchange makes the trained one: that of the member that loses least, or that of the mean. */
  readonly deploy: 'fittest' | 'mean';
  /** The control: the fitness is shuffled, everything else is the same. */
  readonly shuffle: boolean;
}

/**
 * Guided search: one mask is trained, and evolution strategies learn how to choose it. From time to time the mask drops
 * the blocks that score lowest and grows as many, or fewer, that score highest. Scores are sums of standardised
 * statistics; SNES learns the few coefficients, and how the budget divides among layers or gates. Its members are other
 * coefficients: the masks that they would make of the present one are judged forwards, on the same examples, so that
 * training one mask costs nothing and no members disturb each other. The mask of the fittest is the one that is trained
 * on. RigL is a point of this space (keep by magnitude, grow by gradient), so are SET (grow by noise) and magnitude
 * pruning. That the budget falls while blocks are exchanged is as in GraNet (Liu et al. 2021, arXiv 2106.10404).
 *
 * @param steps length of the run
 * @param given see `beginning`
 * @throws RangeError for a population of an odd size
 */
export function guidedSearch(
  matrices: readonly MaskedMatrix[],
  seed: number,
  steps: number,
  settings: GuidedSettings,
  given?: Mask,
): MaskChooser {
  return new GuidedChooser(matrices, seed, steps, settings, given);
}

class GuidedChooser implements MaskChooser {
  readonly members = 1;
  readonly revive: Revival;
  private readonly groups: BudgetGroup[];
  private readonly search: Snes;
  /** Of each dimension of the search, its deviation at the start. */
  private readonly sigma: Float32Array;
  private readonly facts: BlockFacts;
  private readonly record: MaskRecord;
  /** Steps between two exchanges. */
  private readonly every: number;
  /** Step of the last exchange; 0 for a run too short to have one. */
  private readonly last: number;
  /**
   * Statistics in use. The search has per group, in this order: their coefficients, and the logarithm by which its
   * share of the budget differs from that at the start.
   */
  private readonly keep: readonly Statistic[];
  private readonly grow: readonly Statistic[];

  constructor(
    private readonly matrices: readonly MaskedMatrix[],
    private readonly seed: number,
    steps: number,
    private readonly settings: GuidedSettings,
    given?: Mask,
  ) {
    const { groups, learned, budgetSigma, coefficientSigma, population, meanStep, gradientMemory } = settings;
    if (budgetSigma > 0) checkOneBlockSize(matrices);
    this.revive = settings.revive;
    const searched = settings.stop * steps;
    const times = Math.ceil(Math.ceil(searched / settings.every) / settings.exchanges);
    this.every = settings.every * Math.max(1, times);
    this.last = this.every * Math.min(Math.ceil(searched / this.every), Math.ceil(steps / this.every) - 1);
    this.groups = beginning(matrices, seed, groups, given).groups;
    const begin = this.last > 0 ? settings.begin : 0;
    const wider = matrices.map((matrix) => ({ ...matrix, density: Math.max(begin, matrix.density) }));
    const { mask } = beginning(wider, seed, groups, given);
    this.facts = new BlockFacts(matrices, gradientMemory, mask);
    this.record = new MaskRecord(matrices, mask);
    const used = statistics.filter(({ name, start }) => start !== 0 || learned[name] !== undefined);
    this.keep = used.filter(({ name }) => name.startsWith('keep_'));
    this.grow = used.filter(({ name }) => name.startsWith('grow_'));
    const each = (values: readonly number[]) => Float32Array.from(this.groups.flatMap(() => values));
    this.sigma = each([...used.map(({ name }) => (learned[name] === undefined ? 0 : coefficientSigma)), budgetSigma]);
    this.search = new Snes(
      each([...used.map(({ name, start }) => learned[name] ?? start), 0]),
      this.sigma.slice(),
      { population, meanStep, sigmaStep: 0 },
      seed,
      streams.es,
    );
  }

  paired(): boolean {
    return false;
  }

  initial(): Mask[][] {
    return [this.deployed()];
  }

  update(step: number, view: BlockView): Mask[][] | undefined {
    const { settings, facts, record, last, matrices } = this;
    if (step === 0 || step % this.every !== 0 || step > last) return undefined;
    facts.look(view);
    const left = annealing(step, last, 1);
    const scale = annealing(step, last, settings.anneal);
    const draw = this.drawing(left ** 3, settings.drop * scale);
    const { masks, fittest } = step < last ? this.judge(view, scale, draw) : { masks: [], fittest: undefined };
    const mask = fittest ?? draw(this.search.mean, this.growthNoise(settings.population / 2));
    facts.train(mask);
    record.masks(mask, masks);
    return [perMatrix(mask, matrices)];
  }

  observe(): void {
    // Masks are judged apart from the steps.
  }

  deployed(): Mask[] {
    return perMatrix(this.facts.trained, this.matrices);
  }

  save(): ChooserState {
    const { arrays: facts, state } = this.facts.save();
    const { arrays: recorded, state: record } = this.record.save();
    return {
      arrays: new Map([
        ...withPrefix('facts', facts),
        ...withPrefix('record', recorded),
        ...withPrefix('search', this.search.toArrays()),
      ]),
      state: { facts: state, record, generation: this.search.generation },
    };
  }

  restore({ arrays, state }: ChooserState): void {
    const part = (prefix: string): ChooserState => ({
      arrays: underPrefix(prefix, arrays),
      state: state[prefix] as Record<string, unknown>,
    });
    this.facts.restore(part('facts'));
    this.record.restore(part('record'));
    this.search.fromArrays(underPrefix('search', arrays), state.generation);
  }

  diagnostics(): Record<string, number> {
    const names = [...this.keep, ...this.grow].map(({ name }) => name as string).concat('budget');
    const coefficients = this.groups.flatMap((group, g) =>
      names.map((name, i) => [`es/${name}/${group.name}`, this.search.mean[g * names.length + i]] as const),
    );
    return { ...this.record.take(), ...Object.fromEntries(coefficients) };
  }

  /**
   * A generation: draws members, judges the masks that they make, and moves the search. Returns these masks, and the
   * fittest of them if that is to be deployed.
   */
  private judge(view: BlockView, scale: number, draw: Drawing): { masks: Mask[]; fittest?: Mask } {
    const { search, settings, record, matrices } = this;
    this.sigma.forEach((sigma, i) => (search.sigma[i] = sigma * scale));
    const plus = new Float32Array(search.mean.length);
    const minus = new Float32Array(search.mean.length);
    const masks: Mask[] = [];
    for (let pair = 0; pair < settings.population / 2; pair++) {
      search.samplePair(pair, plus, minus);
      // The members of a pair grow with the same noise, so that their coefficients alone tell them apart.
      const noise = this.growthNoise(pair);
      for (const sample of [plus, minus]) masks.push(draw(sample, noise));
    }
    const hold = new Hold(settings.population / 2);
    // Against the members of all pairs: all masks are judged on the same examples.
    const against = new Float64Array(masks.length);
    for (const losses of view.losses(masks.map((mask) => perMatrix(mask, matrices)))) {
      hold.observe(losses);
      losses.forEach((loss, member) => (against[member] -= countedLoss(loss)));
    }
    const { spread, noise } = hold.spread();
    record.figure('es/spread', spread);
    record.figure('es/noise', noise);
    const judged = (fitness: Float64Array) =>
      settings.shuffle ? shuffledFitness(fitness, this.seed, search.generation) : fitness;
    const fittest = settings.deploy === 'fittest' ? fittestOf(masks, judged(against)) : undefined;
    search.update(judged(hold.fitness()));
    this.capMeans();
    return { masks, fittest };
  }

  /** Noise for the scores of growth of a pair of this generation. */
  private growthNoise(pair: number): Float32Array {
    const noise = new Float32Array(this.facts.trained.length);
    fillNormals(noise, this.seed, streams.blockNoise, noiseIndex(this.search.generation, pair, noise.length));
    return noise;
  }

  private capMeans(): void {
    const { search, keep, grow, groups } = this;
    const perGroup = keep.length + grow.length + 1;
    groups.forEach((_, g) => {
      const budget = (g + 1) * perGroup - 1;
      for (let i = g * perGroup + keep.length; i < budget; i++) search.mean[i] = capped(search.mean[i]);
      search.mean[budget] = capped(search.mean[budget], Math.log(this.settings.budgetRange));
    });
  }

  /** How coefficients make a mask of the present facts, with this share of the surplus and a share of the mask dropped. */
  private drawing(surplus: number, drop: number): Drawing {
    const { groups, facts, settings, keep, grow } = this;
    const { trained } = facts;
    const perGroup = keep.length + grow.length + 1;
    const keepValues = keep.map((statistic) => standardised(statistic, facts, groups, trained));
    const growValues = grow.map((statistic) => standardised(statistic, facts, groups));
    const sizes = groups.map(({ start, end }) => end - start);
    const budgets = groups.map(({ kept }, g) =>
      Math.round(kept + surplus * Math.max(0, settings.begin * sizes[g] - kept)),
    );
    // A given mask may leave a group empty; here each has at least one block.
    const total = Math.max(
      groups.length,
      budgets.reduce((sum, budget) => sum + budget, 0),
    );
    const keepScores = new Float32Array(trained.length);
    const growScores = new Float32Array(trained.length);
    return (sample, noise) => {
      keepScores.fill(0);
      growScores.fill(0);
      groups.forEach(({ start, end }, g) => {
        keepValues.forEach((values, f) => addTo(keepScores, sample[g * perGroup + f], values, start, end));
        growValues.forEach((values, f) =>
          addTo(growScores, capped(sample[g * perGroup + keep.length + f]), values, start, end),
        );
      });
      addTo(growScores, settings.growthNoise, noise, 0, noise.length);
      const range = Math.log(settings.budgetRange);
      const shares = budgets.map(
        (budget, g) => Math.max(1, budget) * Math.exp(capped(sample[(g + 1) * perGroup - 1], range)),
      );
      const counts = apportion(total, shares, sizes);
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

/** The mask that coefficients make, blocks being grown with this noise. */
type Drawing = (sample: Float32Array, noise: Float32Array) => Mask;

/**
 * Coefficients of growth stay within ±1, budgets within their range. The search sees what a loss is now, not what trying
 * other blocks brings later, nor what a matrix is worth that learns slowly: left alone it would raise the former until
 * the noise no longer decides anything, and empty the recurrent matrix for the layers of the output.
 */
function capped(value: number, most = 1): number {
  return Math.min(most, Math.max(-most, value));
}

/** The mask with the greatest fitness, the first of equals. */
const fittestOf = (masks: readonly Mask[], fitness: Float64Array): Mask =>
  masks[fitness.reduce((best, value, member) => (value > fitness[best] ? member : best), 0)];

function addTo(scores: Float32Array, coefficient: number, values: Float32Array, start: number, end: number): void {
  if (coefficient !== 0) for (let i = start; i < end; i++) scores[i] += coefficient * values[i];
}
