import { availableParallelism } from 'node:os';
import { TtsError } from '../errors.js';
import type { KernelName, Kernels } from './kernels.js';
import { NativeKernels, nativeNames } from './native.js';
import { ReferenceKernels } from './reference.js';

export * from './kernels.js';
export * from './classifier.js';
export type { BlockMatrix, BlockShape } from './blocks.js';

/** All kernels that run on this machine, the fastest first; `reference` is always the last. */
export function kernelNames(): KernelName[] {
  return [...nativeNames(), 'reference'];
}

/**
 * The fastest kernels of this machine, or those asked for.
 * @param options.name one of `kernelNames()`; any other is ERR_KERNELS
 * @param options.threads worker threads; results do not depend on it. Default: one per core
 */
export function chooseKernels(options: { name?: string; threads?: number } = {}): Kernels {
  const names = kernelNames();
  const name = options.name ?? names[0];
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1) throw new TtsError('ERR_ARGUMENT', `threads is ${threads}, expected a whole number from 1`);
  if (!names.includes(name as KernelName)) {
    const reason = names.length === 1 ? ' (the native kernels are not built: install a C++17 compiler, then npm run setup)' : '';
    throw new TtsError('ERR_KERNELS', `no kernels "${name}" on this machine, expected one of ${names.join(', ')}${reason}`);
  }
  return name === 'reference' ? new ReferenceKernels() : new NativeKernels(name as KernelName, threads);
}
