import { philox, streams } from '../../base/random.js';
import { cuesOf, type Sampler, type SamplerNetwork, type SamplerSettings } from '../interface/kernels.js';
import { type FramePredictors, Listener } from '../interface/listener.js';
import { emptyStep, gruHalf, output, recurrentProducts, scaled } from './network.js';

/**
 * The sampler in plain loops. Like the native one it owns a copy of the weights, so that training may go on beside it.
 */
export class ReferenceSampler implements Sampler {
  private readonly network: SamplerNetwork;
  private state: Float64Array;
  private position = 0;
  private code: number;
  private readonly listener: Listener | undefined;
  private readonly cues: Float32Array;

  constructor(
    network: SamplerNetwork,
    private readonly settings: SamplerSettings,
  ) {
    this.network = copyOf(network);
    this.state = new Float64Array(network.hidden);
    this.code = settings.firstCode;
    const { hearing } = settings;
    this.listener = hearing?.cues ? new Listener(hearing) : undefined;
    this.cues = new Float32Array(cuesOf(network));
  }

  async run(gate: Float32Array, frames: number, hop: number, predictors?: FramePredictors): Promise<Uint16Array> {
    const codes = new Uint16Array(frames * hop);
    for (let t = 0; t < codes.length; t++) {
      this.listen(t, hop, predictors);
      codes[t] = this.sample(this.gateOf(gate, Math.floor(t / hop)));
    }
    return codes;
  }

  forced(
    gate: Float32Array,
    _frames: number,
    hop: number,
    codes: Uint16Array,
    predictors?: FramePredictors,
  ): Float32Array {
    const { classes } = this.network;
    const probabilities = new Float32Array(codes.length * 2 * classes);
    for (let t = 0; t < codes.length; t++) {
      const at = t * 2 * classes;
      this.listen(t, hop, predictors);
      this.sample(this.gateOf(gate, Math.floor(t / hop)), codes[t], probabilities.subarray(at, at + 2 * classes));
    }
    return probabilities;
  }

  /** Fills the cues for sample t of a call. */
  private listen(t: number, hop: number, predictors?: FramePredictors): void {
    if (!this.listener || !predictors) return;
    if (t % hop === 0) this.listener.frame(predictors, t / hop);
    this.listener.predict();
    this.listener.cues(this.cues);
  }

  private gateOf(gate: Float32Array, frame: number): Float32Array {
    const size = 3 * this.network.hidden;
    return gate.subarray(frame * size, (frame + 1) * size);
  }

  /** Draws one symbol pair, or takes `forced`, and moves on. Receives the probabilities [2Q] if asked. */
  private sample(gate: Float32Array, forced?: number, probabilities?: Float32Array): number {
    const { classes } = this.network;
    const words = philox(this.settings.seed, streams.sampling, this.position++);
    const last = [Math.floor(this.code / classes), this.code % classes].map((symbol) => scaled(symbol, classes));
    const inputs = [...last, NaN, ...this.cues];
    const forcedSymbols = forced === undefined ? undefined : [Math.floor(forced / classes), forced % classes];
    const step = emptyStep(this.state);
    const products = recurrentProducts(this.network, this.state);
    const symbols = [0, 1].map((half) => {
      gruHalf(this.network, half, products, gate, inputs, step);
      const p = output(this.network, half, step.after, this.settings.temperature).logProbabilities.map(Math.exp);
      probabilities?.set(p, half * classes);
      const symbol = forcedSymbols ? forcedSymbols[half] : inverseCumulative(p, (words[half] >>> 8) * 2 ** -24);
      inputs[2] = scaled(symbol, classes);
      return symbol;
    });
    this.state = step.after;
    this.code = symbols[0] * classes + symbols[1];
    this.listener?.follow(this.code);
    return this.code;
  }
}

function copyOf({ hidden, projection, classes, sparse, dense }: SamplerNetwork): SamplerNetwork {
  return {
    hidden,
    projection,
    classes,
    sparse: sparse.map((matrix) => structuredClone(matrix)),
    dense: dense.map((array) => array.slice()),
  };
}

/**
 * The order in which the symbols divide the unit interval among them: 0, 16, 32, …, then 1, 17, 33, …: what SIMD
 * kernels add up fastest. Any order draws from the same distribution.
 */
export function drawingOrder(classes: number): number[] {
  return Array.from({ length: classes }, (_, i) => (i % (classes / 16)) * 16 + Math.floor(i / (classes / 16)));
}

/** The symbol at which the cumulative distribution passes u in [0, 1). */
function inverseCumulative(probabilities: Float64Array, u: number): number {
  let last = 0;
  for (const i of drawingOrder(probabilities.length)) {
    if (probabilities[i] > 0) last = i;
    if (u < probabilities[i]) break;
    u -= probabilities[i];
  }
  // Rounding may leave u above the sum of all: then the last possible symbol.
  return last;
}
