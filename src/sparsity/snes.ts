import { fillNormals } from '../base/random.js';
import type { PairNoise } from '../kernels/index.js';

/** Step sizes and population of a search. */
export interface SnesSettings {
  /** P, members of a generation: a multiple of 2·workers. Members 2p and 2p+1 mirror each other. */
  readonly population: number;
  /** Step of the mean, in units of sigma; 1 in the literature, and by default. */
  readonly meanStep?: number;
  /** Step of ln sigma; by default (3 + ln d)/(5·√d), 0 for a sigma that only the caller changes. */
  readonly sigmaStep?: number;
  /** Workers that rank only members of their own; default 1. */
  readonly workers?: number;
}

/**
 * What a worker finds out from its members: natural gradients of the mean (in units of sigma) and of ln sigma, each
 * over all dimensions.
 */
export interface SemiUpdate {
  readonly mean: Float64Array;
  /** Absent where sigma does not adapt. */
  readonly sigma?: Float64Array;
}

/** Of the 2^53 indices of a random stream, a generation owns 2^32, and each of its pairs 2^20 (four normals each). */
const pairsPerGeneration = 2 ** 12;
const indicesPerPair = 2 ** 20;
const mostGenerations = 2 ** 21;

/**
 * Where in its random stream the noise of a pair begins. Throws RangeError beyond 2^21 generations, 4,096 pairs or 2^22
 * dimensions.
 */
export function noiseIndex(generation: number, pair: number, dimensions: number): number {
  if (pair >= pairsPerGeneration || generation >= mostGenerations || dimensions > 4 * indicesPerPair) {
    throw new RangeError(`no noise is defined for generation ${generation}, pair ${pair}, ${dimensions} dimensions`);
  }
  return (generation * pairsPerGeneration + pair) * indicesPerPair;
}

/**
 * Where in a random stream the noise of a generation begins, of pairs `from` … `end` - 1. Throws RangeError as
 * `noiseIndex`.
 */
export function generationNoise(
  seed: number,
  stream: number,
  generation: number,
  end: number,
  dimensions: number,
  from = 0,
): PairNoise {
  noiseIndex(generation, end - 1, dimensions);
  return { seed, stream, first: noiseIndex(generation, from, dimensions), stride: indicesPerPair };
}

/**
 * Utilities of P members by rank, the best first: u_k = max(0, ln(P/2 + 1) - ln k) / Σ_j max(0, ln(P/2 + 1) - ln j) -
 * 1/P. They sum to zero; the members of the lower half all have the same (Wierstra et al. 2014, JMLR 15,
 * section 3.1).
 */
export function rankUtilities(population: number): Float64Array {
  const raw = Float64Array.from({ length: population }, (_, i) =>
    Math.max(0, Math.log(population / 2 + 1) - Math.log(i + 1)),
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((value) => value / sum - 1 / population);
}

/**
 * Each member's utility for its fitness (higher is better, NaN is worst). Members that tie share the mean of their
 * utilities, so that equal losses move nothing.
 */
export function utilities(fitness: ArrayLike<number>): Float64Array {
  const byRank = rankUtilities(fitness.length);
  const value = (member: number) => (Number.isNaN(fitness[member]) ? -Infinity : fitness[member]);
  const order = Array.from({ length: fitness.length }, (_, i) => i).sort((a, b) =>
    value(a) === value(b) ? a - b : value(b) - value(a),
  );
  const result = new Float64Array(fitness.length);
  for (let first = 0; first < order.length;) {
    let next = first + 1;
    while (next < order.length && value(order[next]) === value(order[first])) next++;
    const shared = byRank.subarray(first, next).reduce((a, b) => a + b, 0) / (next - first);
    for (; first < next; first++) result[order[first]] = shared;
  }
  return result;
}

/**
 * What the noise of each mirrored pair counts in the step of the mean, in units of sigma: the utility of its first
 * member less that of its second, each ranked among the members of its own worker, over the number of workers. The sum
 * over the pairs is the average of the workers' semi-updates.
 */
export function pairUtilities(fitness: ArrayLike<number>, workers: number): Float32Array {
  const all = Array.from(fitness);
  const part = all.length / workers;
  const result = new Float32Array(all.length / 2);
  for (let worker = 0; worker < workers; worker++) {
    const u = utilities(all.slice(worker * part, (worker + 1) * part));
    for (let pair = 0; pair < part / 2; pair++)
      result[(worker * part) / 2 + pair] = (u[2 * pair] - u[2 * pair + 1]) / workers;
  }
  return result;
}

/**
 * Separable natural evolution strategy: a normal distribution with a mean and a sigma per dimension, moved along the
 * natural gradient of the expected fitness (Schaul, Glasmachers and Schmidhuber 2011; Wierstra et al. 2014, algorithm
 * 6). Sampling is antithetic: members 2p and 2p+1 are mean ± sigma·noise. Noise is never stored: it is the random
 * numbers of (seed, stream, generation, pair, dimension). Mean and sigma are float32, so that they are saved exactly.
 */
export class Snes {
  /** Generations done. */
  generation = 0;
  readonly population: number;
  private readonly meanStep: number;
  private readonly sigmaStep: number;
  private readonly workers: number;
  private readonly noise: Float32Array;

  /**
   * Takes over the arrays (one value per dimension). Throws RangeError for a population that does not split into pairs
   * on every worker.
   */
  constructor(
    readonly mean: Float32Array,
    readonly sigma: Float32Array,
    settings: SnesSettings,
    private readonly seed: number,
    private readonly stream: number,
  ) {
    const d = mean.length;
    ({
      population: this.population,
      meanStep: this.meanStep = 1,
      sigmaStep: this.sigmaStep = (3 + Math.log(d)) / (5 * Math.sqrt(d)),
      workers: this.workers = 1,
    } = settings);
    if (sigma.length !== d) throw new RangeError(`sigma has ${sigma.length} dimensions, the mean ${d}`);
    if (this.population < 2 * this.workers || this.population % (2 * this.workers) !== 0) {
      throw new RangeError(`a population of ${this.population} does not split into pairs on ${this.workers} workers`);
    }
    noiseIndex(0, this.population / 2 - 1, d);
    this.noise = new Float32Array(d);
  }

  /** Writes members 2·pair and 2·pair+1 of the present generation. */
  samplePair(pair: number, plus: Float32Array, minus: Float32Array): void {
    const { mean, sigma, noise } = this;
    this.draw(pair);
    for (let i = 0; i < mean.length; i++) {
      const offset = sigma[i] * noise[i];
      plus[i] = mean[i] + offset;
      minus[i] = mean[i] - offset;
    }
  }

  /**
   * The update as one worker sees it: it ranks `fitness`, [population/workers], of its own members, the `worker`-th
   * such part of the population, and draws their noise again. The average of all workers' semi-updates is the update
   * (Lenc et al. 2019, arXiv 1906.03139): what passes between workers then does not grow with the population, at the
   * price of ranks within a part only.
   */
  semiUpdate(fitness: ArrayLike<number>, worker: number): SemiUpdate {
    const { noise, workers, population } = this;
    if (fitness.length !== population / workers)
      throw new RangeError(`${fitness.length} fitness values, expected ${population / workers}`);
    const u = utilities(fitness);
    const mean = new Float64Array(noise.length);
    const sigma = this.sigmaStep > 0 ? new Float64Array(noise.length) : undefined;
    for (let pair = 0; pair < u.length / 2; pair++) {
      // ∇mean = Σ u s and ∇ln sigma = Σ u (s² - 1) with s = ±noise: the mirror image changes the sign of the one and
      // not of the other.
      const difference = u[2 * pair] - u[2 * pair + 1];
      const sum = u[2 * pair] + u[2 * pair + 1];
      if (difference === 0 && !(sigma && sum !== 0)) continue;
      this.draw((worker * u.length) / 2 + pair);
      for (let i = 0; i < noise.length; i++) mean[i] += difference * noise[i];
      if (sigma) for (let i = 0; i < noise.length; i++) sigma[i] += sum * (noise[i] * noise[i] - 1);
    }
    return { mean, sigma };
  }

  /** Takes the step of the averaged semi-updates, one of each worker in order, and goes on to the next generation. */
  join(updates: readonly SemiUpdate[]): void {
    const { mean, sigma } = this;
    for (let i = 0; i < mean.length; i++) {
      let meanGradient = 0;
      let sigmaGradient = 0;
      for (const update of updates) {
        meanGradient += update.mean[i];
        if (update.sigma) sigmaGradient += update.sigma[i];
      }
      // The mean moves by the sigma that drew the samples.
      mean[i] += (this.meanStep * sigma[i] * meanGradient) / updates.length;
      sigma[i] *= Math.exp(((this.sigmaStep / 2) * sigmaGradient) / updates.length);
    }
    this.generation++;
  }

  /** All semi-updates of the fitness of the whole population, joined. Higher fitness is better. */
  update(fitness: ArrayLike<number>): void {
    const part = this.population / this.workers;
    const all = Array.from(fitness);
    this.join(
      Array.from({ length: this.workers }, (_, worker) =>
        this.semiUpdate(all.slice(worker * part, (worker + 1) * part), worker),
      ),
    );
  }

  /** Mean and sigma as arrays, for a checkpoint; `generation` goes beside them. */
  toArrays(): Map<string, Float32Array> {
    return new Map([
      ['mean', this.mean.slice()],
      ['sigma', this.sigma.slice()],
    ]);
  }

  /** Takes over what `toArrays` gave. Throws RangeError where it does not fit. */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>, generation: unknown): void {
    if (!Number.isInteger(generation) || (generation as number) < 0 || (generation as number) >= mostGenerations)
      throw new RangeError(`the search's generation is ${String(generation)}, expected 0 to ${mostGenerations - 1}`);
    for (const [name, own] of [
      ['mean', this.mean],
      ['sigma', this.sigma],
    ] as const) {
      const saved = arrays.get(name);
      if (saved?.length !== own.length)
        throw new RangeError(`the search's ${name} has ${saved?.length ?? 0} dimensions, expected ${own.length}`);
      own.set(saved);
    }
    this.generation = generation as number;
  }

  private draw(pair: number): void {
    fillNormals(this.noise, this.seed, this.stream, noiseIndex(this.generation, pair, this.noise.length));
  }
}
