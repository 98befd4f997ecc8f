import type { backend_util } from '@tensorflow/tfjs-core';
import type { Kernels } from '../../kernels/index.js';
import { type FastKernel, floats, type KernelCall, type TensorFlow } from './fast_kernel.js';

type ConvolutionInfo = backend_util.Conv2DInfo;
type Shape = [number, number, number, number];

/** Columns of at most this many floats (4 MB) are laid out at a time: they should stay near the processor. */
const chunkFloats = 2 ** 20;

/**
 * `Conv2D` and its two gradients for float32 tensors [batch, height, width, channels], without dilation.
 * One-dimensional convolutions come here too. All three are products with "columns": the matrix [output positions,
 * kernel height · kernel width · channels] of what each output sees.
 */
export function convolutionKernels(tf: TensorFlow, kernels: Kernels): Record<string, FastKernel> {
  return {
    Conv2D: ({ inputs, attrs, backend }) => {
      const { x, filter } = inputs;
      const [input, weights] = [floats(backend, x), floats(backend, filter)];
      const info = describe(tf, attrs, x?.shape, filter?.shape);
      if (!input || !weights || !info) return undefined;
      const output = new Float32Array(info.batchSize * positions(info) * info.outChannels);
      forChunks(info, (first, images) => {
        const rows = images * positions(info);
        const at = first * positions(info) * info.outChannels;
        kernels.matMul(
          false,
          false,
          rows,
          info.outChannels,
          depth(info),
          columnsOf(info, input, first, images),
          weights,
          output.subarray(at, at + rows * info.outChannels),
        );
      });
      return backend.makeTensorInfo(info.outShape, 'float32', output);
    },

    Conv2DBackpropFilter: ({ inputs, attrs, backend }) => {
      const { x, dy } = inputs;
      const [input, gradient] = [floats(backend, x), floats(backend, dy)];
      const info = describe(tf, attrs, x?.shape, attrs.filterShape as number[]);
      if (!input || !gradient || !info) return undefined;
      const total = new Float32Array(depth(info) * info.outChannels);
      const part = info.batchSize > imagesPerChunk(info) ? new Float32Array(total.length) : undefined;
      forChunks(info, (first, images) => {
        const rows = images * positions(info);
        const at = first * positions(info) * info.outChannels;
        const seen = columnsOf(info, input, first, images);
        kernels.matMul(
          true,
          false,
          depth(info),
          info.outChannels,
          rows,
          seen,
          gradient.subarray(at, at + rows * info.outChannels),
          part ?? total,
        );
        if (part) for (let i = 0; i < total.length; i++) total[i] += part[i];
      });
      return backend.makeTensorInfo(info.filterShape, 'float32', total);
    },

    Conv2DBackpropInput: ({ inputs, attrs, backend }) => {
      const { dy, filter } = inputs;
      const [gradient, weights] = [floats(backend, dy), floats(backend, filter)];
      const info = describe(tf, attrs, attrs.inputShape as number[], filter?.shape);
      if (!gradient || !weights || !info) return undefined;
      const output = new Float32Array(info.batchSize * info.inHeight * info.inWidth * info.inChannels);
      forChunks(info, (first, images) => {
        const rows = images * positions(info);
        const at = first * positions(info) * info.outChannels;
        const columns = new Float32Array(rows * depth(info));
        kernels.matMul(
          false,
          true,
          rows,
          depth(info),
          info.outChannels,
          gradient.subarray(at, at + rows * info.outChannels),
          weights,
          columns,
        );
        forRuns(info, first, images, (source, target, length) => {
          for (let i = 0; i < length; i++) output[source + i] += columns[target + i];
        });
      });
      return backend.makeTensorInfo(info.inShape, 'float32', output);
    },
  };
}

/** The sizes of a convolution, or undefined for one that is not covered. */
function describe(
  tf: TensorFlow,
  attrs: KernelCall['attrs'],
  input: number[] | undefined,
  filter: number[] | undefined,
): ConvolutionInfo | undefined {
  if (!input || !filter) return undefined;
  const {
    strides,
    pad,
    dilations = 1,
    dimRoundingMode,
    dataFormat,
  } = attrs as {
    strides: number | [number, number];
    pad: 'valid' | 'same' | number;
    dilations?: number | [number, number];
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
    dataFormat: string;
  };
  if (dataFormat !== 'NHWC') return undefined;
  const info = tf.backend_util.computeConv2DInfo(
    input as Shape,
    filter as Shape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  return info.dilationHeight === 1 && info.dilationWidth === 1 && info.batchSize * positions(info) * depth(info) > 0
    ? info
    : undefined;
}

/** Output positions of one image. */
const positions = (info: ConvolutionInfo) => info.outHeight * info.outWidth;

/** Inputs that one output position sees. */
const depth = (info: ConvolutionInfo) => info.filterHeight * info.filterWidth * info.inChannels;

const imagesPerChunk = (info: ConvolutionInfo) =>
  Math.max(1, Math.floor(chunkFloats / (positions(info) * depth(info))));

function forChunks(info: ConvolutionInfo, work: (first: number, images: number) => void): void {
  const most = imagesPerChunk(info);
  for (let first = 0; first < info.batchSize; first += most) work(first, Math.min(most, info.batchSize - first));
}

/** Columns [images · positions, depth] of some of the images. Outside the image they are zero. */
function columnsOf(info: ConvolutionInfo, input: Float32Array, first: number, images: number): Float32Array {
  const { inHeight, inWidth, inChannels, padInfo } = info;
  const pointwise =
    info.filterHeight === 1 && info.filterWidth === 1 && info.strideHeight === 1 && info.strideWidth === 1;
  const padded = padInfo.top + padInfo.bottom + padInfo.left + padInfo.right > 0;
  const image = inHeight * inWidth * inChannels;
  if (pointwise && !padded) return input.subarray(first * image, (first + images) * image);
  const columns = new Float32Array(images * positions(info) * depth(info));
  forRuns(info, first, images, (source, target, length) => {
    if (length >= 64) columns.set(input.subarray(source, source + length), target);
    else for (let i = 0; i < length; i++) columns[target + i] = input[source + i];
  });
  return columns;
}

/**
 * Calls back for each run of neighbours that an image and its columns share: index in the input, index in the chunk's
 * columns, length.
 */
function forRuns(
  info: ConvolutionInfo,
  first: number,
  images: number,
  run: (source: number, target: number, length: number) => void,
): void {
  const {
    inHeight,
    inWidth,
    inChannels,
    outHeight,
    outWidth,
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
    padInfo,
  } = info;
  let target = 0;
  for (let image = first; image < first + images; image++)
    for (let y = 0; y < outHeight; y++)
      for (let x = 0; x < outWidth; x++)
        for (let ky = 0; ky < filterHeight; ky++, target += filterWidth * inChannels) {
          const row = y * strideHeight - padInfo.top + ky;
          if (row < 0 || row >= inHeight) continue;
          const column = x * strideWidth - padInfo.left;
          const from = Math.max(0, -column);
          const to = Math.min(filterWidth, inWidth - column);
          if (to > from)
            run(
              ((image * inHeight + row) * inWidth + column + from) * inChannels,
              target + from * inChannels,
              (to - from) * inChannels,
            );
        }
}
