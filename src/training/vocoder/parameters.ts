import { RandomStream, streams } from '../../base/random.js';
import type { AdamState, SampleRateNetwork } from '../../kernels/index.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import { inFloat32 } from '../../kernels/interface/precision.js';
import { voiceNetwork } from '../../model/voice/network.js';
import type { Voice } from '../../model/voice/voice.js';
import { conditioningParameters } from '../../model/wavernn/conditioning.js';
import { classes, denseNames, shapeOf, sparseNames, type WaveRnnConfig } from '../../model/wavernn/config.js';
import type { MaskedMatrix, Revival } from '../../sparsity/chooser.js';
import { underPrefix, withPrefix } from '../../sparsity/chooser.js';
import { blockCount, type Mask, maskOf } from '../../sparsity/mask.js';
import { MaskedWeights } from '../../sparsity/masked_weights.js';
import { averageStates, freshState, statesFromArrays, statesToArrays } from '../adam_states.js';
import type { NamedArrays } from '../parts/part.js';
import type { PartedParameters } from '../parts/parted_learner.js';

/**
 * Of the initial random numbers, those of the conditioning network begin at 0, those of the sample-rate network here.
 */
const sampleRateOffset = 2 ** 40;

/** The block-sparse matrices of a network with the densities of its configuration. */
export function maskedMatrices(config: WaveRnnConfig): MaskedMatrix[] {
  return sparseNames.map((name) => {
    const [rows, columns] = shapeOf(name, config);
    const shape = { name, rows, columns, block: config.block };
    return name === 'recurrent'
      ? { ...shape, density: config.density.recurrent, gates: 3 }
      : { ...shape, density: config.density.output };
  });
}

/**
 * Every weight of a voice in training, with Adam's moments and the moving average beside it. The members of a
 * population share all of them under masks of their own.
 */
export class VocoderParameters implements PartedParameters {
  /** In the order of `sparseNames`. */
  readonly sparse: readonly MaskedWeights[];
  /** In the order of `denseNames`. */
  readonly dense: AdamState[];
  readonly conditioning: Map<string, { readonly shape: number[]; readonly state: AdamState }>;

  /** @param masks [member][matrix] */
  constructor(
    private readonly config: WaveRnnConfig,
    bins: number,
    masks: readonly (readonly Mask[])[],
    revive: Revival,
    seed: number,
  ) {
    const random = new RandomStream(seed, streams.initialisation, sampleRateOffset);
    this.sparse = maskedMatrices(config).map((shape, i) => {
      const weights = new MaskedWeights(
        shape,
        masks.map((member) => member[i]),
        revive,
      );
      // Variance 1/fan-in (2/fan-in where a ReLU comes before), the fan-in being the mean number of inputs that a mask
      // leaves.
      const inputs = (shape.columns * weights.members[0].column.length) / blockCount(shape);
      const deviation = Math.sqrt((shape.name.endsWith('Logits') ? 2 : 1) / inputs);
      weights.initialise(() => deviation * random.normal());
      return weights;
    });
    this.dense = denseNames.map((name) => {
      const [rows, columns] = shapeOf(name, config);
      const weights = new Float32Array(rows * columns);
      if (name === 'input') initialiseInput(weights, config.hidden, random);
      return freshState(weights);
    });
    this.conditioning = new Map(
      [...conditioningParameters(config, bins, seed)].map(([name, { shape, data }]) => [
        name,
        { shape, state: freshState(data) },
      ]),
    );
  }

  /**
   * Begins with the weights of a voice instead of drawn ones, without moments. Throws RangeError unless every member
   * has the masks of the voice.
   */
  beginWith(voice: Voice): void {
    const { sparse, dense } = inFloat32(voiceNetwork(voice));
    for (const [i, { values }] of sparse.entries()) {
      const { state } = this.sparse[i];
      checkLength(sparseNames[i], values, state.weights);
      let k = 0;
      this.sparse[i].initialise(() => values[k++]);
    }
    const begin = (name: string, { weights, average }: AdamState, values: Float32Array | undefined) => {
      checkLength(name, values, weights);
      weights.set(values);
      average.set(values);
    };
    for (const [i, name] of denseNames.entries()) begin(name, this.dense[i], dense[i]);
    for (const [name, { state }] of this.conditioning) begin(name, state, voice.conditioning.get(name)?.data);
  }

  /** The network of each member, with the present weights. */
  members(): SampleRateNetwork[] {
    for (const weights of this.sparse) weights.gather();
    return this.sparse[0].members.map((_, m) =>
      this.network(
        this.sparse.map(({ members }) => members[m]),
        'weights',
      ),
    );
  }

  /** The network under given masks, with the present weights or their moving average. */
  deployed(masks: readonly Mask[], which: 'weights' | 'average'): SampleRateNetwork {
    return this.network(
      this.sparse.map((weights, i) => weights.deployed(masks[i], which)),
      which,
    );
  }

  /** The moving averages of the frame-rate network's weights, as a voice stores them. */
  averagedConditioning(): Map<string, { shape: number[]; data: Float32Array }> {
    return new Map([...this.conditioning].map(([name, { shape, state }]) => [name, { shape, data: state.average }]));
  }

  private network(sparse: BlockMatrix[], which: 'weights' | 'average'): SampleRateNetwork {
    const { hidden, projection, encoding } = this.config;
    return { hidden, projection, classes: classes(encoding), sparse, dense: this.dense.map((state) => state[which]) };
  }

  /** Gives the members other masks: [member][matrix]. */
  remask(masks: readonly (readonly Mask[])[]): void {
    this.sparse.forEach((weights, i) => weights.remask(masks.map((member) => member[i])));
  }

  /** The members' masks: [member][matrix]. */
  masks(): Mask[][] {
    return this.sparse[0].members.map((_, m) => this.sparse.map(({ members }) => maskOf(members[m])));
  }

  average(copies: readonly NamedArrays[]): void {
    const means = this.sparse.map((weights, i) =>
      weights.meanOf(copies.map((copy) => underPrefix(sparseNames[i], copy))),
    );
    averageStates(this.unmasked(), copies);
    for (const [i, weights] of this.sparse.entries()) weights.take(means[i]);
  }

  /** All states with a name, in a fixed order: sparse, dense, conditioning. */
  *named(): Generator<[name: string, state: AdamState]> {
    for (const [i, name] of sparseNames.entries()) yield [name, this.sparse[i].state];
    for (const [i, name] of denseNames.entries()) yield [name, this.dense[i]];
    for (const [name, { state }] of this.conditioning) yield [`conditioning.${name}`, state];
  }

  /** Everything as named arrays, for a checkpoint. */
  toArrays(): Map<string, Float32Array | Int32Array> {
    const arrays = new Map<string, Float32Array | Int32Array>();
    for (const [i, name] of sparseNames.entries())
      for (const [key, array] of withPrefix(name, this.sparse[i].toArrays())) arrays.set(key, array);
    for (const [key, array] of statesToArrays(this.unmasked())) arrays.set(key, array);
    return arrays;
  }

  /**
   * Takes over the arrays of a checkpoint of so many members. Throws RangeError where one is missing or has another
   * size.
   */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>, members: number): void {
    sparseNames.forEach((name, i) => this.sparse[i].fromArrays(underPrefix(name, arrays), members));
    statesFromArrays(this.unmasked(), arrays);
  }

  private unmasked(): [name: string, state: AdamState][] {
    return [...this.named()].slice(sparseNames.length);
  }
}

function checkLength(
  name: string,
  values: Float32Array | undefined,
  weights: Float32Array,
): asserts values is Float32Array {
  if (values?.length !== weights.length)
    throw new RangeError(`the voice has ${values?.length ?? 0} weights ${name}, expected ${weights.length}`);
}

/** Normal with deviation 0.3; c[t] must not reach the coarse half of the state. */
function initialiseInput(weights: Float32Array, hidden: number, random: RandomStream): void {
  const inputs = weights.length / (3 * hidden);
  for (let i = 0; i < weights.length; i++) {
    const masked = i % inputs === 2 && Math.floor(i / inputs) % hidden < hidden / 2;
    weights[i] = masked ? 0 : 0.3 * random.normal();
  }
}
