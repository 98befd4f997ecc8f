import { existsSync } from 'node:fs';
import test from 'node:test';
import { findGpu, type KernelName, kernelNames } from '../../src/kernels/index.js';

/** Where Chromium's package of Debian keeps SwiftShader, a Vulkan driver that needs no GPU. */
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

/**
 * Only `npm run test:gpu` runs these tests: a driver without a GPU takes seconds to compile a shader, and minutes for them
 * all. It has the tests of this process, and the commands that they call, use the Vulkan driver that the environment names
 * (VK_DRIVER_FILES or VK_ICD_FILENAMES), else SwiftShader where it is installed, else what the machine has.
 * @returns why there is no GPU to test on, or undefined
 */
export function skipWithoutGpu(): string | undefined {
  const { env } = process;
  if (env.TTS_TEST_GPU === undefined) return 'npm run test:gpu runs them';
  if (env.VK_DRIVER_FILES === undefined && env.VK_ICD_FILENAMES === undefined && existsSync(swiftShader))
    env.VK_DRIVER_FILES = swiftShader;
  const found = findGpu();
  return 'adapter' in found ? undefined : found.reason;
}

/**
 * Names of the kernels that a sequence can be computed on: in `npm run test:gpu` `webgpu`, if there is a GPU or a driver that
 * does without one. Otherwise a test says by its name what is missing and is skipped, and the names are `kernelNames()`.
 * @param what is tested, for the name of that test
 */
export function sequenceKernelNames(what: string): KernelName[] {
  const skip = skipWithoutGpu();
  if (skip === undefined) return ['webgpu'];
  void test(`webgpu: ${what}`, { skip }, () => {});
  return kernelNames();
}
