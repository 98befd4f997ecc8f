import type { BlockStructure } from '../interface/blocks.js';
import type {
  ClassifierLayer,
  ConvolutionLayer,
  DepthwiseLayer,
  ImageShape,
  PoolLayer,
} from '../interface/classifier.js';
import { windowOf } from '../interface/classifier.js';
import { addTransposed, addWeights, multiply } from './products.js';

// The layers of a classifier on one image, in double. An image is [height, width, channels]. Every layer slides a
// window over its input: all of them gather the window, do something to it, and scatter the gradient of the window
// back.

/** The sums that a layer's gradients are formed in. */
export interface LayerSums {
  /** Of a convolution, the blocks of its matrix that have gradients. */
  readonly at?: BlockStructure;
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/**
 * Calls `visit` with each output position and the indices (ky, kx, channel) of its window in the input; -1 stands for a
 * zero of the padding.
 */
function forWindows(
  layer: ClassifierLayer,
  [height, width, channels]: ImageShape,
  output: ImageShape,
  visit: (position: number, window: Int32Array) => void,
): void {
  const { kernel, stride, padding } = windowOf(layer);
  for (let oy = 0; oy < output[0]; oy++)
    for (let ox = 0; ox < output[1]; ox++) {
      const window = new Int32Array(kernel[0] * kernel[1] * channels);
      for (let ky = 0; ky < kernel[0]; ky++)
        for (let kx = 0; kx < kernel[1]; kx++)
          for (let c = 0; c < channels; c++) {
            const [y, x] = [oy * stride + ky - padding, ox * stride + kx - padding];
            const inside = y >= 0 && y < height && x >= 0 && x < width;
            window[(ky * kernel[1] + kx) * channels + c] = inside ? (y * width + x) * channels + c : -1;
          }
      visit(oy * output[1] + ox, window);
    }
}

const gather = (image: Float64Array, window: Int32Array) => Float64Array.from(window, (at) => (at < 0 ? 0 : image[at]));

/** The layer's output for the image `x` of shape `input`. */
export function forwardLayer(
  layer: ClassifierLayer,
  input: ImageShape,
  output: ImageShape,
  x: Float64Array,
): Float64Array {
  const y = new Float64Array(output[0] * output[1] * output[2]);
  forWindows(layer, input, output, (position, window) => {
    const patch = gather(x, window);
    const pixel = y.subarray(position * output[2], (position + 1) * output[2]);
    if (layer.kind === 'convolution') convolve(layer, patch, pixel);
    else if (layer.kind === 'depthwise') filter(layer, patch, pixel);
    else pool(layer, patch, pixel);
  });
  return y;
}

/**
 * From the gradient dy of the output to that of the input, which is returned; those of weights and biases are added to
 * `sums`.
 */
export function backwardLayer(
  layer: ClassifierLayer,
  input: ImageShape,
  output: ImageShape,
  x: Float64Array,
  y: Float64Array,
  dy: Float64Array,
  sums: LayerSums,
): Float64Array {
  const dx = new Float64Array(x.length);
  forWindows(layer, input, output, (position, window) => {
    const patch = gather(x, window);
    const dPatch = new Float64Array(patch.length);
    const at = position * output[2];
    const [pixel, dPixel] = [y.subarray(at, at + output[2]), dy.slice(at, at + output[2])];
    if (layer.kind === 'convolution') convolveBackward(layer, patch, pixel, dPixel, dPatch, sums);
    else if (layer.kind === 'depthwise') filterBackward(layer, patch, dPixel, dPatch, sums);
    else poolBackward(layer, patch, dPixel, dPatch);
    window.forEach((source, i) => {
      if (source >= 0) dx[source] += dPatch[i];
    });
  });
  return dx;
}

function convolve({ matrix, bias, relu }: ConvolutionLayer, patch: Float64Array, y: Float64Array): void {
  multiply(matrix, patch, y);
  for (let o = 0; o < y.length; o++) y[o] = relu ? Math.max(0, y[o] + bias[o]) : y[o] + bias[o];
}

function convolveBackward(
  { matrix, relu }: ConvolutionLayer,
  patch: Float64Array,
  y: Float64Array,
  dy: Float64Array,
  dPatch: Float64Array,
  sums: LayerSums,
): void {
  if (relu) dy.forEach((d, o) => (dy[o] = y[o] > 0 ? d : 0));
  dy.forEach((d, o) => (sums.biases[o] += d));
  addWeights(sums.at!, dy, patch, sums.weights);
  addTransposed(matrix, dy, dPatch);
}

// A patch and the weights of a depthwise layer have the same order: tap, then channel.

function filter({ weights }: DepthwiseLayer, patch: Float64Array, y: Float64Array): void {
  patch.forEach((value, i) => (y[i % y.length] += weights[i] * value));
}

function filterBackward(
  { weights }: DepthwiseLayer,
  patch: Float64Array,
  dy: Float64Array,
  dPatch: Float64Array,
  sums: LayerSums,
): void {
  patch.forEach((value, i) => {
    const d = dy[i % dy.length];
    sums.weights[i] += d * value;
    dPatch[i] = d * weights[i];
  });
}

function pool({ how, size }: PoolLayer, patch: Float64Array, y: Float64Array): void {
  y.forEach((_, c) => {
    const values = patch.filter((_, i) => i % y.length === c);
    y[c] = how === 'max' ? Math.max(...values) : values.reduce((a, b) => a + b) / size ** 2;
  });
}

function poolBackward({ how, size }: PoolLayer, patch: Float64Array, dy: Float64Array, dPatch: Float64Array): void {
  dy.forEach((d, c) => {
    const values = patch.filter((_, i) => i % dy.length === c);
    const first = values.indexOf(Math.max(...values));
    values.forEach((_, tap) => {
      if (how === 'mean') dPatch[tap * dy.length + c] = d / size ** 2;
      else if (tap === first) dPatch[tap * dy.length + c] = d;
    });
  });
}
