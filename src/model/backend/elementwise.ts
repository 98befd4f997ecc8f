import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Kernels } from '../../kernels/index.js';
import { type FastKernel, floats, type KernelCall, sizeOf, type TensorFlow } from './fast_kernel.js';

/**
 * The operations on single elements and on rows that a convolutional network and its gradient need, as plain loops.
 * TensorFlow.js' own work out every element's coordinates, and so cost more than the products do once these are native.
 */
export function elementwiseKernels(tf: TensorFlow, kernels: Kernels): Record<string, FastKernel> {
  return {
    Add: (call) => binary(call, addRows),
    Multiply: (call) => binary(call, multiplyRows),
    Relu: (call) => unary(call, relu),
    Step: (call) => (call.attrs.alpha === 0 ? unary(call, step) : undefined),
    Sum: (call) => sumLeading(kernels, call),
    Slice: (call) => sliceOneAxis(tf, call),
    PadV2: padOneAxis,
  };
}

// The signs of activations are as good as random: a branch would be mispredicted every other time, and Math.max has one
// inside. Hence the bits of the floats: as integers, negative numbers are negative, and negative NaNs are the last of
// them, above the -Infinity of bits -0x800000.
function relu(x: Float32Array, y: Float32Array): void {
  const bits = new Int32Array(x.buffer, x.byteOffset, x.length);
  const out = new Int32Array(y.buffer);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i] & (~(bits[i] >> 31) | ((-0x800000 - bits[i]) >> 31));
}

// 1 for positive numbers, else 0; of a NaN, either: whoever multiplies by it has the NaN already.
function step(x: Float32Array, y: Float32Array): void {
  const bits = new Int32Array(x.buffer, x.byteOffset, x.length);
  for (let i = 0; i < x.length; i++) y[i] = (-bits[i] & ~bits[i]) >>> 31;
}

function unary(
  { inputs, backend }: KernelCall,
  compute: (x: Float32Array, y: Float32Array) => void,
): TensorInfo | undefined {
  const x = floats(backend, inputs.x);
  if (!x || !inputs.x) return undefined;
  const y = new Float32Array(x.length);
  compute(x, y);
  return backend.makeTensorInfo(inputs.x.shape, 'float32', y);
}

/**
 * a ∘ b where b has a's shape or its last axes (a bias, a scalar); the operation must be commutative, so that the two
 * may change places.
 */
function binary(
  { inputs, backend }: KernelCall,
  compute: (rows: Float32Array, row: Float32Array, out: Float32Array) => void,
): TensorInfo | undefined {
  const { a, b } = inputs;
  const [x, y] = [floats(backend, a), floats(backend, b)];
  if (!a || !b || !x || !y || x.length === 0 || y.length === 0) return undefined;
  const [large, small, rows, row] = a.shape.length >= b.shape.length ? [a, b, x, y] : [b, a, y, x];
  const offset = large.shape.length - small.shape.length;
  if (!small.shape.every((size, axis) => size === large.shape[axis + offset])) return undefined;
  const out = new Float32Array(rows.length);
  compute(rows, row, out);
  return backend.makeTensorInfo(large.shape, 'float32', out);
}

function addRows(rows: Float32Array, row: Float32Array, out: Float32Array): void {
  for (let at = 0; at < rows.length; at += row.length)
    for (let j = 0; j < row.length; j++) out[at + j] = rows[at + j] + row[j];
}

function multiplyRows(rows: Float32Array, row: Float32Array, out: Float32Array): void {
  for (let at = 0; at < rows.length; at += row.length)
    for (let j = 0; j < row.length; j++) out[at + j] = rows[at + j] * row[j];
}

/** Sum over all axes but the last few, the gradient of a bias, as a product with ones. */
function sumLeading(kernels: Kernels, { inputs, attrs, backend }: KernelCall): TensorInfo | undefined {
  const { x } = inputs;
  const values = floats(backend, x);
  if (!x || !values || values.length === 0 || attrs.keepDims === true) return undefined;
  const axes = [(attrs.axis as number | number[] | undefined) ?? []]
    .flat()
    .map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const leading = new Set(axes).size === axes.length && axes.every((axis) => axis < axes.length);
  if (!leading || axes.length === 0 || axes.length === x.shape.length) return undefined;
  const shape = x.shape.slice(axes.length);
  const sums = new Float32Array(sizeOf(shape));
  const rows = values.length / sums.length;
  kernels.matMul(false, false, 1, sums.length, rows, new Float32Array(rows).fill(1), values, sums);
  return backend.makeTensorInfo(shape, 'float32', sums);
}

/** The one axis on which `changed` holds, or undefined if there is none or more than one. */
function onlyAxis(rank: number, changed: (axis: number) => boolean): number | undefined {
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter(changed);
  return axes.length === 1 ? axes[0] : undefined;
}

function sliceOneAxis(tf: TensorFlow, { inputs, attrs, backend }: KernelCall): TensorInfo | undefined {
  const { x } = inputs;
  const values = floats(backend, x);
  if (!x || !values) return undefined;
  const [begin, size] = tf.slice_util.parseSliceParams(
    { shape: x.shape } as Parameters<typeof tf.slice_util.parseSliceParams>[0],
    attrs.begin as number[],
    attrs.size as number[],
  );
  const axis = onlyAxis(x.shape.length, (i) => size[i] !== x.shape[i]);
  if (axis === undefined || begin.some((from, i) => from < 0 || from + size[i] > x.shape[i])) return undefined;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const [from, to] = [x.shape[axis] * inner, size[axis] * inner];
  const out = new Float32Array(sizeOf(size));
  for (let source = begin[axis] * inner, target = 0; target < out.length; source += from, target += to)
    for (let i = 0; i < to; i++) out[target + i] = values[source + i];
  return backend.makeTensorInfo(size, 'float32', out);
}

/** Constant padding of one axis: the gradient of a slice. */
function padOneAxis({ inputs, attrs, backend }: KernelCall): TensorInfo | undefined {
  const { x } = inputs;
  const values = floats(backend, x);
  const paddings = attrs.paddings as [number, number][];
  if (!x || !values) return undefined;
  const axis = onlyAxis(x.shape.length, (i) => paddings[i][0] + paddings[i][1] > 0);
  if (axis === undefined) return undefined;
  const shape = x.shape.map((size, i) => size + paddings[i][0] + paddings[i][1]);
  const inner = sizeOf(x.shape.slice(axis + 1));
  const [from, to] = [x.shape[axis] * inner, shape[axis] * inner];
  const out = new Float32Array(sizeOf(shape)).fill(attrs.constantValue as number);
  for (let source = 0, target = paddings[axis][0] * inner; source < values.length; source += from, target += to)
    for (let i = 0; i < from; i++) out[target + i] = values[source + i];
  return backend.makeTensorInfo(shape, 'float32', out);
}
