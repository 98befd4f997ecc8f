import { type AcousticConfig, positionFeatures } from './config.js';
import {
  addInto,
  arrayOf,
  type Arrays,
  Buffers,
  type Dropout,
  linearForward,
  linearWeights,
  type Product,
  type ResidualBlock,
  residualBlocks,
  type Starts,
} from './layers.js';

/** Sequences of tokens, one after the other. */
export interface TokenBatch {
  /** [tokens] their numbers in `tokenSymbols`. */
  readonly ids: Uint8Array;
  readonly starts: Starts;
  /** [tokens, positionFeatures]; see `positionsOf`. */
  readonly positions: Float32Array;
  /** [sequences] whose durations: 0 the reader's own; default: all of them. Only the network of durations asks. */
  readonly readers?: Uint8Array;
}

/** What is added to the vector of each token: rows of a table, chosen by the token, and a linear map of numbers. */
export interface Added {
  /** [tokens, inputs], of a map called NAME.KEY [inputs, width]. */
  readonly [key: string]: Float32Array;
}

/**
 * A network that reads tokens: a vector for each symbol, to which where it stands is added, then residual blocks. What
 * comes out is a vector a token, or with an output layer some numbers.
 */
export class TokenNetwork {
  private readonly buffers = new Buffers();
  private readonly blocks: readonly ResidualBlock[];
  private readonly width: number;
  private batch: TokenBatch | undefined;
  private added: Added = {};
  private top: Float32Array = new Float32Array(0);

  /**
   * @param name prefix of its parameters: NAME.symbols, NAME.positions, NAME.block0…
   * @param outputs numbers a token, by NAME.output and NAME.outputBias; 0 for the vectors as they are
   * @param shared of a network that only goes forwards; see `residualBlocks`
   */
  constructor(
    private readonly product: Product,
    private readonly name: string,
    { tokenWidth, tokenKernel }: Pick<AcousticConfig, 'tokenWidth' | 'tokenKernel'>,
    dilations: readonly number[],
    private readonly outputs: number,
    shared?: Buffers,
  ) {
    this.width = tokenWidth;
    this.blocks = residualBlocks(product, name, { channels: tokenWidth, kernel: tokenKernel, dilations }, shared);
  }

  /**
   * @param added more that is known of each token
   * @returns [tokens, outputs or tokenWidth], the network's own until the next call
   */
  forward(weights: Arrays, batch: TokenBatch, { added = {}, dropout }: { added?: Added; dropout?: Dropout } = {}) {
    const { buffers, width, name } = this;
    this.batch = batch;
    this.added = added;
    const { ids, starts, positions, readers } = batch;
    const count = ids.length;
    let x = buffers.take('embedded', count * width);
    this.product.matMul(
      false,
      false,
      count,
      width,
      positionFeatures,
      positions,
      arrayOf(weights, `${name}.positions`),
      x,
    );
    const symbols = arrayOf(weights, `${name}.symbols`);
    for (let t = 0; t < count; t++) addRow(x, t, symbols, ids[t], width);
    if (readers !== undefined) {
      const table = arrayOf(weights, `${name}.readers`);
      for (let s = 0; s < readers.length; s++)
        for (let t = starts[s]; t < starts[s + 1]; t++) addRow(x, t, table, readers[s], width);
    }
    for (const [key, values] of Object.entries(added)) {
      const mapped = buffers.take('mapped', count * width);
      this.product.matMul(
        false,
        false,
        count,
        width,
        values.length / count,
        values,
        arrayOf(weights, `${name}.${key}`),
        mapped,
      );
      addInto(x, mapped);
    }
    for (const block of this.blocks) x = block.forward(weights, x, starts, dropout);
    this.top = x;
    if (this.outputs === 0) return x;
    const y = buffers.take('outputs', count * this.outputs);
    linearForward(this.product, x, arrayOf(weights, `${name}.output`), arrayOf(weights, `${name}.outputBias`), y);
    return y;
  }

  /** Adds the gradients of all parameters; `dy` is the gradient of what the last `forward` returned. */
  backward(weights: Arrays, gradients: Arrays, dy: Float32Array): void {
    const { buffers, width, name, batch, outputs, top } = this;
    if (batch === undefined) throw new RangeError('nothing went forwards before');
    const { ids, starts, positions, readers } = batch;
    const count = ids.length;
    let dx = dy;
    if (outputs > 0) {
      const output = arrayOf(weights, `${name}.output`);
      const gradient = {
        weights: arrayOf(gradients, `${name}.output`),
        bias: arrayOf(gradients, `${name}.outputBias`),
      };
      linearWeights(this.product, top, dy, gradient, buffers.take('dOutput', output.length));
      dx = buffers.take('dTop', count * width);
      this.product.matMul(false, true, count, width, outputs, dy, output, dx);
    }
    for (const block of [...this.blocks].reverse()) dx = block.backward(weights, gradients, dx);
    const dSymbols = arrayOf(gradients, `${name}.symbols`);
    for (let t = 0; t < count; t++) addRow(dSymbols, ids[t], dx, t, width);
    if (readers !== undefined) {
      const table = arrayOf(gradients, `${name}.readers`);
      for (let s = 0; s < readers.length; s++)
        for (let t = starts[s]; t < starts[s + 1]; t++) addRow(table, readers[s], dx, t, width);
    }
    for (const [key, values] of [['positions', positions] as const, ...Object.entries(this.added)]) {
      const gradient = arrayOf(gradients, `${name}.${key}`);
      const scratch = buffers.take('dMap', gradient.length);
      this.product.matMul(true, false, values.length / count, width, count, values, dx, scratch);
      addInto(gradient, scratch);
    }
  }
}

/** Row `i` of `to` += row `j` of `from`, both `width` wide. */
function addRow(to: Float32Array, i: number, from: Float32Array, j: number, width: number): void {
  const a = i * width;
  const b = j * width;
  for (let k = 0; k < width; k++) to[a + k] += from[b + k];
}
