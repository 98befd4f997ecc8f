import { z } from 'zod';
import { RandomStream, streams } from '../base/random.js';

/** What a loss that is not finite counts as, in nats: worse than any other, and still a number that JSON can hold. */
const worstLoss = 1e6;

/** A loss as it counts. */
export const countedLoss = (loss: number): number => (Number.isFinite(loss) ? Math.min(loss, worstLoss) : worstLoss);

/** Random numbers of one generation's shuffling, in blocks of the generator. */
const indicesPerShuffle = 2 ** 16;

const savedHold = z.object({ steps: z.int().min(0), sums: z.array(z.number()), squares: z.array(z.number()) });

/**
 * What the pairs of a population show over the steps that they hold their masks. Of a pair only the difference of its
 * members' losses counts: both run on the same examples, so that how hard these are cancels, while between pairs it
 * would not.
 */
export class Hold {
  /** Steps seen. */
  steps = 0;
  /** Per pair, over the steps: Σ of d = loss of member 2p less that of member 2p+1 (nats), and Σ of d². */
  private sums: number[];
  private squares: number[];

  constructor(private readonly pairs: number) {
    this.sums = Array<number>(pairs).fill(0);
    this.squares = Array<number>(pairs).fill(0);
  }

  /** Adds the losses of one step, in nats, a value per member. */
  observe(losses: ArrayLike<number>): void {
    const loss = (member: number) => countedLoss(losses[member]);
    for (let pair = 0; pair < this.pairs; pair++) {
      const difference = loss(2 * pair) - loss(2 * pair + 1);
      this.sums[pair] += difference;
      this.squares[pair] += difference * difference;
    }
    this.steps++;
  }

  /** Fitness of each member: minus its mean loss over the hold, less the mean of its pair. */
  fitness(): Float64Array {
    return Float64Array.from(
      { length: 2 * this.pairs },
      (_, member) => ((member % 2 === 0 ? -1 : 1) * this.sums[member >>> 1]) / (2 * this.steps),
    );
  }

  /**
   * How far the members of a pair come apart (root mean square of their difference over the hold, nats), and how far
   * noise alone would take them (the standard error of that difference, from its scatter over the steps). Equal numbers
   * mean that the fitness holds no information.
   */
  spread(): { spread: number; noise: number } {
    let spread = 0;
    let noise = 0;
    for (let pair = 0; pair < this.pairs; pair++) {
      const mean = this.sums[pair] / this.steps;
      spread += mean * mean;
      noise += Math.max(0, this.squares[pair] / this.steps - mean * mean) / Math.max(1, this.steps - 1);
    }
    return { spread: Math.sqrt(spread / this.pairs), noise: Math.sqrt(noise / this.pairs) };
  }

  /** Forgets the steps. */
  clear(): void {
    this.steps = 0;
    this.sums.fill(0);
    this.squares.fill(0);
  }

  save(): Record<string, unknown> {
    return { steps: this.steps, sums: [...this.sums], squares: [...this.squares] };
  }

  /** Throws where the state is none, RangeError where it is of another population. */
  restore(state: unknown): void {
    const { steps, sums, squares } = savedHold.parse(state);
    for (const { length } of [sums, squares])
      if (length !== this.pairs)
        throw new RangeError(`the saved population has ${length} pairs, expected ${this.pairs}`);
    this.steps = steps;
    this.sums = sums;
    this.squares = squares;
  }
}

/**
 * The fitness with its information taken away, for the control that every experiment needs: pairs are put into a random
 * order, and each is swapped with a chance of one half. The differences keep their sizes, so the search walks
 * exactly as far as with the true fitness, only at random.
 */
export function shuffledFitness(fitness: Float64Array, seed: number, generation: number): Float64Array {
  const random = new RandomStream(seed, streams.shuffledFitness, generation * indicesPerShuffle);
  const order = random.shuffle(Array.from({ length: fitness.length / 2 }, (_, pair) => pair));
  return Float64Array.from(
    order.flatMap((pair) => {
      const [first, second] = fitness.subarray(2 * pair, 2 * pair + 2);
      return random.below(2) === 0 ? [first, second] : [second, first];
    }),
  );
}

/** Share of its start that a sigma has at `step`: (1 - step/end)^power, from `end` on 0. */
export function annealing(step: number, end: number, power: number): number {
  return step >= end ? 0 : (1 - step / end) ** power;
}
