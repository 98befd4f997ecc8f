import type { Kernels } from '../../kernels/interface/kernels.js';

/**
 * Layers with their gradients by hand. What they work on are rows of several clips, one clip after the other, without
 * padding between them; a convolution sees zeros beyond the ends of a clip. Arrays are row-major [rows, channels].
 *
 * Products go through `matMul`, which has the threads; what is left runs over every element once or twice.
 */
export type Product = Pick<Kernels, 'matMul'>;

/** Where clips lie among the rows: clip i has rows starts[i] … starts[i + 1] - 1. */
export type Starts = Int32Array;

/** Named arrays that a layer reads (weights) or adds to (gradients). */
export type Arrays = ReadonlyMap<string, Float32Array>;

/** The array of this name. Throws RangeError where there is none. */
export function arrayOf(arrays: Arrays, name: string): Float32Array {
  const array = arrays.get(name);
  if (array === undefined) throw new RangeError(`there is no parameter ${name}`);
  return array;
}

/** Arrays that grow with what is asked for and are used again in the next step: contents are what they were. */
export class Buffers {
  private readonly arrays = new Map<string, Float32Array>();

  /** An array of this length; the same name gives the same memory again. */
  take(name: string, length: number): Float32Array {
    let array = this.arrays.get(name);
    if (array === undefined || array.length < length) {
      array = new Float32Array(Math.ceil(length * 1.25));
      this.arrays.set(name, array);
    }
    return array.length === length ? array : array.subarray(0, length);
  }
}

/**
 * What a convolution sees of each row: [rows, kernel · channels], for each tap the row (tap - (kernel - 1) / 2) ·
 * dilation further on, zeros beyond the ends of the clip.
 */
export function gatherTaps(
  x: Float32Array,
  starts: Starts,
  channels: number,
  kernel: number,
  dilation: number,
  taps: Float32Array,
): void {
  const half = (kernel - 1) / 2;
  const width = kernel * channels;
  for (let clip = 0; clip + 1 < starts.length; clip++) {
    const first = starts[clip];
    const end = starts[clip + 1];
    for (let row = first; row < end; row++) {
      // Rows that follow each other are one stretch of memory.
      if (dilation === 1 && row - half >= first && row + half < end) {
        const from = (row - half) * channels;
        taps.set(x.subarray(from, from + width), row * width);
        continue;
      }
      for (let tap = 0; tap < kernel; tap++) {
        const to = row * width + tap * channels;
        const source = row + (tap - half) * dilation;
        if (source < first || source >= end) taps.fill(0, to, to + channels);
        else taps.set(x.subarray(source * channels, (source + 1) * channels), to);
      }
    }
  }
}

/** The kernel of the convolution's transpose: taps in reverse, inputs and outputs exchanged. */
function transposedKernel(kernel: Float32Array, taps: number, channels: number, out: Float32Array): void {
  const square = channels * channels;
  for (let tap = 0; tap < taps; tap++) {
    const from = tap * square;
    const to = (taps - 1 - tap) * square;
    for (let i = 0; i < channels; i++)
      for (let o = 0; o < channels; o++) out[to + o * channels + i] = kernel[from + i * channels + o];
  }
}

const epsilon = 1e-5;

/** What is zeroed in training, so that the network does not learn the clips by heart (Srivastava et al. 2014). */
export interface Dropout {
  /** Share of the elements, below 1. */
  readonly share: number;
  /** 32 random bits at a time. */
  readonly random: () => number;
}

/**
 * A residual block, y = x + dropout(gain · norm(relu(conv(x) + bias)) + shift), with `norm` over the channels of a row
 * (layer normalisation, Ba et al. 2016, arXiv 1607.06450, equation 4).
 */
export class ResidualBlock {
  private starts: Starts = new Int32Array(1);
  private rows = 0;
  private dropped = false;
  private mask = new Uint8Array(0);
  private scale = 1;

  /**
   * @param name prefix of its parameters: NAME.kernel [taps, channels, channels], NAME.bias, NAME.gain, NAME.shift
   * @param buffers its own; blocks that only go forwards may share them, as long as those that follow each other differ
   * in `output`, the name of what they return
   */
  constructor(
    private readonly product: Product,
    private readonly name: string,
    private readonly channels: number,
    private readonly kernel: number,
    private readonly dilation: number,
    private readonly buffers = new Buffers(),
    private readonly output = 'y',
  ) {}

  /** x [rows, channels] → y [rows, channels], which is the block's own and holds until the next call. */
  forward(weights: Arrays, x: Float32Array, starts: Starts, dropout?: Dropout): Float32Array {
    const { buffers, channels, kernel, dilation, name } = this;
    const rows = x.length / channels;
    this.rows = rows;
    this.starts = starts;
    const taps = buffers.take('taps', rows * kernel * channels);
    gatherTaps(x, starts, channels, kernel, dilation, taps);
    const active = buffers.take('active', rows * channels);
    const depth = kernel * channels;
    this.product.matMul(false, false, rows, channels, depth, taps, arrayOf(weights, `${name}.kernel`), active);
    const bias = arrayOf(weights, `${name}.bias`);
    const gain = arrayOf(weights, `${name}.gain`);
    const shift = arrayOf(weights, `${name}.shift`);
    const hat = buffers.take('hat', rows * channels);
    const inverse = buffers.take('inverse', rows);
    const y = buffers.take(this.output, rows * channels);
    this.drop(rows * channels, dropout);
    const { mask, scale, dropped } = this;
    for (let row = 0, at = 0; row < rows; row++, at += channels) {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < channels; i++) {
        const value = Math.max(0, active[at + i] + bias[i]);
        active[at + i] = value;
        sum += value;
        squares += value * value;
      }
      const mean = sum / channels;
      const factor = 1 / Math.sqrt(Math.max(0, squares / channels - mean * mean) + epsilon);
      inverse[row] = factor;
      if (dropped)
        for (let i = 0; i < channels; i++) {
          const value = (active[at + i] - mean) * factor;
          hat[at + i] = value;
          y[at + i] = x[at + i] + mask[at + i] * scale * (value * gain[i] + shift[i]);
        }
      else
        for (let i = 0; i < channels; i++) {
          const value = (active[at + i] - mean) * factor;
          hat[at + i] = value;
          y[at + i] = x[at + i] + value * gain[i] + shift[i];
        }
    }
    return y;
  }

  /**
   * The gradient of y → that of x; those of the parameters are added to `gradients`. It belongs to the last `forward`.
   */
  backward(weights: Arrays, gradients: Arrays, dy: Float32Array): Float32Array {
    const { buffers, channels, kernel, dilation, name, rows, starts, mask, scale, dropped } = this;
    const active = buffers.take('active', rows * channels);
    const hat = buffers.take('hat', rows * channels);
    const inverse = buffers.take('inverse', rows);
    const gain = arrayOf(weights, `${name}.gain`);
    const dGain = arrayOf(gradients, `${name}.gain`);
    const dShift = arrayOf(gradients, `${name}.shift`);
    const dBias = arrayOf(gradients, `${name}.bias`);
    const dConv = buffers.take('dConv', rows * channels);
    for (let row = 0, at = 0; row < rows; row++, at += channels) {
      let sum = 0;
      let along = 0;
      for (let i = 0; i < channels; i++) {
        const d = dropped ? dy[at + i] * mask[at + i] * scale : dy[at + i];
        const h = hat[at + i];
        const g = d * gain[i];
        dGain[i] += d * h;
        dShift[i] += d;
        sum += g;
        along += g * h;
        dConv[at + i] = g;
      }
      sum /= channels;
      along /= channels;
      const factor = inverse[row];
      for (let i = 0; i < channels; i++) {
        const d = active[at + i] > 0 ? (dConv[at + i] - sum - hat[at + i] * along) * factor : 0;
        dConv[at + i] = d;
        dBias[i] += d;
      }
    }
    const depth = kernel * channels;
    const taps = buffers.take('taps', rows * depth);
    const dKernel = buffers.take('dKernel', depth * channels);
    this.product.matMul(true, false, depth, channels, rows, taps, dConv, dKernel);
    addInto(arrayOf(gradients, `${name}.kernel`), dKernel);
    // The gradient of x is a convolution of dConv with the transposed kernel; its taps take the place of those of x.
    gatherTaps(dConv, starts, channels, kernel, dilation, taps);
    const flipped = buffers.take('flipped', depth * channels);
    transposedKernel(arrayOf(weights, `${name}.kernel`), kernel, channels, flipped);
    const dx = buffers.take('dx', rows * channels);
    this.product.matMul(false, false, rows, channels, depth, taps, flipped, dx);
    addInto(dx, dy);
    return dx;
  }

  /** Draws which elements are dropped. */
  private drop(count: number, dropout: Dropout | undefined): void {
    this.dropped = dropout !== undefined && dropout.share > 0;
    if (!this.dropped || dropout === undefined) return;
    if (this.mask.length < count) this.mask = new Uint8Array(Math.ceil(count * 1.25));
    // Eight bits decide about an element: shares are multiples of 1/256.
    const threshold = Math.round(dropout.share * 256);
    this.scale = 256 / (256 - threshold);
    const { mask } = this;
    for (let i = 0; i < count; i += 4) {
      const bits = dropout.random();
      mask[i] = (bits & 255) >= threshold ? 1 : 0;
      mask[i + 1] = ((bits >>> 8) & 255) >= threshold ? 1 : 0;
      mask[i + 2] = ((bits >>> 16) & 255) >= threshold ? 1 : 0;
      mask[i + 3] = bits >>> 24 >= threshold ? 1 : 0;
    }
  }
}

/**
 * Residual blocks that follow each other, NAME.block0 on.
 * @param shared of networks that only go forwards: the memory that all blocks use in turn
 */
export const residualBlocks = (
  product: Product,
  name: string,
  { channels, kernel, dilations }: { channels: number; kernel: number; dilations: readonly number[] },
  shared?: Buffers,
): readonly ResidualBlock[] =>
  dilations.map(
    (dilation, i) =>
      new ResidualBlock(product, `${name}.block${i}`, channels, kernel, dilation, shared, `y${shared ? i % 2 : ''}`),
  );

/** y [rows, outputs] = x [rows, inputs] · weights + bias. */
export function linearForward(
  product: Product,
  x: Float32Array,
  weights: Float32Array,
  bias: Float32Array,
  y: Float32Array,
): void {
  const outputs = bias.length;
  const rows = y.length / outputs;
  product.matMul(false, false, rows, outputs, weights.length / outputs, x, weights, y);
  for (let at = 0; at < y.length; at += outputs) for (let i = 0; i < outputs; i++) y[at + i] += bias[i];
}

/** Adds the gradients of a linear layer's weights and bias; `scratch` is as long as the weights. */
export function linearWeights(
  product: Product,
  x: Float32Array,
  dy: Float32Array,
  gradient: { readonly weights: Float32Array; readonly bias: Float32Array },
  scratch: Float32Array,
): void {
  const { weights, bias } = gradient;
  const outputs = bias.length;
  product.matMul(true, false, weights.length / outputs, outputs, dy.length / outputs, x, dy, scratch);
  addInto(weights, scratch);
  for (let at = 0; at < dy.length; at += outputs) for (let i = 0; i < outputs; i++) bias[i] += dy[at + i];
}

/** sum += values. */
export function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}
