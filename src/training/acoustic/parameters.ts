import { RandomStream, streams } from '../../base/random.js';
import type { AdamState } from '../../kernels/index.js';
import {
  type AcousticConfig,
  acousticShapes,
  belongsTo,
  isPhoneId,
  type NetworkName,
  sizeOf,
} from '../../model/acoustic/config.js';
import { tokenSymbols } from '../../text/tokens.js';
import { freshState } from '../adam_states.js';
import type { AcousticData } from './examples.js';

/** Every parameter of a model in training, with Adam's moments, the moving average and the gradient beside it. */
export class AcousticParameters {
  readonly states: ReadonlyMap<string, AdamState>;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly averages: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;

  /** Each parameter draws from numbers of its own, so that one more changes no other. */
  constructor(config: AcousticConfig, bins: number, seed: number) {
    const states = new Map<string, AdamState>();
    let index = 0;
    for (const [name, { shape, beginning }] of acousticShapes(config, bins)) {
      const weights = new Float32Array(sizeOf(shape));
      if (beginning.kind === 'ones') weights.fill(1);
      if (beginning.kind === 'normal') {
        const random = new RandomStream(seed, streams.initialisation, index * 2 ** 32);
        for (let i = 0; i < weights.length; i++) weights[i] = beginning.deviation * random.normal();
      }
      states.set(name, freshState(weights));
      index++;
    }
    this.states = states;
    const each = (of: (state: AdamState) => Float32Array) =>
      new Map([...states].map(([name, state]) => [name, of(state)]));
    this.weights = each(({ weights }) => weights);
    this.averages = each(({ average }) => average);
    this.gradients = each(({ weights }) => new Float32Array(weights.length));
  }

  /** The names of the parameters of a network, in a fixed order. */
  of(network: NetworkName): string[] {
    return [...this.states.keys()].filter((name) => belongsTo(name, network));
  }

  /** Begins with other weights, without moments. Throws RangeError where one is missing or has another size. */
  beginWith(weights: ReadonlyMap<string, Float32Array>): void {
    for (const [name, state] of this.states) this.set(name, weights.get(name), state);
  }

  /** Begins the network of prosody with what the one of durations has learned of tokens: both read the same. */
  shareTokens(): void {
    for (const [name, state] of this.states) {
      const learned = this.averages.get(name.replace(/^prosody\./, 'durations.'));
      if (name.startsWith('prosody.') && !name.startsWith('prosody.output')) this.set(name, learned, state);
    }
  }

  /** Begins with the mean mel of each symbol's frames; what was not heard has that of all phones. */
  setMeans({ train, statistics, features: { bins } }: AcousticData): void {
    const sums = new Float64Array(tokenSymbols.length * bins);
    const counts = new Float64Array(tokenSymbols.length);
    for (const { ids, durations, clip } of train) {
      const mel = clip.features(0, clip.frames);
      for (let t = 0, frame = 0; t < ids.length; t++)
        for (let i = 0; i < durations[t]; i++, frame++) {
          counts[ids[t]]++;
          for (let bin = 0; bin < bins; bin++)
            sums[ids[t] * bins + bin] += (mel[frame * bins + bin] - statistics.mean[bin]) / statistics.std[bin];
        }
    }
    const overall = new Float64Array(bins);
    let phones = 0;
    for (let id = 0; id < counts.length; id++) {
      if (!isPhoneId(id)) continue;
      phones += counts[id];
      for (let bin = 0; bin < bins; bin++) overall[bin] += sums[id * bins + bin];
    }
    const means = Float32Array.from(sums, (sum, i) => {
      const count = counts[Math.floor(i / bins)];
      return count > 0 ? sum / count : overall[i % bins] / Math.max(1, phones);
    });
    this.set('decoder.means', means, this.states.get('decoder.means')!);
  }

  private set(name: string, values: Float32Array | undefined, { weights, average }: AdamState): void {
    if (values?.length !== weights.length)
      throw new RangeError(`there are ${values?.length ?? 0} weights ${name}, expected ${weights.length}`);
    weights.set(values);
    average.set(values);
  }
}
