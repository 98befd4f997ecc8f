import { dimensions } from './features.js';

/** Smallest variance of a Gaussian, of features whose variance over a corpus is 1. */
const leastVariance = 0.02;
/** Frames that a Gaussian needs to be kept apart from others. */
const leastFrames = 60;
const logTwoPi = Math.log(2 * Math.PI);

/**
 * The densities of the states of hidden Markov models: for each a mixture of Gaussians with diagonal covariances, and
 * the chance of staying.
 */
export class Mixtures {
  /** Gaussians of state s: from first[s] to before first[s + 1]. */
  first: Int32Array;
  /** Row-major [Gaussians, dimensions]. */
  means: Float64Array;
  precisions: Float64Array;
  /** Of each Gaussian: the logarithms of its weight and its norm. */
  constants: Float64Array;
  /** Of each state: the logarithms of the chances of staying and of going on. */
  readonly stay: Float64Array;
  readonly leave: Float64Array;

  /** All states are alike at first: mean 0, variance 1. */
  constructor(readonly states: number) {
    this.first = Int32Array.from({ length: states + 1 }, (_, s) => s);
    this.means = new Float64Array(states * dimensions);
    this.precisions = new Float64Array(states * dimensions).fill(1);
    this.constants = new Float64Array(states).fill((-dimensions / 2) * logTwoPi);
    this.stay = new Float64Array(states).fill(Math.log(0.6));
    this.leave = new Float64Array(states).fill(Math.log(0.4));
  }

  /** Mixtures in which state s begins as state `model[s]` of these. */
  copied(model: Int32Array): Mixtures {
    const next = new Mixtures(this.states);
    const gaussians = [...model].map((from) =>
      Array.from({ length: this.first[from + 1] - this.first[from] }, (_, i) => this.first[from] + i),
    );
    const all = gaussians.flat();
    next.means = new Float64Array(all.length * dimensions);
    next.precisions = new Float64Array(all.length * dimensions);
    next.constants = Float64Array.from(all, (g) => this.constants[g]);
    for (const [i, g] of all.entries()) {
      next.means.set(this.means.subarray(g * dimensions, (g + 1) * dimensions), i * dimensions);
      next.precisions.set(this.precisions.subarray(g * dimensions, (g + 1) * dimensions), i * dimensions);
    }
    for (const [state, from] of model.entries()) {
      next.first[state + 1] = next.first[state] + gaussians[state].length;
      next.stay[state] = this.stay[from];
      next.leave[state] = this.leave[from];
    }
    return next;
  }

  /** The logarithm of the density of a frame of `data` in a state. */
  logDensity(state: number, data: Float32Array, frame: number): number {
    const end = this.first[state + 1];
    let all = this.ofGaussian(this.first[state], data, frame);
    for (let g = this.first[state] + 1; g < end; g++) {
      const one = this.ofGaussian(g, data, frame);
      const [high, low] = all > one ? [all, one] : [one, all];
      all = high - low > 30 ? high : high + Math.log1p(Math.exp(low - high));
    }
    return all;
  }

  /** The logarithm of a Gaussian's density, times its weight. */
  ofGaussian(gaussian: number, data: Float32Array, frame: number): number {
    const { means, precisions } = this;
    let distance = 0;
    for (let i = gaussian * dimensions, at = frame * dimensions, end = i + dimensions; i < end; i++, at++) {
      const apart = data[at] - means[i];
      distance += apart * apart * precisions[i];
    }
    return this.constants[gaussian] - 0.5 * distance;
  }
}

/** Sums over frames that were assigned to states, from which new mixtures are made. */
export class Statistics {
  private readonly weights: Float64Array;
  private readonly sums: Float64Array;
  private readonly squares: Float64Array;
  private readonly frames: Float64Array;
  private readonly visits: Float64Array;
  private readonly scratch = new Float64Array(256);

  constructor(private readonly mixtures: Mixtures) {
    const gaussians = mixtures.constants.length;
    this.weights = new Float64Array(gaussians);
    this.sums = new Float64Array(gaussians * dimensions);
    this.squares = new Float64Array(gaussians * dimensions);
    this.frames = new Float64Array(mixtures.states);
    this.visits = new Float64Array(mixtures.states);
  }

  /** Adds a frame; `enters` if the one before was in another state. */
  add(state: number, data: Float32Array, frame: number, enters: boolean): void {
    const { mixtures, scratch } = this;
    const first = mixtures.first[state];
    const count = mixtures.first[state + 1] - first;
    this.frames[state]++;
    if (enters) this.visits[state]++;
    let sum = 1;
    if (count === 1) scratch[0] = 1;
    else {
      let most = -Infinity;
      for (let g = 0; g < count; g++) {
        scratch[g] = mixtures.ofGaussian(first + g, data, frame);
        if (scratch[g] > most) most = scratch[g];
      }
      sum = 0;
      for (let g = 0; g < count; g++) sum += scratch[g] = Math.exp(scratch[g] - most);
    }
    for (let g = 0; g < count; g++) {
      const weight = scratch[g] / sum;
      if (weight < 1e-4) continue;
      this.weights[first + g] += weight;
      for (let i = (first + g) * dimensions, at = frame * dimensions, end = i + dimensions; i < end; i++, at++) {
        const value = data[at];
        this.sums[i] += weight * value;
        this.squares[i] += weight * value * value;
      }
    }
  }

  /**
   * New mixtures by maximum likelihood. The heaviest Gaussians of a state are split until it has `most` of them, as far
   * as its frames go; those that hardly any frame belongs to go.
   */
  estimate(most: (frames: number, state: number) => number): Mixtures {
    const { mixtures } = this;
    const next = new Mixtures(mixtures.states);
    const all: { weight: number; mean: Float64Array; variance: Float64Array }[][] = [];
    for (let state = 0; state < mixtures.states; state++) {
      const frames = this.frames[state];
      let parts: (typeof all)[number] = [];
      for (let g = mixtures.first[state]; g < mixtures.first[state + 1]; g++) {
        const weight = this.weights[g];
        if (weight < leastFrames && (parts.length > 0 || g + 1 < mixtures.first[state + 1])) continue;
        // A prior of a few frames of anything, for states that are hardly ever visited.
        const prior = 2;
        const mean = new Float64Array(dimensions);
        const variance = new Float64Array(dimensions);
        for (let i = 0, at = g * dimensions; i < dimensions; i++, at++) {
          mean[i] = this.sums[at] / (weight + prior);
          const square = (this.squares[at] + prior) / (weight + prior);
          variance[i] = Math.max(leastVariance, square - mean[i] ** 2);
        }
        parts.push({ weight: Math.max(weight, 1), mean, variance });
      }
      while (parts.length < most(frames, state)) {
        const heaviest = parts.reduce((a, b) => (b.weight > a.weight ? b : a));
        if (heaviest.weight < 2 * leastFrames) break;
        const shifted = (sign: number) => ({
          weight: heaviest.weight / 2,
          mean: heaviest.mean.map((value, i) => value + sign * 0.2 * Math.sqrt(heaviest.variance[i])),
          variance: heaviest.variance,
        });
        parts = [...parts.filter((part) => part !== heaviest), shifted(1), shifted(-1)];
      }
      all.push(parts);
      // Half a visit of one frame, and half of three, are added.
      const leave = (this.visits[state] + 1) / (frames + 2);
      next.leave[state] = Math.log(Math.min(0.99, leave));
      next.stay[state] = Math.log(Math.max(0.01, 1 - leave));
    }
    const gaussians = all.reduce((sum, parts) => sum + parts.length, 0);
    next.means = new Float64Array(gaussians * dimensions);
    next.precisions = new Float64Array(gaussians * dimensions);
    next.constants = new Float64Array(gaussians);
    let g = 0;
    for (const [state, parts] of all.entries()) {
      next.first[state] = g;
      const whole = parts.reduce((sum, { weight }) => sum + weight, 0);
      for (const { weight, mean, variance } of parts) {
        next.means.set(mean, g * dimensions);
        let logVariances = 0;
        for (let i = 0; i < dimensions; i++) {
          next.precisions[g * dimensions + i] = 1 / variance[i];
          logVariances += Math.log(variance[i]);
        }
        next.constants[g++] = Math.log(weight / whole) - 0.5 * (dimensions * logTwoPi + logVariances);
      }
    }
    next.first[mixtures.states] = g;
    return next;
  }

  /**
   * The mixtures with their means moved towards those of the frames that were added, as if each Gaussian had seen
   * `weight` frames before (maximum a posteriori; Gauvain and Lee 1994).
   */
  adapted(weight: number): Mixtures {
    const { mixtures } = this;
    const next = new Mixtures(mixtures.states);
    Object.assign(next, { first: mixtures.first, precisions: mixtures.precisions, constants: mixtures.constants });
    next.stay.set(mixtures.stay);
    next.leave.set(mixtures.leave);
    next.means = mixtures.means.map((mean, i) => {
      const frames = this.weights[Math.floor(i / dimensions)];
      return (weight * mean + this.sums[i]) / (weight + frames);
    });
    return next;
  }
}
