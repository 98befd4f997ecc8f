import assert from 'node:assert/strict';
import test from 'node:test';
import { TtsError } from '../base/errors.js';
import { chooseKernels, kernelNames } from './index.js';

const code = (wanted: string, text: RegExp) => (error: unknown) =>
  error instanceof TtsError && error.code === wanted && text.test(error.message);

test('WebAssembly and the reference are always there, the last choices', () => {
  const names = kernelNames();
  assert.deepEqual(names.slice(-2), ['wasm', 'reference']);
  assert.equal(new Set(names).size, names.length);
});

test('kernels are what was asked for; by default the first', () => {
  for (const name of kernelNames()) {
    const kernels = chooseKernels({ name, threads: 3 });
    assert.equal(kernels.name, name);
    assert.equal(kernels.threads, ['wasm', 'reference'].includes(name) ? 1 : 3);
  }
  assert.equal(chooseKernels().name, kernelNames()[0]);
});

test('a name that this machine does not have is ERR_KERNELS, and the message lists those it has', () => {
  assert.throws(() => chooseKernels({ name: 'sse9' }), code('ERR_KERNELS', /"sse9".*reference/));
  assert.throws(() => chooseKernels({ name: '' }), code('ERR_KERNELS', /""/));
  const foreign = process.arch === 'arm64' ? 'avx2' : 'neon';
  assert.throws(() => chooseKernels({ name: foreign }), code('ERR_KERNELS', new RegExp(foreign)));
});

test('threads that are no whole number from 1 are ERR_ARGUMENT', () => {
  for (const threads of [0, -1, 1.5, NaN, Infinity])
    assert.throws(() => chooseKernels({ threads }), code('ERR_ARGUMENT', new RegExp(String(threads))));
});
