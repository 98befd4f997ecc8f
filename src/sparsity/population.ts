import { perMatrix } from './budget.js';
import {
  type ChooserState,
  type MaskChooser,
  type MaskedMatrix,
  type Revival,
  underPrefix,
  withPrefix,
} from './chooser.js';
import { MaskRecord } from './diagnostics.js';
import { annealing, Hold, shuffledFitness } from './hold.js';
import type { Mask } from './mask.js';

/** The settings of a search whose population is trained. */
export interface PopulationSettings {
  /** Members of a generation: a multiple of 2·workers. */
  readonly population: number;
  /** Steps of a generation: its masks are held for so long, and its fitness is minus the mean loss over them. */
  readonly hold: number;
  /**
   * Share of the hold, from its start, in which losses do not count and all members see different examples: a new block
   * is trained before it is judged.
   */
  readonly grace: number;
  /**
   * Share of the run at which every sigma has fallen to zero. From then on there is one member, which trains the
   * deployed mask.
   */
  readonly stop: number;
  /** Power of that fall: 1 is a straight line, 0 keeps sigma until `stop`. */
  readonly anneal: number;
  /** Parts of the population that are ranked each for itself (semi-updates). */
  readonly workers: number;
  readonly revive: Revival;
  /** The control: the fitness is shuffled, everything else is the same. */
  readonly shuffle: boolean;
}

/** A distribution over masks that learns. All masks are those of all matrices, end to end. */
export interface MaskDistribution {
  /** Generations learned from. */
  readonly generation: number;
  /** The mask to validate and ship. */
  readonly deployed: Mask;
  /** Masks of the members of a generation, pair by pair, with every deviation at the share `scale` of its start. */
  sample(scale: number): Mask[];
  /** Moves the distribution by the fitness of the members just sampled; higher is better. */
  learn(fitness: Float64Array): void;
  save(): ChooserState;
  restore(saved: ChooserState): void;
}

/**
 * The hybrid of Lenc, Elsen, Schaul and Simonyan (2019, arXiv 1906.03139, section 4): members hold masks drawn from a
 * distribution while their weights are trained; what they lose meanwhile moves the distribution. The deviations fall to
 * zero, for the masks of the members must come together before the end: else weights are trained for several networks
 * at once, and deployed in none of them.
 */
export class PopulationChooser implements MaskChooser {
  readonly revive: Revival;
  private readonly hold: Hold;
  private readonly record: MaskRecord;
  private readonly stopStep: number;
  /** Whether the search has ended. */
  private settled = false;

  /** `steps`: length of the run. */
  constructor(
    private readonly matrices: readonly MaskedMatrix[],
    private readonly seed: number,
    steps: number,
    private readonly settings: PopulationSettings,
    private readonly distribution: MaskDistribution,
  ) {
    this.revive = settings.revive;
    this.stopStep = settings.stop * steps;
    this.hold = new Hold(settings.population / 2);
    this.record = new MaskRecord(matrices, distribution.deployed);
  }

  get members(): number {
    return this.settled ? 1 : this.settings.population;
  }

  paired(step: number): boolean {
    const { hold, grace } = this.settings;
    return !this.settled && step % hold >= Math.min(hold - 1, Math.floor(grace * hold));
  }

  initial(): Mask[][] {
    return Array<Mask[]>(this.members).fill(this.deployed());
  }

  update(step: number): Mask[][] | undefined {
    const { matrices, settings, distribution, record, stopStep } = this;
    if (this.settled || step % settings.hold !== 0) return undefined;
    if (step >= stopStep) {
      record.masks(distribution.deployed);
      this.settled = true;
      return [this.deployed()];
    }
    const masks = distribution.sample(annealing(step, stopStep, settings.anneal));
    record.masks(distribution.deployed, masks);
    return masks.map((mask) => perMatrix(mask, matrices));
  }

  observe(step: number, losses: Float64Array): void {
    const { settings, distribution, hold, record } = this;
    if (this.settled) return;
    if (this.paired(step)) hold.observe(losses);
    if ((step + 1) % settings.hold !== 0) return;
    const fitness = hold.fitness();
    distribution.learn(settings.shuffle ? shuffledFitness(fitness, this.seed, distribution.generation) : fitness);
    const { spread, noise } = hold.spread();
    record.figure('es/spread', spread);
    record.figure('es/noise', noise);
    hold.clear();
  }

  deployed(): Mask[] {
    return perMatrix(this.distribution.deployed, this.matrices);
  }

  save(): ChooserState {
    const { arrays, state: search } = this.distribution.save();
    const { arrays: recorded, state: record } = this.record.save();
    return {
      arrays: new Map([...withPrefix('search', arrays), ...withPrefix('record', recorded)]),
      state: { search, record, hold: this.hold.save(), settled: this.settled },
    };
  }

  restore({ arrays, state }: ChooserState): void {
    const part = (prefix: string): ChooserState => ({
      arrays: underPrefix(prefix, arrays),
      state: state[prefix] as Record<string, unknown>,
    });
    this.distribution.restore(part('search'));
    this.record.restore(part('record'));
    this.hold.restore(state.hold);
    if (typeof state.settled !== 'boolean')
      throw new RangeError(`the saved search says settled: ${String(state.settled)}, expected true or false`);
    this.settled = state.settled;
  }

  diagnostics(): Record<string, number> {
    return this.record.take();
  }
}
