import { availableParallelism } from 'node:os';
import { TtsError } from '../base/errors.js';
import { limits, within } from '../base/limits.js';
import { loadWasmAddon, nativeAddon } from './compiled/addon.js';
import { type Addon, NativeKernels } from './compiled/compiled_kernels.js';
import { guarded } from './interface/guard.js';
import type { KernelName, Kernels } from './interface/kernels.js';
import { checkedKernels } from './reference/checked.js';
import { ReferenceKernels } from './reference/reference.js';
import { Gpu } from './webgpu/gpu.js';
import { webgpuKernels } from './webgpu/webgpu_kernels.js';

export type { BlockMatrix, BlockShape, StoredMatrix } from './interface/blocks.js';
export * from './interface/classifier.js';
export * from './interface/conditioning.js';
export * from './interface/evolution.js';
export * from './interface/excitation.js';
export * from './interface/kernels.js';
export * from './interface/precision.js';

/**
 * All kernels that run on the processor of this machine, in the order in which they are chosen: native ones, the fastest
 * first, then WebAssembly, then the reference. Those of a GPU, `webgpu`, are never chosen by themselves; see `findGpu`.
 */
export function kernelNames(): KernelName[] {
  return [...nativeNames(), 'wasm', 'reference'];
}

/** Instruction sets of this processor for which native kernels were compiled, best first; empty where none were. */
export function nativeNames(): KernelName[] {
  return nativeAddon?.available() ?? [];
}

let gpu: Gpu | undefined;

/** The GPU of this process: opened once, and once more where it was lost. @throws {TtsError} ERR_KERNELS */
function openGpu(): Gpu {
  if (!gpu || gpu.lost) gpu = new Gpu();
  return gpu;
}

/**
 * The GPU that kernels `webgpu` would run on, opened: adapter and driver; or why there is none, and what to install.
 */
export function findGpu(): { readonly adapter: string } | { readonly reason: string } {
  try {
    return { adapter: openGpu().opened.adapter };
  } catch (error) {
    if (!(error instanceof TtsError)) throw error;
    return { reason: error.message };
  }
}

/**
 * The fastest kernels of this machine's processor, or those asked for. They check all arguments of all calls: see `guarded`.
 * With TTS_CHECK_KERNELS=1 in the environment they are compared with the reference as they run; see checked.ts.
 * @param options.name one of `kernelNames()`, or `webgpu` for the GPU; any other is ERR_KERNELS
 * @param options.threads worker threads; results do not depend on it. Default: one per core. WebAssembly and the
 * reference have one
 */
export function chooseKernels(options: { name?: string; threads?: number } = {}): Kernels {
  const names = kernelNames();
  const onGpu = options.name === 'webgpu';
  const name = (onGpu ? names[0] : (options.name ?? names[0])) as KernelName;
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
  const cpu =
    name === 'wasm'
      ? new NativeKernels(loadWasmAddon(), name, 1)
      : new NativeKernels(nativeAddon as Addon, name, threads);
  const kernels = onGpu ? webgpuKernels(openGpu(), cpu) : cpu;
  const checked = process.env.TTS_CHECK_KERNELS === '1' ? checkedKernels(kernels, new ReferenceKernels()) : kernels;
  // Native kernels look at the indices of a matrix themselves; wasm and the GPU take a copy in any case.
  return guarded(checked, kernels.name !== 'wasm' && !onGpu);
}
