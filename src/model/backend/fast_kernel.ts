import type { TensorInfo } from '@tensorflow/tfjs-core';
import type * as tensorflow from './tensorflow.js';

/** TensorFlow.js' core, whichever package it comes from. */
export type TensorFlow = typeof tensorflow;

/**
 * What we use of TensorFlow.js' cpu backend: a tensor's values are a typed array that anyone may read, and become a
 * tensor without a copy.
 */
export interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values?: unknown } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

/** One call of a TensorFlow.js kernel. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: CpuBackend;
}

/**
 * Computes the kernel's output, or returns undefined where it does not cover the case: then the cpu backend's own
 * kernel runs.
 */
export type FastKernel = (call: KernelCall) => TensorInfo | undefined;

/** The values of a float32 tensor, shared and not copied; undefined for any other. */
export function floats(backend: CpuBackend, tensor: TensorInfo | undefined): Float32Array | undefined {
  if (tensor?.dtype !== 'float32') return undefined;
  const { values } = backend.data.get(tensor.dataId);
  return values instanceof Float32Array ? values : undefined;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
