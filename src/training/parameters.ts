import type { AdamState, SampleRateNetwork } from '../kernels/index.js';
import type { BlockMatrix } from '../kernels/blocks.js';
import { RandomStream, streams } from '../kernels/random.js';
import { conditioningParameters } from '../model/conditioning.js';
import { denseNames, levels, shapeOf, sparseNames, type WaveRnnConfig } from '../model/config.js';
import type { MaskedMatrix } from '../sparsity/chooser.js';
import { carryOver, correspondence, pack, type Mask } from '../sparsity/mask.js';

/** Of the initial random numbers, those of the conditioning network begin at 0, those of the sample-rate network here. */
const sampleRateOffset = 2 ** 40;

/** The block-sparse matrices of a network with the densities of its configuration. */
export function maskedMatrices(config: WaveRnnConfig): MaskedMatrix[] {
  return sparseNames.map((name) => {
    const [rows, columns] = shapeOf(name, config);
    return { name, rows, columns, block: config.block, density: name === 'recurrent' ? config.density.recurrent : config.density.output };
  });
}

/** Every weight of a voice in training, with Adam's moments and the moving average beside it. */
export class Parameters {
  /** In the order of `sparseNames`; `matrix.values` is `state.weights`. */
  readonly sparse: { matrix: BlockMatrix; state: AdamState }[];
  /** In the order of `denseNames`. */
  readonly dense: AdamState[];
  readonly conditioning: Map<string, { readonly shape: number[]; readonly state: AdamState }>;

  constructor(
    private readonly config: WaveRnnConfig,
    bins: number,
    masks: readonly Mask[],
    seed: number,
  ) {
    const random = new RandomStream(seed, streams.initialisation, sampleRateOffset);
    this.sparse = maskedMatrices(config).map((shape, i) => {
      const matrix = pack(shape, masks[i]);
      // Variance 1/fan-in (2/fan-in where a ReLU comes before), the fan-in being the mean number of inputs that the mask leaves.
      const inputs = (shape.columns * matrix.column.length) / ((shape.rows / shape.block.rows) * (shape.columns / shape.block.columns));
      const deviation = Math.sqrt((shape.name.endsWith('Logits') ? 2 : 1) / inputs);
      for (let k = 0; k < matrix.values.length; k++) matrix.values[k] = deviation * random.normal();
      return { matrix, state: fresh(matrix.values) };
    });
    this.dense = denseNames.map((name) => {
      const [rows, columns] = shapeOf(name, config);
      const weights = new Float32Array(rows * columns);
      if (name === 'input') initialiseInput(weights, config.hidden, random);
      return fresh(weights);
    });
    this.conditioning = new Map([...conditioningParameters(config, bins, seed)].map(([name, { shape, data }]) => [name, { shape, state: fresh(data) }]));
  }

  /** Share of the block-sparse weights that are stored. */
  get density(): number {
    const { stored, all } = this.sparse.reduce(
      (sum, { matrix }) => ({ stored: sum.stored + matrix.values.length, all: sum.all + matrix.rows * matrix.columns }),
      { stored: 0, all: 0 },
    );
    return stored / all;
  }

  /** The sample-rate network with the present weights, or with their moving average. */
  network(which: 'weights' | 'average' = 'weights'): SampleRateNetwork {
    const { hidden, projection, encoding } = this.config;
    const sparse = this.sparse.map(({ matrix, state }) => (which === 'weights' ? matrix : { ...matrix, values: state.average }));
    return { hidden, projection, levels: levels(encoding), sparse, dense: this.dense.map((state) => state[which]) };
  }

  /** Gives the block-sparse matrices other masks. Blocks that stay keep everything, new ones start at zero. */
  remask(masks: readonly Mask[]): void {
    const shapes = maskedMatrices(this.config);
    masks.forEach((mask, i) => {
      const { matrix, state } = this.sparse[i];
      const next = pack(shapes[i], mask);
      const positions = correspondence(matrix, next);
      const moved = (array: Float32Array) => carryOver(array, positions, matrix.blockRows * matrix.blockColumns);
      const carried = { weights: moved(state.weights), first: moved(state.first), second: moved(state.second), average: moved(state.average) };
      this.sparse[i] = { matrix: { ...next, values: carried.weights }, state: carried };
    });
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
    for (const [name, state] of this.named()) for (const [kind, array] of Object.entries(state)) arrays.set(`${name}/${kind}`, array as Float32Array);
    for (const [i, name] of sparseNames.entries()) {
      arrays.set(`${name}/rowStart`, this.sparse[i].matrix.rowStart);
      arrays.set(`${name}/column`, this.sparse[i].matrix.column);
    }
    return arrays;
  }

  /** Takes over the arrays of a checkpoint. Throws RangeError where one is missing or has another size. */
  fromArrays(arrays: ReadonlyMap<string, Float32Array | Int32Array>): void {
    const get = (name: string) => {
      const array = arrays.get(name);
      if (!array) throw new RangeError(`the checkpoint has no array ${name}`);
      return array;
    };
    sparseNames.forEach((name, i) => {
      const { matrix } = this.sparse[i];
      const [weights, first, second, average] = ['weights', 'first', 'second', 'average'].map((kind) => get(`${name}/${kind}`) as Float32Array);
      const structure = { rowStart: get(`${name}/rowStart`) as Int32Array, column: get(`${name}/column`) as Int32Array };
      this.sparse[i] = { matrix: { ...matrix, ...structure, values: weights }, state: { weights, first, second, average } };
    });
    for (const [name, state] of this.named()) {
      for (const [kind, array] of Object.entries(state) as [string, Float32Array][]) {
        const saved = get(`${name}/${kind}`) as Float32Array;
        if (saved.length !== array.length) throw new RangeError(`${name}/${kind} has ${saved.length} elements, expected ${array.length}`);
        array.set(saved);
      }
    }
  }
}

function fresh(weights: Float32Array): AdamState {
  return { weights, first: new Float32Array(weights.length), second: new Float32Array(weights.length), average: weights.slice() };
}

/** Normal with deviation 0.3; c[t] must not reach the coarse half of the state. */
function initialiseInput(weights: Float32Array, hidden: number, random: RandomStream): void {
  for (let i = 0; i < weights.length; i++) {
    const masked = i % 3 === 2 && Math.floor(i / 3) % hidden < hidden / 2;
    weights[i] = masked ? 0 : 0.3 * random.normal();
  }
}
