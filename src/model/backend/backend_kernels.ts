import type * as tensorflow from '@tensorflow/tfjs';
import type { KernelConfig, KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import type { Kernels } from '../../kernels/index.js';
import { convolutionKernels } from './convolution.js';
import { elementwiseKernels } from './elementwise.js';
import { matMulKernels } from './matmul.js';

/** The whole of TensorFlow.js, whichever package it comes from. */
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

const originals = new WeakMap<TensorFlow, Map<string, KernelConfig>>();

/**
 * Puts fast kernels over those of TensorFlow.js' cpu backend, whose own are plain JavaScript: products and convolutions
 * by `kernels.matMul`, and the few element-wise operations that would then take most of the time. The reference kernels
 * bring nothing: with them the backend's own kernels come back. May be called again with other kernels.
 */
export function registerFastKernels(tf: TensorFlow, kernels: Kernels): void {
  const own = originals.get(tf) ?? new Map<string, KernelConfig>();
  originals.set(tf, own);
  for (const config of own.values()) replaceKernel(tf, config);
  if (kernels.name === 'reference') return;

  const fast: Record<string, FastKernel> = {
    ...matMulKernels(kernels),
    ...convolutionKernels(tf, kernels),
    ...elementwiseKernels(tf, kernels),
  };
  for (const [kernelName, compute] of Object.entries(fast)) {
    const original = own.get(kernelName) ?? tf.getKernel(kernelName, 'cpu');
    own.set(kernelName, original);
    const kernelFunc = (call: unknown) =>
      compute(call as KernelCall) ?? original.kernelFunc(call as Parameters<KernelFunc>[0]);
    replaceKernel(tf, { ...original, kernelFunc: kernelFunc as KernelFunc });
  }
}

function replaceKernel(tf: TensorFlow, config: KernelConfig): void {
  tf.unregisterKernel(config.kernelName, 'cpu');
  tf.registerKernel(config);
}
