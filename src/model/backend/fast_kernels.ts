import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs-core';
import type { Kernels } from '../../kernels/index.js';
import { convolutionKernels } from './convolution.js';
import { elementwiseKernels } from './elementwise.js';
import type { FastKernel, KernelCall, TensorFlow } from './fast_kernel.js';
import { matMulKernels } from './matmul.js';

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
    replaceKernel(tf, { ...original, kernelFunc: kernelFunc });
  }
}

function replaceKernel(tf: TensorFlow, config: KernelConfig): void {
  tf.unregisterKernel(config.kernelName, 'cpu');
  tf.registerKernel(config);
}
