import { availableParallelism } from 'node:os';
import { TtsError } from '../base/errors.js';
import { limits, within } from '../base/limits.js';
import { loadWasmAddon, nativeAddon } from './compiled/addon.js';
import { type Addon, NativeKernels } from './compiled/compiled_kernels.js';
import { guarded } from './interface/guard.js';
import type { KernelName, Kernels } from './interface/kernels.js';
import { checkedKernels } from './reference/checked.js';
import { ReferenceKernels } from './reference/reference.js';

export type { BlockMatrix, BlockShape, StoredMatrix } from './interface/blocks.js';
export * from './interface/classifier.js';
export * from './interface/excitation.js';
export * from './interface/kernels.js';
export * from './interface/precision.js';

/**
 * All kernels that run on this machine, in the order in which they are chosen: native ones, the fastest first, then
 * WebAssembly, then the reference.
 */
export function kernelNames(): KernelName[] {
  return [...nativeNames(), 'wasm', 'reference'];
}

/** Instruction sets of this processor for which native kernels were compiled, best first; empty where none were. */
export function nativeNames(): KernelName[] {
  return nativeAddon?.available() ?? [];
}

/**
 * The fastest kernels of this machine, or those asked for. They check all arguments of all calls: see `guarded`.
 * With TTS_CHECK_KERNELS=1 in the environment they are compared with the reference as they run; see checked.ts.
 * @param options.name one of `kernelNames()`; any other is ERR_KERNELS
 * @param options.threads worker threads; results do not depend on it. Default: one per core. WebAssembly and the
 * reference have one
 */
export function chooseKernels(options: { name?: string; threads?: number } = {}): Kernels {
  const names = kernelNames();
  const name = (options.name ?? names[0]) as KernelName;
  const threads = options.threads ?? Math.min(availableParallelism(), limits.threads.most);
  if (!Number.isInteger(threads) || !within(threads, limits.threads))
    throw new TtsError(
      'ERR_ARGUMENT',
      `threads is ${threads}, expected a whole number from 1 to ${limits.threads.most}`,
    );
  if (!names.includes(name)) {
    const reason = nativeAddon
      ? ''
      : ' (the native kernels are not built: install a C++17 compiler, then npm run setup)';
    throw new TtsError(
      'ERR_KERNELS',
      `no kernels "${name}" on this machine, expected one of ${names.join(', ')}${reason}`,
    );
  }
  if (name === 'reference') return guarded(new ReferenceKernels());
  const kernels =
    name === 'wasm'
      ? new NativeKernels(loadWasmAddon(), name, 1)
      : new NativeKernels(nativeAddon as Addon, name, threads);
  const checked = process.env.TTS_CHECK_KERNELS === '1' ? checkedKernels(kernels, new ReferenceKernels()) : kernels;
  // Native kernels look at the indices of a matrix themselves; wasm copies it in any case.
  return guarded(checked, name !== 'wasm');
}
