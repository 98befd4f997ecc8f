import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../base/package_root.js';
import type { Addon } from './compiled_kernels.js';
import { wasmAddon } from './wasm.js';

/**
 * The compiled kernels: those of this machine, or those that came with the package. Undefined where there are none or
 * they do not load.
 */
function loadAddon(): Addon | undefined {
  const require = createRequire(import.meta.url);
  for (const folder of ['build', join('prebuilds', `${process.platform}-${process.arch}`)])
    try {
      return require(join(packageRoot(), folder, 'kernels.node')) as Addon;
    } catch {
      // The next one.
    }
  return undefined;
}

export const nativeAddon = loadAddon();

/** The WebAssembly module that comes with the package. */
export function loadWasmModule(): WebAssembly.Module {
  return (module ??= new WebAssembly.Module(
    readFileSync(join(packageRoot(), 'src', 'kernels', 'compiled', 'kernels.wasm')),
  ));
}
let module: WebAssembly.Module | undefined;

/** The instance of it that all share, made when it is first asked for. */
export function loadWasmAddon(): Addon {
  return (wasm ??= wasmAddon(loadWasmModule()));
}
let wasm: Addon | undefined;
