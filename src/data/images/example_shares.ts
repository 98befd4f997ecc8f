import type { RandomStream } from '../../base/random.js';

/**
 * Importance sampling of examples: those that a classifier gets wrong are drawn more often and count less each, so that
 * sums over what is drawn stay what they were in the mean and vary less. An example is drawn in proportion to 1 - p, p
 * being the probability that the classifier gives to its label: the gradient of its loss by the logits is between that
 * and √2 of it (Katharopoulos and Fleuret 2018, arXiv 1803.00942, section 3.3, take this bound of the gradient's norm).
 */
export class ExampleShares {
  /** What each example counts when it is drawn: its share if all were drawn alike over the share that it has. */
  readonly weights: Float32Array;
  /** Of each example the sum of the shares up to and with its own. */
  private readonly cumulative: Float64Array;

  /**
   * @param nll nats of each example
   * @param uniform share of the draws in which all examples are equally likely: none counts more than 1/uniform
   */
  constructor(nll: Float32Array, uniform: number) {
    const count = nll.length;
    // What is not a number is as wrong as can be.
    const wrong = Float64Array.from(nll, (nats) => (nats >= 0 ? 1 - Math.exp(-nats) : 1));
    const sum = wrong.reduce((a, b) => a + b, 0);
    this.weights = new Float32Array(count);
    this.cumulative = new Float64Array(count);
    let below = 0;
    for (let i = 0; i < count; i++) {
      const share = (sum > 0 ? (1 - uniform) * (wrong[i] / sum) : (1 - uniform) / count) + uniform / count;
      this.weights[i] = 1 / (count * share);
      this.cumulative[i] = below += share;
    }
  }

  /** Draws one. */
  readonly choose = (random: RandomStream): number => {
    const { cumulative } = this;
    const fine = 2 ** 53 - 1;
    const at = (random.below(fine) / fine) * cumulative[cumulative.length - 1];
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
