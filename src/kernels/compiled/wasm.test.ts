import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { blockShapes, emptyGradients, freshBatch, randomBatch, randomNetwork } from '../../../test/support/kernels.js';
import { RandomStream } from '../../base/random.js';
import { chooseKernels } from '../index.js';
import type { ClassifierNetwork } from '../interface/classifier.js';
import { loadWasmModule } from './addon.js';
import { NativeKernels } from './compiled_kernels.js';
import { wasmAddon } from './wasm.js';

const stream = () => new RandomStream(1, 99);

test('the module needs nothing from outside, and instances are apart', () => {
  assert.deepEqual(WebAssembly.Module.imports(loadWasmModule()), []);
  const [a, b] = [0, 1].map(() => new NativeKernels(wasmAddon(loadWasmModule()), 'wasm', 1));
  const [x, y] = [Float32Array.of(1, 2, 3, 4), new Float32Array(1)];
  for (const kernels of [a, b, chooseKernels({ name: 'wasm' })]) {
    kernels.matMul(false, false, 1, 1, 4, x, x, y);
    assert.equal(y[0], 30);
  }
});

test('memory is given back after a call', () => {
  const addon = wasmAddon(loadWasmModule());
  const kernels = new NativeKernels(addon, 'wasm', 1);
  const network = randomNetwork(stream(), { hidden: 64, projection: 32, classes: 32, shape: blockShapes[0] });
  const batch = randomBatch(stream(), network, { lanes: 40, steps: 60, hop: 20 });
  const gradients = emptyGradients(network, batch);
  const round = () => kernels.sequenceGradients(network, freshBatch(batch), 1, gradients);
  round();
  const before = addon.memoryBytes();
  for (let i = 0; i < 30; i++) round();
  assert.equal(addon.memoryBytes(), before);
});

test('what members share is copied into the module once', () => {
  const addon = wasmAddon(loadWasmModule());
  const kernels = new NativeKernels(addon, 'wasm', 1);
  const pixels = 2 ** 18;
  const matrix = {
    rows: 1,
    columns: pixels,
    blockRows: 1,
    blockColumns: 1,
    rowStart: Int32Array.of(0, pixels),
    column: Int32Array.from({ length: pixels }, (_, i) => i),
    values: new Float32Array(pixels),
  };
  const layer = { kind: 'convolution', kernel: [1, 1], stride: 1, padding: 0, relu: false } as const;
  const member = (): ClassifierNetwork => ({
    input: [1, 1, pixels],
    layers: [{ ...layer, matrix, bias: new Float32Array(1) }],
  });
  const batch = { examples: 1, shared: 64, images: new Float32Array(pixels), labels: new Uint8Array(1) };
  const before = addon.memoryBytes();
  kernels.classifierLoss(Array.from({ length: 64 }, member), batch);
  // Sixty-four copies would be 128 MiB.
  assert.ok(addon.memoryBytes() - before < 2 ** 26, `${addon.memoryBytes() - before} bytes more`);
});

test('a sampler that nobody holds any more gives its memory back', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const addon = wasmAddon(loadWasmModule());
  const kernels = new NativeKernels(addon, 'wasm', 1);
  const network = randomNetwork(stream(), { hidden: 256, projection: 64, classes: 32, shape: blockShapes[0] });
  const gate = new Float32Array(3 * 256);
  const use = async (count: number) => {
    for (let i = 0; i < count; i++)
      await kernels.createSampler(network, { seed: i, temperature: 1, firstCode: 0 }).run(gate, 1, 4);
    collect();
    await sleep(10);
  };
  await use(10);
  const before = addon.memoryBytes();
  for (let i = 0; i < 10; i++) await use(10);
  assert.ok(addon.memoryBytes() <= before + 2 ** 20, `${before} bytes became ${addon.memoryBytes()}`);
});
